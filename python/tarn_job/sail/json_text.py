"""One JSON file into Arrow batches, and the type that a set of JSON values has, by the rules of Spark's JSON reader.

A file holds one value a line, or with `multi_line` a single value; an array at the top is as many records as it has
elements. Arrow's parser takes the blocks that it reads without complaint; the rest is read value by value.
"""
import codecs
import dataclasses
import datetime
import json
import re
from typing import Any, BinaryIO, Callable, Iterator, Optional

import pyarrow as pa
import pyarrow.json

from tarn_job import Unsupported
from tarn_job.sail import text_values

BLOCK_BYTES = 8 << 20
BATCH_ROWS = 16384
_BLANKS = " \t\r\n\v\f"
_LONG = re.compile(rb"[0-9]{19}")
BROKEN = object()  # stands where a line is no JSON


@dataclasses.dataclass(frozen=True)
class Layout:
    """How a file is written and how its values are read."""
    multi_line: bool = False
    encoding: str = "UTF-8"
    formats: text_values.Formats = text_values.Formats()
    primitives_as_text: bool = False
    any_case: bool = False  # names match without regard to case, as Hive's tables do


def layout_of(options: dict[str, str], zone: str = "UTC") -> Layout:
    """The layout that Spark's options describe; their names may be written in any case."""
    lower = {name.lower(): value for name, value in options.items() if value is not None}
    flag = lambda name: str(lower.get(name, "")).lower() == "true"
    encoding = lower.get("encoding") or lower.get("charset") or "UTF-8"
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise Unsupported(f"the encoding {encoding!r} is not known") from None
    if flag("allowunquotedfieldnames") or flag("allowcomments") or flag("allowbackslashescapinganycharacter"):
        raise Unsupported("JSON with comments, unquoted names or free escapes is not supported on this engine")
    formats = text_values.Formats(lower.get("dateformat"), lower.get("timestampformat"), zone)
    return Layout(flag("multiline"), encoding, formats, flag("primitivesasstring"), flag("anycase"))


def _texts(stream: BinaryIO, layout: Layout) -> Iterator[bytes]:
    """The file as UTF-8: whole lines at a time, or all of it when its value spans lines or is one array."""
    encoding = codecs.lookup(layout.encoding).name
    decoder = None if encoding in ("utf-8", "ascii") else codecs.getincrementaldecoder(encoding)(errors="replace")
    rest, first = b"", True
    while True:
        raw = stream.read(BLOCK_BYTES)
        rest += raw if decoder is None else decoder.decode(raw, final=not raw).encode("utf-8")
        if first and rest:
            first = False
            rest = rest.removeprefix(codecs.BOM_UTF8)
        if not raw:
            break
        if layout.multi_line or rest.lstrip()[:1] == b"[":
            continue
        cut = rest.rfind(b"\n") + 1
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
    if rest.strip():
        yield rest


def values(block: bytes, layout: Layout) -> Iterator[tuple[Any, str]]:
    """The records of a block with the text of each; BROKEN for a text that is no JSON."""
    text = block.decode("utf-8", errors="replace")
    if not layout.multi_line:
        whole = [line for line in text.split("\n") if line.strip(_BLANKS)]
        if whole and whole[0].lstrip(_BLANKS)[0] == "[" and _load(whole[0]) is BROKEN:
            whole = [text]  # one array over many lines
    else:
        whole = [text]
    for one in whole:
        value = _load(one)
        if value is BROKEN and layout.multi_line:
            yield from _in_a_row(one)
        elif isinstance(value, list):
            for element in value:
                yield (element if isinstance(element, dict) or element is None else BROKEN), one
        else:
            yield (value if isinstance(value, dict) or value is BROKEN or value is None else BROKEN), one


_QUOTED = re.compile(r"""("(?:[^"\\]|\\.)*")|'((?:[^'\\]|\\.)*)'""", re.S)


