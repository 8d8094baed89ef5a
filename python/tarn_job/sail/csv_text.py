"""One CSV file into Arrow batches of text, exactly as Spark's reader splits it.

Most files are regular: every quoted field begins and ends at a separator. Such blocks go to Arrow's parser. A block that
is not (a backslash before a quote, a quote inside a field, an open quote at the end of a line) goes to `_split`, which
follows the state machine of the parser that Spark uses (univocity, unescaped quotes stop at the delimiter), character by
character. Both give the same rows, so which one ran is never visible.
"""
import codecs
import dataclasses
import re
from typing import BinaryIO, Iterator, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from tarn_job import Unsupported

BLOCK_BYTES = 8 << 20
RECORD_LIMIT_BYTES = 256 << 20  # a quoted field that never closes must not fill the memory
_NEWLINE = 10
_BLANKS = "".join(map(chr, range(33)))  # what Java's trim() takes away


@dataclasses.dataclass(frozen=True)
class Dialect:
    """How a file is written. Empty `quote`, `escape` and `comment` mean that there is none."""
    separator: str = ","
    quote: str = '"'
    escape: str = "\\"
    comment: str = ""
    header: bool = False
    multi_line: bool = False
    null_value: str = ""
    empty_value: str = ""
    trim_left: bool = False
    trim_right: bool = False
    encoding: str = "UTF-8"
    line_separator: str = ""
    skip_lines: int = 0


_NAMES = {
    "sep": "separator", "delimiter": "separator", "separator": "separator", "quote": "quote", "escape": "escape",
    "comment": "comment", "nullvalue": "null_value", "emptyvalue": "empty_value", "encoding": "encoding",
    "charset": "encoding", "linesep": "line_separator",
}
_FLAGS = {"header": "header", "multiline": "multi_line", "ignoreleadingwhitespace": "trim_left",
          "ignoretrailingwhitespace": "trim_right"}
_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\0": "", "\\u0000": "", "\0": "", "\\\\": "\\", "\\'": "'", '\\"': '"'}


def dialect_of(options: dict[str, str]) -> Dialect:
    """The dialect that Spark's options describe; their names may be written in any case. Raises ValueError for a
    value that cannot be, Unsupported for an encoding that Python does not know."""
    found = {}
    for name, value in options.items():
        lower = name.lower()
        if lower in _FLAGS:
            found[_FLAGS[lower]] = str(value).strip().lower() == "true"
        elif lower == "skiplines":
            found["skip_lines"] = int(value)
        elif lower in _NAMES and value is not None:
            found[_NAMES[lower]] = value if lower in ("nullvalue", "emptyvalue", "encoding", "charset") else _ESCAPES.get(value, value)
    dialect = Dialect(**found)
    if not dialect.separator:
        raise ValueError("Delimiter cannot be empty string")
    for name in ("quote", "escape", "comment"):
        if len(getattr(dialect, name)) > 1:
            raise ValueError(f"{name} cannot be more than one character")
    try:
        codecs.lookup(dialect.encoding)
    except LookupError:
        raise Unsupported(f"the encoding {dialect.encoding!r} is not known") from None
    return dialect


def records(stream: BinaryIO, dialect: Dialect, columns: Optional[int] = None) -> Iterator[pa.RecordBatch]:
    """The file's rows as batches of text columns named 0, 1, 2, …, its header (when it has one) left out.

    `columns` is how many every row is given: shorter rows end in nulls, longer ones lose the rest. Without it, it is
    what the first row has.
    """
    for batch, _ in records_with_lines(stream, dialect, columns, want_lines=False):
        yield batch


def records_with_lines(stream: BinaryIO, dialect: Dialect, columns: Optional[int], want_lines: bool
                       ) -> Iterator[tuple[pa.RecordBatch, Optional[list[tuple[str, bool]]]]]:
    """As `records`; with `want_lines` each batch comes with its rows' own text and whether each had the right number
    of columns (that costs the fast path: only modes that look for broken rows ask for it)."""
    first = True
    for block in _blocks(stream, dialect):
        if first:
            text = _after_lines(block, dialect.skip_lines).decode("utf-8")
            head, end = next(_lines(text, dialect), (None, 0))
            if head is None:
                continue
            first = False
            columns = columns or len(_split(head, dialect))
            block = text[end if dialect.header else 0:].encode("utf-8")
        if not block:
            continue
        batch = _fast(block, dialect, columns) if not want_lines and _regular(block, dialect) else None
        if batch is not None:
            yield batch, None
        else:
            yield _exact(block, dialect, columns, want_lines)


