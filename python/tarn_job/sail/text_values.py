"""Text into typed values, as Spark's CSV reader does it: what a text means as a type, and which type a column has.

Everything works on whole Arrow arrays. A value that does not fit its type becomes null; the callers that must know
compare the nulls before and after.
"""
import dataclasses
import datetime
import functools
import re
import zoneinfo
from typing import Callable, Optional

import pyarrow as pa
import pyarrow.compute as pc

from tarn_job import Unsupported

# The order in which inference tries types: a column that a later type is needed for has been all of the earlier ones.
_INT, _LONG, _DECIMAL, _DOUBLE, _DATE, _TIMESTAMP, _BOOLEAN = "int", "bigint", "decimal", "double", "date", "timestamp", "boolean"
_NUMBERS = (_INT, _LONG, _DECIMAL, _DOUBLE)
_INTEGER = r"^[+-]?[0-9]+$"
_REAL = r"^[\x00-\x20]*[+-]?(NaN|Infinity|([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[fFdD]?)[\x00-\x20]*$"
_DATE_TEXT = r"^\s*[0-9]{4}(-[0-9]{1,2}(-[0-9]{1,2}([ T].*)?)?)?\s*$"
_DATE_ONLY = r"^\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}\s*$"
_TIMESTAMP_TEXT = re.compile(
    r"\s*(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[ T](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{0,9}))?)?\s*(\S+)?)?)?)?\s*")
_TIME_TEXT = re.compile(r"\s*T?(\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.\d{0,9})?)?\s*\S*)\s*")
_INTEGER_RANGES = {pa.int8(): (-2**7, 2**7), pa.int16(): (-2**15, 2**15), pa.int32(): (-2**31, 2**31), pa.int64(): (-2**63, 2**63)}


@dataclasses.dataclass(frozen=True)
class Formats:
    """How a reader's options say that dates and times are written; None means Spark's own forms."""
    date: Optional[str] = None
    timestamp: Optional[str] = None
    zone: str = "UTC"


def convert(texts: pa.Array, wanted: pa.DataType, formats: Formats = Formats()) -> pa.Array:
    """The values that the texts stand for, null where a text is not of that type. Text stays as it is."""
    if pa.types.is_string(wanted):
        return texts
    if wanted in _INTEGER_RANGES:
        return _integers(texts, wanted)
    if pa.types.is_floating(wanted):
        return _reals(texts, wanted)
    if pa.types.is_decimal(wanted):
        return _through_values(texts, wanted, functools.partial(decimal_of, wanted=wanted))
    if pa.types.is_boolean(wanted):
        lower = pc.utf8_lower(texts)
        return pc.if_else(pc.equal(lower, "true"), True, pc.if_else(pc.equal(lower, "false"), False, None)).cast(pa.bool_())
    if pa.types.is_date(wanted):
        return _dates(texts, formats)
    if pa.types.is_timestamp(wanted):
        return _timestamps(texts, wanted, formats)
    raise Unsupported(f"a CSV file's column cannot be of type {wanted}")


def _integers(texts: pa.Array, wanted: pa.DataType) -> pa.Array:
    if not pc.any(pc.match_substring(texts, "x", ignore_case=True)).as_py():  # Arrow would take 0x10 for sixteen
        try:
            return texts.cast(wanted)  # the common case: every text is a plain number
        except pa.ArrowInvalid:
            pass
    low, high = _INTEGER_RANGES[wanted]
    fits = pc.match_substring_regex(texts, _INTEGER)
    short = pc.less_equal(pc.utf8_length(texts), 18)
    plain = pc.replace_substring_regex(pc.if_else(pc.and_(fits, short), texts, None), r"^\+", "")
    numbers = plain.cast(pa.int64())
    long = pc.and_(fits, pc.invert(short))
    if pc.any(long).as_py():  # leading zeros, or too large: rare, and exact in Python
        values = [int(text) if is_long else number for text, is_long, number in
                  zip(texts.to_pylist(), long.to_pylist(), numbers.to_pylist())]
        numbers = pa.array([one if one is not None and -2**63 <= one < 2**63 else None for one in values], pa.int64())
    if wanted != pa.int64():
        inside = pc.and_(pc.greater_equal(numbers, low), pc.less(numbers, high))
        numbers = pc.if_else(inside, numbers, None)
    return numbers.cast(wanted)


def _reals(texts: pa.Array, wanted: pa.DataType) -> pa.Array:
    if not pc.all(pc.match_substring_regex(texts, r"^-?[0-9.]+([eE][+-]?[0-9]+)?$")).as_py():
        fits = pc.match_substring_regex(texts, _REAL)
        texts = pc.if_else(fits, texts, None)
        texts = pc.ascii_trim(texts, " " + "".join(map(chr, range(1, 32))))
        texts = pc.replace_substring_regex(texts, r"^\+", "")
        number = pc.match_substring_regex(texts, r"[0-9]")
        texts = pc.if_else(number, pc.replace_substring_regex(texts, r"[fFdD]$", ""), texts)
    try:
        return texts.cast(pa.float64()).cast(wanted, safe=False)
    except pa.ArrowInvalid:
        return _through_values(texts, wanted, _real)