def _load(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if "'" not in text:
        return BROKEN
    try:  # Spark also takes names and texts in single quotes
        return json.loads(_QUOTED.sub(lambda found: found.group(1) or json.dumps(found.group(2).replace("\\'", "'"), ensure_ascii=False), text))
    except (ValueError, RecursionError):
        return BROKEN


def _in_a_row(text: str) -> Iterator[tuple[Any, str]]:
    """Values that follow one another without commas; what does not parse ends the file as one broken record."""
    decoder, place = json.JSONDecoder(), 0
    while text[place:].strip(_BLANKS):
        place += len(text[place:]) - len(text[place:].lstrip(_BLANKS))
        try:
            value, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            yield BROKEN, text[place:]
            return
        yield (value if isinstance(value, dict) else BROKEN), text[place:end]
        place = end


# Types of JSON values, while they are inferred: None (only nulls so far), a name, ("decimal", digits),
# ["array", element], or {name: type} for an object. Names: boolean, bigint, double, string.

def _kind(value: Any, layout: Layout) -> Any:
    if value is None:
        return None
    if isinstance(value, dict):
        return {name: _kind(one, layout) for name, one in value.items()}
    if isinstance(value, list):
        kind = None
        for one in value:
            kind = _merge(kind, _kind(one, layout))
        return ["array", kind]
    if layout.primitives_as_text or isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, float):
        return "double"
    if -2**63 <= value < 2**63:
        return "bigint"
    digits = len(str(abs(value)))
    return ("decimal", digits) if digits <= 38 else "double"


def _merge(left: Any, right: Any) -> Any:
    if left is None or left == right:
        return right
    if right is None:
        return left
    if isinstance(left, dict) and isinstance(right, dict):
        for name, kind in right.items():
            left[name] = _merge(left.get(name), kind)
        return left
    if isinstance(left, list) and isinstance(right, list):
        return ["array", _merge(left[1], right[1])]
    numbers = [one for one in (left, right) if one in ("bigint", "double") or isinstance(one, tuple)]
    if len(numbers) == 2:
        if "double" in numbers:
            return "double"
        return ("decimal", max(20 if one == "bigint" else one[1] for one in numbers))
    return "string"


class Inference:
    """The schema of JSON records, file after file: every name seen, each with the type that fits all its values."""

    def __init__(self, layout: Layout, sort_names: bool = True):
        self._layout, self._sort, self._kind, self._broken = layout, sort_names, {}, False

    def see(self, stream: BinaryIO) -> None:
        for block in _texts(stream, self._layout):
            schema = self._by_arrow(block)
            if schema is not None:
                self._kind = _merge(self._kind, {one.name: _kind_of_arrow(one.type) for one in schema})
                continue
            for value, _ in values(block, self._layout):
                if value is BROKEN:
                    self._broken = True
                elif value is not None:
                    self._kind = _merge(self._kind, _kind(value, self._layout))

    def _by_arrow(self, block: bytes) -> Optional[pa.Schema]:
        if self._layout.multi_line or self._layout.primitives_as_text or _LONG.search(block):
            return None
        try:
            return pa.json.read_json(pa.BufferReader(block), _read_options(block)).schema
        except pa.ArrowInvalid:
            return None

    def result(self, corrupt_column: Optional[str] = "_corrupt_record") -> pa.Schema:
        """The schema; names in the order of the alphabet (Spark's), or as they came. A column for the texts of broken
        records comes with them only when there are any."""
        fields = list(_struct(self._kind, self._sort))
        if self._broken and corrupt_column and corrupt_column not in [one.name for one in fields]:
            fields.append(pa.field(corrupt_column, pa.string()))
            if self._sort:
                fields.sort(key=lambda one: one.name)
        return pa.schema(fields)


def _kind_of_arrow(found: pa.DataType) -> Any:
    if pa.types.is_null(found):
        return None
    if pa.types.is_struct(found):
        return {one.name: _kind_of_arrow(one.type) for one in found}
    if pa.types.is_list(found):
        return ["array", _kind_of_arrow(found.value_type)]
    if pa.types.is_boolean(found):
        return "boolean"
    if pa.types.is_integer(found):
        return "bigint"
    return "double" if pa.types.is_floating(found) else "string"  # Arrow takes some texts for times; Spark does not