def header_names(stream: BinaryIO, dialect: Dialect) -> Optional[list[str]]:
    """The columns' names as Spark gives them: from the first line, or `_c0`, `_c1`, … None when there is no line.

    A name that stands twice (in any case) is followed by its place, and an empty one is `_c` and its place.
    """
    for block in _blocks(stream, dialect, BLOCK_BYTES if dialect.multi_line else 1 << 16):
        head, _ = next(_lines(_after_lines(block, dialect.skip_lines).decode("utf-8"), dialect), (None, 0))
        if head is None:
            continue
        fields = _split(head, dialect)
        if not dialect.header:
            return [f"_c{place}" for place in range(len(fields))]
        lower = [(one or "").lower() for one in fields]
        return [f"_c{place}" if not name else f"{name}{place}" if lower.count(name.lower()) > 1 else name
                for place, name in enumerate(fields)]
    return None


def _after_lines(block: bytes, count: int) -> bytes:
    for _ in range(count):
        block = block.partition(b"\n")[2]
    return block


def _blocks(stream: BinaryIO, dialect: Dialect, size: int = BLOCK_BYTES) -> Iterator[bytes]:
    """The file as UTF-8 text, cut after whole records: at a line's end, outside quotes when records may span lines."""
    encoding = codecs.lookup(dialect.encoding).name
    decoder = None if encoding in ("utf-8", "ascii") else codecs.getincrementaldecoder(encoding)(errors="replace")
    rest, first = b"", True
    while True:
        raw = stream.read(size)
        text = raw if decoder is None else decoder.decode(raw, final=not raw).encode("utf-8")
        if first and text:
            first = False
            text = text.removeprefix(codecs.BOM_UTF8)
        block = rest + text
        if dialect.line_separator and dialect.line_separator != "\n":
            separator = dialect.line_separator.encode("utf-8")
            if raw and separator not in block:
                rest = block
                continue
            cut = len(block) if not raw else block.rfind(separator) + len(separator)
            block, rest = block[:cut].replace(separator, b"\n"), block[cut:]
        elif raw:
            cut = _record_end(block, dialect)
            block, rest = block[:cut], block[cut:]
        if len(rest) > RECORD_LIMIT_BYTES:
            raise Unsupported(f"no end of a record in {RECORD_LIMIT_BYTES} bytes: with multiLine, a file whose quotes are "
                              "irregular (escaped by backslashes, or standing inside fields) may not be larger")
        if block:
            yield _valid(_newlines(block) if b"\r" in block else block)
        if not raw:
            return


def _valid(block: bytes) -> bytes:
    """The block with every byte that is no UTF-8 replaced, as Java does: Arrow would refuse the file."""
    if block.isascii():
        return block
    try:
        block.decode("utf-8")
        return block
    except UnicodeDecodeError:
        return block.decode("utf-8", errors="replace").encode("utf-8")


def _newlines(block: bytes) -> bytes:
    return block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _record_end(block: bytes, dialect: Dialect) -> int:
    """Where the last whole record of the block ends; 0 when none does yet."""
    end = max(block.rfind(b"\n"), block.rfind(b"\r", 0, len(block) - 1)) + 1
    if not dialect.multi_line or not dialect.quote or not end:
        return end
    bytes_ = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(bytes_ == ord(dialect.quote))
    newlines = np.flatnonzero(bytes_ == _NEWLINE)
    outside = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
    end = int(outside[-1]) + 1 if len(outside) else 0
    # Counting quotes finds the end only where every quote begins or ends a field; otherwise the whole file is one block.
    return end if end and _regular(_newlines(block[:end]), dialect) else 0