def _real(text: str) -> Optional[float]:
    try:
        return float(text)
    except ValueError:
        return None


def _through_values(texts: pa.Array, wanted: pa.DataType, read: Callable[[str], object]) -> pa.Array:
    """Converts each distinct text once, in Python: for types whose forms Arrow does not know."""
    packed = texts.dictionary_encode()
    values = pa.array([None if one is None else read(one) for one in packed.dictionary.to_pylist()], wanted)
    return values.take(packed.indices)


def decimal_of(text: str, wanted: pa.Decimal128Type):
    import decimal
    try:
        with decimal.localcontext(decimal.Context(prec=76)):
            value = decimal.Decimal(text).quantize(decimal.Decimal(1).scaleb(-wanted.scale), decimal.ROUND_HALF_UP)
    except (decimal.InvalidOperation, ValueError):
        return None
    if not value.is_finite() or len(value.as_tuple().digits) > wanted.precision:
        return None
    return value


def _dates(texts: pa.Array, formats: Formats) -> pa.Array:
    if formats.date is None:
        try:
            return texts.cast(pa.date32())
        except pa.ArrowInvalid:
            pass
    return _through_values(texts, pa.date32(), functools.partial(date_of, pattern=formats.date))


def _timestamps(texts: pa.Array, wanted: pa.DataType, formats: Formats) -> pa.Array:
    zoned = wanted.tz is not None
    zone = formats.zone if zoned else "UTC"
    if formats.timestamp is None and zone == "UTC":
        try:
            return texts.cast(pa.timestamp("us")).cast(wanted)  # 2026-01-01 10:00:00 and 2026-01-01T10:00:00.5
        except pa.ArrowInvalid:
            pass
    read = functools.partial(timestamp_of, pattern=formats.timestamp, zone=zone)
    return _through_values(texts, pa.timestamp("us", "UTC"), read).cast(wanted)


def date_of(text: str, pattern: Optional[str] = None) -> Optional[datetime.date]:
    """The date that a text writes, by a Java pattern or in Spark's own forms (2026-1-2, 2026-01, 2026)."""
    if pattern is not None:
        found = _by_pattern(text, pattern)
        return found.date() if found else None
    if not re.match(_DATE_TEXT, text):
        return None
    parts = [int(one) for one in re.split(r"[ T]", text.strip())[0].split("-")]
    try:
        return datetime.date(*(parts + [1, 1])[:3])
    except ValueError:
        return None


def timestamp_of(text: str, pattern: Optional[str] = None, zone: str = "UTC") -> Optional[datetime.datetime]:
    """The moment that a text writes, in UTC: by a Java pattern or in Spark's own forms. `zone` is where it names none."""
    if pattern is not None:
        found = _by_pattern(text, pattern)
    else:
        found = _by_form(text)
    if found is None:
        return None
    if found.tzinfo is None:
        found = found.replace(tzinfo=zoneinfo.ZoneInfo(zone))
    try:
        return found.astimezone(datetime.timezone.utc)
    except OverflowError:
        return None


def _by_form(text: str) -> Optional[datetime.datetime]:
    time = _TIME_TEXT.fullmatch(text)
    if time:  # a time without a day is of today, in Spark
        text = f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d} {time.group(1)}"
    found = _TIMESTAMP_TEXT.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        return datetime.datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0),
                                 int((fraction or "").ljust(6, "0")[:6]), tzinfo=_zone(zone) if zone else None)
    except (ValueError, KeyError):
        return None