def _struct(kind: dict, sort: bool) -> list[pa.Field]:
    names = sorted(kind) if sort else list(kind)
    found = [(name, _arrow(kind[name], sort)) for name in names]
    return [pa.field(name, one) for name, one in found if one is not None]


def _arrow(kind: Any, sort: bool) -> Optional[pa.DataType]:
    if kind is None:
        return pa.string()
    if isinstance(kind, dict):
        fields = _struct(kind, sort)
        return pa.struct(fields) if fields else None
    if isinstance(kind, list):
        element = _arrow(kind[1], sort)
        return pa.list_(element) if element is not None else None
    if isinstance(kind, tuple):
        return pa.decimal128(kind[1], 0)
    return {"boolean": pa.bool_(), "bigint": pa.int64(), "double": pa.float64(), "string": pa.string()}[kind]


def _read_options(block: bytes) -> pa.json.ReadOptions:
    return pa.json.ReadOptions(use_threads=False, block_size=max(len(block) + 1, 1 << 16))


def records(stream: BinaryIO, layout: Layout, schema: pa.Schema, mode: str = "PERMISSIVE",
            corrupt_column: str = "_corrupt_record", prepare: Optional[Callable[[dict], dict]] = None) -> Iterator[pa.RecordBatch]:
    """The file's records as batches of `schema`.

    A value that is not of its column's type is null, and the record counts as broken. Modes as in Spark: PERMISSIVE
    keeps broken records (with their text in the column `corrupt_column`, if the schema has one), DROPMALFORMED leaves
    them out, FAILFAST raises ValueError. `prepare` changes each record before it is read.
    """
    simple = prepare is None and mode == "PERMISSIVE" and corrupt_column not in schema.names and not layout.any_case \
        and all(_simple(one.type) for one in schema)
    for block in _texts(stream, layout):
        if simple and not layout.multi_line and block.lstrip()[:1] != b"[":
            batch = _fast(block, schema)
            if batch is not None:
                yield batch
                continue
        rows: list[tuple[Any, str]] = []
        for row in values(block, layout):
            if row[0] is not None:
                rows.append(row if prepare is None or row[0] is BROKEN else (prepare(row[0]), row[1]))
            if len(rows) == BATCH_ROWS:
                yield _exact(rows, layout, schema, mode, corrupt_column)
                rows = []
        if rows:
            yield _exact(rows, layout, schema, mode, corrupt_column)


def _simple(wanted: pa.DataType) -> bool:
    if pa.types.is_struct(wanted):
        return all(_simple(one.type) for one in wanted)
    if pa.types.is_list(wanted):
        return _simple(wanted.value_type)
    return wanted in (pa.bool_(), pa.int64(), pa.int32(), pa.float64(), pa.string())