def _regular(block: bytes, dialect: Dialect) -> bool:
    """Whether Arrow's parser and Spark's surely agree on the block."""
    if len(dialect.separator) != 1 or not dialect.separator.isascii() or dialect.comment or dialect.trim_left or dialect.trim_right:
        return False
    if dialect.empty_value or (dialect.quote and not dialect.quote.isascii()):
        return False
    if not dialect.quote or dialect.quote.encode() not in block:
        return True
    doubled = dialect.escape == dialect.quote
    if not doubled and dialect.escape and dialect.escape.encode() in block:
        return False
    bytes_ = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(bytes_ == ord(dialect.quote))
    if len(quotes) % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    before = bytes_[np.maximum(opening - 1, 0)]
    after = bytes_[np.minimum(closing + 1, len(bytes_) - 1)]
    edge_before = (before == ord(dialect.separator)) | (before == _NEWLINE) | (opening == 0)
    edge_after = (after == ord(dialect.separator)) | (after == _NEWLINE) | (closing == len(bytes_) - 1)
    if doubled:  # a doubled quote looks like a field that ends where the next begins
        inner = np.zeros(len(opening) + 1, bool)
        inner[1:-1] = closing[:-1] + 1 == opening[1:]
        edge_before |= inner[:-1]
        edge_after |= inner[1:]
    if not (edge_before.all() and edge_after.all()):
        return False
    if dialect.multi_line:
        return True
    newlines = np.flatnonzero(bytes_ == _NEWLINE)
    return bool((np.searchsorted(quotes, newlines) % 2 == 0).all())


def _fast(block: bytes, dialect: Dialect, columns: int) -> Optional[pa.RecordBatch]:
    """The block by Arrow's parser; None when it cannot be done so."""
    ragged: list[tuple[int, str]] = []

    def keep(row: pa.csv.InvalidRow) -> str:
        ragged.append((row.number or 0, row.text))
        return "skip"

    names = [str(place) for place in range(columns)]
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(block),
            pa.csv.ReadOptions(column_names=names, use_threads=False, block_size=max(len(block) + 1, 1 << 16)),
            pa.csv.ParseOptions(delimiter=dialect.separator, quote_char=dialect.quote or False,
                                double_quote=dialect.escape == dialect.quote, escape_char=False,
                                newlines_in_values=dialect.multi_line, ignore_empty_lines=True, invalid_row_handler=keep),
            pa.csv.ConvertOptions(column_types={name: pa.string() for name in names}, strings_can_be_null=True,
                                  null_values=["", dialect.null_value],
                                  quoted_strings_can_be_null=dialect.null_value == "", check_utf8=False))
    except pa.ArrowInvalid:
        return None
    if ragged:
        if columns > 1 and all(not text.strip() for _, text in ragged):
            pass  # lines of blanks are no rows
        else:
            return None  # the exact parser keeps short and long rows in their place
    batch = table.combine_chunks().to_batches()
    if not batch:
        return pa.RecordBatch.from_arrays([pa.array([], pa.string())] * columns, names)
    batch = batch[0]
    if dialect.null_value:
        arrays = [pc.if_else(pc.equal(one, dialect.null_value), None, one) for one in batch.columns]
        batch = pa.RecordBatch.from_arrays(arrays, names)
    return batch


def _exact(block: bytes, dialect: Dialect, columns: int, want_lines: bool):
    rows, lines = [], []
    for line, _ in _lines(block.decode("utf-8"), dialect):
        fields = _split(line, dialect)
        rows.append(fields[:columns] if len(fields) >= columns else fields + [None] * (columns - len(fields)))
        if want_lines:
            lines.append((line, len(fields) == columns))
    arrays = [pa.array([row[place] for row in rows], pa.string()) for place in range(columns)]
    batch = pa.RecordBatch.from_arrays(arrays, [str(place) for place in range(columns)])
    return batch, lines if want_lines else None


def _lines(text: str, dialect: Dialect) -> Iterator[tuple[str, int]]:
    """The records of a text, each with the place where the next begins: its lines, blank ones and comments left out;
    quotes may span lines when the dialect says so."""
    spanning = dialect.multi_line and dialect.quote
    place = 0
    while place < len(text):
        if spanning:
            end = _end_of_record(text, place, dialect)
        else:
            end = text.find("\n", place)
            end = len(text) if end < 0 else end
        line = text[place:end]
        place = end + 1
        blank = not line if spanning else not line.strip(_BLANKS)
        if not blank and not (dialect.comment and line.startswith(dialect.comment)):
            yield line, place


def _end_of_record(text: str, start: int, dialect: Dialect) -> int:
    """Where the record that starts at `start` ends, following the same rules as `_split`."""
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    if text.find(dialect.quote, start, end) < 0:
        return end
    place = start
    while True:
        _, place, ended = _field(text, place, dialect, "\n")
        if ended:
            return place