def _zone(name: str) -> datetime.tzinfo:
    offset = re.fullmatch(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?", name)
    if name in ("Z", "UTC", "GMT"):
        return datetime.timezone.utc
    if offset:
        sign, hours, minutes, seconds = offset.groups()
        span = datetime.timedelta(hours=int(hours), minutes=int(minutes or 0), seconds=int(seconds or 0))
        return datetime.timezone(-span if sign == "-" else span)
    return zoneinfo.ZoneInfo(name)


@functools.lru_cache(maxsize=64)
def java_pattern(pattern: str) -> "re.Pattern[str]":
    """A Java date pattern as a regular expression with one named group for each field.

    Raises Unsupported for a letter that is not among the usual ones (y M d H h m s S a E X x Z z), because a pattern
    half understood reads wrong dates.
    """
    expression = ""
    for quoted, letters, other in pieces(pattern):
        if quoted is not None:
            expression += re.escape(quoted)
        elif letters is not None:
            expression += _field(letters, pattern)
        else:
            expression += {"[": "(?:", "]": ")?"}.get(other, re.escape(other))
    return re.compile(expression)


def pieces(pattern: str):
    """Splits a Java pattern into quoted text, runs of one letter, and other characters: triples with one member set."""
    place = 0
    while place < len(pattern):
        char = pattern[place]
        if char == "'":
            end = pattern.find("'", place + 1)
            end = len(pattern) if end < 0 else end
            yield (pattern[place + 1:end] or "'", None, None)
            place = end + 1
        elif char.isalpha():
            end = place
            while end < len(pattern) and pattern[end] == char:
                end += 1
            yield (None, pattern[place:end], None)
            place = end
        else:
            yield (None, None, char)
            place += 1


def _field(letters: str, pattern: str) -> str:
    letter, count = letters[0], len(letters)
    digits = r"\d{1,2}" if count == 1 else rf"\d{{{count}}}"
    numbers = {"d": "day", "H": "hour", "h": "half", "m": "minute", "s": "second"}
    if letter in "yu":
        return r"(?P<short>\d{2})" if count == 2 else r"(?P<year>\d{4})" if count in (1, 4) else r"(?P<year>\d+)"
    if letter in "ML":
        return rf"(?P<month>{digits})" if count <= 2 else r"(?P<name>[A-Za-zÀ-ÿ.]+)"
    if letter in numbers:
        return rf"(?P<{numbers[letter]}>{digits})"
    if letter == "S":
        return r"(?P<fraction>\d+)"
    if letter == "a":
        return r"(?P<noon>[AaPp]\.?[Mm]\.?)"
    if letter == "E":
        return r"[A-Za-zÀ-ÿ.]+"
    if letter in "XxZzVO":
        return r"(?P<zone>[A-Za-z_/]+|[+-]\d{1,2}(?::?\d{2})?)"
    raise Unsupported(f"the date pattern {pattern!r} uses the letter {letter!r}, which is not supported; "
                  "read the column as text and convert it with to_date or to_timestamp")


_MONTHS = {name: place + 1 for place, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split())}


def _by_pattern(text: str, pattern: str) -> Optional[datetime.datetime]:
    found = java_pattern(pattern).fullmatch(text)
    if not found:
        return None
    part = found.groupdict()
    try:
        year = int(part["year"]) if part.get("year") else 2000 + int(part["short"]) if part.get("short") else 1970
        month = int(part["month"]) if part.get("month") else _MONTHS[part["name"][:3].lower()] if part.get("name") else 1
        hour = int(part.get("hour") or 0)
        if part.get("half"):
            hour = int(part["half"]) % 12 + (12 if (part.get("noon") or "a").lower().startswith("p") else 0)
        return datetime.datetime(year, month, int(part.get("day") or 1), hour, int(part.get("minute") or 0),
                                 int(part.get("second") or 0), int((part.get("fraction") or "").ljust(6, "0")[:6]),
                                 tzinfo=_zone(part["zone"]) if part.get("zone") else None)
    except (ValueError, KeyError):
        return None


class Inference:
    """Finds the narrowest type of a text column, batch after batch, as `inferSchema` does.

    int, bigint, decimal, double, date, timestamp, boolean, string: numbers widen among themselves, a date among
    timestamps is a timestamp, anything else mixed is text. A column without values is text.
    """

    def __init__(self, formats: Formats = Formats()):
        self._formats = formats
        self._kind: Optional[str] = None
        self._digits = 0

    def see(self, texts: pa.Array) -> None:
        if self._kind == "string":
            return
        values = texts.drop_null()
        if len(values) == 0:
            return
        self._kind = self._join(self._kind, self._of(values))

    def result(self) -> str:
        """Spark's name of the type."""
        if self._kind == _DECIMAL:
            return f"decimal({self._digits},0)"
        return self._kind or "string"

    def _of(self, values: pa.Array) -> str:
        if self._kind in (None, *_NUMBERS):  # narrower kinds than the one so far need no look: it has room for them
            for kind in _NUMBERS[_NUMBERS.index(self._kind) if self._kind else 0:]:
                if self._is(values, kind):
                    return kind
        for kind in (_DATE, _TIMESTAMP, _BOOLEAN):
            if self._is(values, kind):
                return kind
        return "string"

    def _is(self, values: pa.Array, kind: str) -> bool:
        if kind in (_INT, _LONG):
            return _integers(values, pa.int32() if kind == _INT else pa.int64()).null_count == 0
        if kind == _DECIMAL:
            if not pc.all(pc.match_substring_regex(values, _INTEGER)).as_py():
                return False
            digits = pc.max(pc.utf8_length(pc.utf8_ltrim(values, "+-"))).as_py()
            self._digits = max(self._digits, digits)
            return digits <= 38
        if kind == _DOUBLE:
            return pc.all(pc.match_substring_regex(values, _REAL)).as_py()
        if kind == _DATE:
            if self._formats.date is None and not pc.all(pc.match_substring_regex(values, _DATE_ONLY)).as_py():
                return False
            return _dates(values, self._formats).null_count == 0
        if kind == _TIMESTAMP:
            return _timestamps(values, pa.timestamp("us", "UTC"), self._formats).null_count == 0
        return convert(values, pa.bool_()).null_count == 0

    @staticmethod
    def _join(before: Optional[str], now: str) -> str:
        if before is None or before == now:
            return now
        if before in _NUMBERS and now in _NUMBERS:
            widest = max(before, now, key=_NUMBERS.index)
            return widest
        if {before, now} == {_DATE, _TIMESTAMP}:
            return _TIMESTAMP
        return "string"