def _fast(block: bytes, schema: pa.Schema) -> Optional[pa.RecordBatch]:
    try:
        table = pa.json.read_json(pa.BufferReader(block), _read_options(block),
                                  pa.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"))
    except pa.ArrowInvalid:
        return None
    batches = table.select(schema.names).combine_chunks().to_batches()
    return batches[0] if batches else None


def _exact(rows, layout: Layout, schema: pa.Schema, mode: str, corrupt_column: str) -> pa.RecordBatch:
    reader = _Reader(layout, [value is BROKEN for value, _ in rows])
    objects = [{} if value is BROKEN else value for value, _ in rows]
    places = list(range(len(rows)))
    arrays = [reader.array(reader.members(objects, field.name), field.type, places) for field in schema]
    broken = reader.broken
    if mode == "FAILFAST" and any(broken):
        raise ValueError("Malformed records are detected in record parsing. Parse Mode: FAILFAST. The record: "
                         + rows[broken.index(True)][1][:500])
    if corrupt_column in schema.names:
        texts = [text if bad else None for (_, text), bad in zip(rows, broken)]
        arrays[schema.names.index(corrupt_column)] = pa.array(texts, pa.string())
    batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
    if mode == "DROPMALFORMED" and any(broken):
        batch = batch.filter(pa.array([not one for one in broken]))
    return batch


class _Reader:
    """Turns lists of Python values into Arrow arrays, noting which records had a value of a wrong type.

    `places` says for every value which record it came from."""

    def __init__(self, layout: Layout, broken: list[bool]):
        self._layout, self.broken = layout, broken

    def members(self, objects: list[dict], name: str) -> list[Any]:
        if not self._layout.any_case:
            return [one.get(name) for one in objects]
        lower = name.lower()
        return [one[name] if name in one else next((value for key, value in one.items() if key.lower() == lower), None)
                for one in objects]

    def array(self, found: list[Any], wanted: pa.DataType, places: list[int]) -> pa.Array:
        if pa.types.is_struct(wanted):
            good = [self._checked(one, dict, place) for one, place in zip(found, places)]
            objects = [one or {} for one in good]
            children = [self.array(self.members(objects, field.name), field.type, places) for field in wanted]
            return pa.StructArray.from_arrays(children, fields=list(wanted), mask=pa.array([one is None for one in good], pa.bool_()))
        if pa.types.is_list(wanted):
            good = [self._checked(one, list, place) for one, place in zip(found, places)]
            offsets, flat, owners = self._flatten(good, places, lambda one: one)
            return pa.ListArray.from_arrays(offsets, self.array(flat, wanted.value_type, owners), type=wanted)
        if pa.types.is_map(wanted):
            good = [self._checked(one, dict, place) for one, place in zip(found, places)]
            offsets, flat, owners = self._flatten(good, places, lambda one: list(one.items()))
            keys = self.array([key for key, _ in flat], wanted.key_type, owners)
            return pa.MapArray.from_arrays(offsets, keys, self.array([value for _, value in flat], wanted.item_type, owners))
        kinds = set(map(type, found))
        if kinds <= {str, type(None)} and pa.types.is_string(wanted) or kinds <= {int, type(None)} and wanted == pa.int64():
            try:
                return pa.array(found, wanted)
            except (OverflowError, pa.ArrowInvalid):
                pass
        return pa.array([self._leaf(one, wanted, place) for one, place in zip(found, places)], wanted)

    @staticmethod
    def _flatten(good, places, items):
        offsets, flat, owners = [], [], []
        for one, place in zip(good, places):
            offsets.append(None if one is None else len(flat))
            if one is not None:
                flat += items(one)
                owners += [place] * (len(flat) - len(owners))
        return pa.array(offsets + [len(flat)], pa.int32()), flat, owners

    def _checked(self, value: Any, kind: type, place: int) -> Any:
        if value is not None and not isinstance(value, kind):
            self.broken[place] = True
            return None
        return value

    def _leaf(self, value: Any, wanted: pa.DataType, place: int) -> Any:
        if value is None:
            return None
        result = _leaf_value(value, wanted, self._layout)
        if result is None:
            self.broken[place] = True
        return result


def _leaf_value(value: Any, wanted: pa.DataType, layout: Layout) -> Any:
    """The value as the wanted type takes it; None when it is of another."""
    if pa.types.is_string(wanted):
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if pa.types.is_boolean(wanted):
        return value if isinstance(value, bool) else None
    if isinstance(value, (bool, dict, list)):
        return None
    if pa.types.is_integer(wanted):
        limit = 2 ** (wanted.bit_width - 1)
        return value if isinstance(value, int) and -limit <= value < limit else None
    if pa.types.is_floating(wanted):
        if isinstance(value, str):
            return {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}.get(value)
        return float(value)
    if pa.types.is_decimal(wanted):
        return text_values.decimal_of(value if isinstance(value, str) else repr(value), wanted)
    if pa.types.is_date(wanted):
        return text_values.date_of(value, layout.formats.date) if isinstance(value, str) else None
    if pa.types.is_timestamp(wanted):
        if isinstance(value, str):
            return text_values.timestamp_of(value, layout.formats.timestamp, layout.formats.zone)
        return datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
    if pa.types.is_binary(wanted):
        import base64
        try:
            return base64.b64decode(value, validate=True) if isinstance(value, str) else None
        except ValueError:
            return None
    raise Unsupported(f"JSON cannot be read into a column of type {wanted}")