def _split(line: str, dialect: Dialect) -> list[Optional[str]]:
    """The fields of one record, null where the file has no value."""
    quote, separator = dialect.quote, dialect.separator
    if not (quote and quote in line) and not (dialect.trim_left or dialect.trim_right):
        return [_value(field, False, dialect) for field in line.split(separator)]
    fields, place = [], 0
    while True:
        (text, quoted), place, ended = _field(line, place, dialect, "\0" if not dialect.multi_line else None)
        fields.append(_value(text, quoted, dialect))
        if ended:
            return fields


def _value(text: str, quoted: bool, dialect: Dialect) -> Optional[str]:
    if not text:
        if not quoted:
            return None
        text = dialect.empty_value
    return None if text == dialect.null_value else text


def _field(text: str, place: int, dialect: Dialect, end_mark: Optional[str]) -> tuple[tuple[str, bool], int, bool]:
    """Reads one field: its text and whether it was quoted, where reading stopped (after the separator, or at the
    record's end), and whether the record ended. `end_mark` "\\n" ends records at newlines outside quotes."""
    separator, quote = dialect.separator, dialect.quote
    if dialect.trim_left:
        while place < len(text) and text[place] <= " " and text[place] != "\n" and not text.startswith(separator, place):
            place += 1
    if quote and place < len(text) and text[place] == quote:
        found = _quoted(text, place, dialect, end_mark)
        if found is not None:
            return found
    start = place
    stop, ended = _until(text, place, separator, end_mark)
    value = text[start:stop]
    if dialect.trim_right:
        value = value.rstrip(_BLANKS)
    return (value, False), stop if ended else stop + len(separator), ended


def _until(text: str, place: int, separator: str, end_mark: Optional[str]) -> tuple[int, bool]:
    """The next separator or record end at or after `place`, and whether it is the record's end."""
    at = text.find(separator, place)
    line = text.find("\n", place) if end_mark == "\n" else -1
    if at < 0 and line < 0:
        return len(text), True
    if at < 0 or 0 <= line < at:
        return line, True
    return at, False


def _quoted(text: str, start: int, dialect: Dialect, end_mark: Optional[str]):
    """A field that begins with a quote. One with a quote inside that is not escaped is taken as it is written, up to
    the next separator, its first quote included: that is what Spark does by default."""
    separator, quote, escape = dialect.separator, dialect.quote, dialect.escape
    plain = escape == quote or not escape
    special = re.compile("[" + re.escape(quote) + ("" if plain else re.escape(escape)) + "]")
    pieces, place = [], start + 1
    while True:
        found = special.search(text, place)
        if not found:
            return ("".join(pieces) + text[place:], True), len(text), True
        at = found.start()
        pieces.append(text[place:at])
        following = text[at + 1:at + 2]
        if text[at] != quote:  # the escape: it takes its power from a quote or from itself only
            if following == quote or following == escape:
                pieces.append(following)
                place = at + 2
            else:
                pieces.append(escape)
                place = at + 1
            continue
        if not following:
            return ("".join(pieces), True), len(text), True
        if text.startswith(separator, at + 1):
            return ("".join(pieces), True), at + 1 + len(separator), False
        if following == "\n" and end_mark == "\n":
            return ("".join(pieces), True), at + 1, True
        if following == quote and plain and escape:
            pieces.append(quote)
            place = at + 2
            continue
        if following == quote:  # quotes in a row: each but the last stands for itself, if the field ends after them
            run = at
            while text[run + 1:run + 2] == quote:
                run += 1
            pieces.append(quote * (run - at))
            after = text[run + 1:run + 2]
            if not after:
                return ("".join(pieces), True), len(text), True
            if text.startswith(separator, run + 1):
                return ("".join(pieces), True), run + 1 + len(separator), False
            if after == "\n" and end_mark == "\n":
                return ("".join(pieces), True), run + 1, True
            at, following = run, after
        blanks = at + 1
        while blanks < len(text) and text[blanks] <= " " and text[blanks] != "\n" and not text.startswith(separator, blanks):
            blanks += 1
        if blanks > at + 1:
            if blanks >= len(text) or (text[blanks] == "\n" and end_mark == "\n"):
                return ("".join(pieces), True), blanks, True
            if text.startswith(separator, blanks):
                return ("".join(pieces), True), blanks + len(separator), False
        stop, ended = _until(text, at + 1, separator, end_mark)
        value = quote + "".join(pieces) + text[at:stop]
        return (value, False), stop if ended else stop + len(separator), ended
