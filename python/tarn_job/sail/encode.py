"""Arrow batches into one file of a format, in the form in which Spark writes it."""
import bz2
import gzip
import json
import re
from typing import Any, BinaryIO, Callable, Optional

import pyarrow as pa
import pyarrow.compute as pc

from tarn_job import Unsupported
from tarn_job.sail.text_patterns import formatted

_PARQUET_CODECS = {"none": "NONE", "uncompressed": "NONE", "snappy": "SNAPPY", "gzip": "GZIP", "zstd": "ZSTD", "brotli": "BROTLI",
                   "lz4": "LZ4", "lz4_raw": "LZ4"}
_ORC_CODECS = {"none": "UNCOMPRESSED", "uncompressed": "UNCOMPRESSED", "snappy": "SNAPPY", "zlib": "ZLIB", "zstd": "ZSTD", "lz4": "LZ4"}
_AVRO_CODECS = {"none": "null", "uncompressed": "null", "snappy": "snappy", "deflate": "deflate", "zstandard": "zstandard",
                "bzip2": "bzip2", "xz": "xz"}
_TEXT_CODECS = {"none": "", "uncompressed": "", "gzip": ".gz", "bzip2": ".bz2"}
_TIMESTAMP = "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"
_DATE = "yyyy-MM-dd"
_SPECIAL = r'["\\\x00-\x1f\x7f]'


def writer(kind: str, options: dict[str, str], schema: pa.Schema) -> tuple[str, Callable[[str], Any]]:
    """The ending of a file's name (`.snappy.parquet`), and what opens a file: `open(path)` gives an object with
    `write(batch)` and `close()`. Raises Unsupported for an option that is not known to be followed."""
    codec = (options.get("compression") or options.get("codec") or "").lower()
    if kind == "parquet":
        name = _codec(kind, codec or "snappy", _PARQUET_CODECS)
        ending = {"NONE": "", "GZIP": ".gz", "LZ4": ".lz4"}.get(name, "." + name.lower()) + ".parquet"
        return ending, lambda path: _Parquet(path, schema, name)
    if kind == "orc":
        name = _codec(kind, codec or "snappy", _ORC_CODECS)
        return ("" if name == "UNCOMPRESSED" else "." + name.lower()) + ".orc", lambda path: _Orc(path, schema, name)
    if kind == "avro":
        name = _codec(kind, codec or "snappy", _AVRO_CODECS)
        return ".avro", lambda path: _Avro(path, schema, name)
    ending = _codec(kind, codec or "none", _TEXT_CODECS)
    if kind == "csv":
        return ".csv" + ending, lambda path: _Csv(path, ending, schema, options)
    if kind == "json":
        return ".json" + ending, lambda path: _Json(path, ending, schema, options)
    if len(schema) != 1 or not pa.types.is_string(schema.field(0).type):
        raise ValueError("Text data source supports only a single column of type string")
    return ".txt" + ending, lambda path: _Text(path, ending, options.get("linesep") or "\n")


def _codec(kind: str, asked: str, known: dict[str, str]) -> str:
    if asked not in known:
        raise Unsupported(f"{kind} files cannot be written with the compression {asked!r} on this engine; known are: "
                          + ", ".join(sorted(known)))
    return known[asked]


def _open(path: str, ending: str) -> BinaryIO:
    return {"": lambda: open(path, "wb"), ".gz": lambda: gzip.open(path, "wb", compresslevel=6),
            ".bz2": lambda: bz2.open(path, "wb")}[ending]()


class _Parquet:
    """Moments are written as INT96 without a zone, as Spark does, so that every reader takes them for `timestamp`."""

    def __init__(self, path: str, schema: pa.Schema, codec: str):
        import pyarrow.parquet as pq
        self._file = pq.ParquetWriter(path, schema, compression=codec, use_deprecated_int96_timestamps=True, store_schema=False)

    def write(self, batch: pa.RecordBatch) -> None:
        self._file.write_batch(batch)

    def close(self) -> None:
        self._file.close()


class _Orc:
    def __init__(self, path: str, schema: pa.Schema, codec: str):
        from pyarrow import orc
        self._schema = pa.schema([pa.field(one.name, _without_zone(one.type)) for one in schema])
        self._file = orc.ORCWriter(path, compression=codec)

    def write(self, batch: pa.RecordBatch) -> None:
        self._file.write(pa.Table.from_batches([batch]).cast(self._schema))

    def close(self) -> None:
        self._file.close()


def _without_zone(found: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(found):
        return pa.timestamp("ns")
    if pa.types.is_struct(found):
        return pa.struct([pa.field(one.name, _without_zone(one.type)) for one in found])
    if pa.types.is_list(found):
        return pa.list_(_without_zone(found.value_type))
    return found


class _Avro:
    def __init__(self, path: str, schema: pa.Schema, codec: str):
        import fastavro
        names = iter(range(1 << 30))
        fields = [{"name": one.name, "type": ["null", _avro_type(one.type, names)]} for one in schema]
        described = {"type": "record", "name": "topLevelRecord", "fields": fields}
        self._stream = open(path, "wb")
        self._file = fastavro.write.Writer(self._stream, fastavro.parse_schema(described), codec)

    def write(self, batch: pa.RecordBatch) -> None:
        for row in batch.to_pylist(maps_as_pydicts="strict"):
            self._file.write(row)

    def close(self) -> None:
        self._file.flush()
        self._stream.close()


def _avro_type(found: pa.DataType, names) -> Any:
    simple = {pa.bool_(): "boolean", pa.int8(): "int", pa.int16(): "int", pa.int32(): "int", pa.int64(): "long",
              pa.float32(): "float", pa.float64(): "double", pa.string(): "string", pa.binary(): "bytes"}
    if found in simple:
        return simple[found]
    if pa.types.is_date(found):
        return {"type": "int", "logicalType": "date"}
    if pa.types.is_timestamp(found):
        return {"type": "long", "logicalType": "timestamp-micros"}
    if pa.types.is_decimal(found):
        return {"type": "bytes", "logicalType": "decimal", "precision": found.precision, "scale": found.scale}
    if pa.types.is_list(found):
        return {"type": "array", "items": ["null", _avro_type(found.value_type, names)]}
    if pa.types.is_map(found):
        return {"type": "map", "values": ["null", _avro_type(found.item_type, names)]}
    if pa.types.is_struct(found):
        fields = [{"name": one.name, "type": ["null", _avro_type(one.type, names)]} for one in found]
        return {"type": "record", "name": f"record{next(names)}", "fields": fields}
    raise Unsupported(f"a column of type {found} cannot be written as Avro")


def java_double(value: Optional[float]) -> Optional[str]:
    """A number as Java prints it: 1.0, 1.0E10, NaN, Infinity."""
    if value is None:
        return None
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        text = repr(value)
        if "e" not in text:
            return text
    digits, _, exponent = f"{value:e}".partition("e")
    shortest = repr(value)
    mantissa = shortest.partition("e")[0].replace("-", "").replace(".", "").strip("0") or "0"
    sign = "-" if value < 0 else ""
    return f"{sign}{mantissa[0]}.{mantissa[1:] or '0'}E{int(exponent)}"


def texts_of(column: pa.Array, options: dict[str, str]) -> pa.Array:
    """A column's values as text, in the form of Spark's text formats; nulls stay."""
    found = column.type
    if pa.types.is_string(found):
        return column
    if pa.types.is_floating(found):
        if found == pa.float32():
            import numpy as np
            return pa.array([None if one is None else java_double(float(str(np.float32(one)))) for one in column.to_pylist()], pa.string())
        return pa.array([java_double(one) for one in column.to_pylist()], pa.string())
    if pa.types.is_date(found):
        pattern = options.get("dateformat") or _DATE
        return column.cast(pa.string()) if pattern == _DATE else _by_pattern(column, pattern)
    if pa.types.is_timestamp(found):
        return _by_pattern(column, options.get("timestampformat") or _TIMESTAMP)
    if pa.types.is_boolean(found) or pa.types.is_integer(found) or pa.types.is_decimal(found):
        return column.cast(pa.string())
    raise Unsupported(f"a column of type {found} cannot be written as CSV text")


def _by_pattern(column: pa.Array, pattern: str) -> pa.Array:
    packed = column.dictionary_encode()
    texts = [None if one is None else formatted(one, pattern) for one in packed.dictionary.to_pylist()]
    return pa.array(texts, pa.string()).take(packed.indices)


class _Lines:
    """What the formats of lines share: the stream, the encoding and the line's end."""

    def __init__(self, path: str, ending: str, options: dict[str, str]):
        self._stream = _open(path, ending)
        self._encoding = options.get("encoding") or options.get("charset") or "UTF-8"
        self._mark = options.get("linesep") or "\n"
        "".encode(self._encoding)  # an unknown encoding is refused before anything is written

    def _put(self, lines: pa.Array) -> None:
        if len(lines):
            text = self._mark.join(lines.to_pylist()) + self._mark
            self._stream.write(text.encode(self._encoding, errors="replace"))

    def close(self) -> None:
        self._stream.close()


class _Text(_Lines):
    def __init__(self, path: str, ending: str, mark: str):
        super().__init__(path, ending, {"linesep": mark})

    def write(self, batch: pa.RecordBatch) -> None:
        self._put(pc.fill_null(batch.column(0), ""))


class _Csv(_Lines):
    """Quotes only where they are needed, escapes quotes by the escape character, writes null as `nullValue` and an
    empty text as `emptyValue`, and takes blanks off the ends of values: Spark's defaults for writing."""

    def __init__(self, path: str, ending: str, schema: pa.Schema, options: dict[str, str]):
        super().__init__(path, ending, options)
        self._options = options
        flag = lambda name, default: options.get(name, default).lower() == "true"
        self._separator = {"\\t": "\t"}.get(options.get("sep") or options.get("delimiter") or ",", options.get("sep") or options.get("delimiter") or ",")
        self._quote = options.get("quote", '"')
        self._quote = "" if self._quote in ("", "\0", "\\0", "\\u0000") else self._quote
        self._escape = options.get("escape", "\\")
        self._null = options.get("nullvalue", "")
        self._empty = options.get("emptyvalue", '""')
        self._trim = (flag("ignoreleadingwhitespace", "true"), flag("ignoretrailingwhitespace", "true"))
        self._quote_all, self._escape_quotes = flag("quoteall", "false"), flag("escapequotes", "true")
        if flag("header", "false"):
            self._put(self._joined([pa.array([name], pa.string()) for name in schema.names], header=True))

    def write(self, batch: pa.RecordBatch) -> None:
        self._put(self._joined([texts_of(one, self._options) for one in batch.columns]))

    def _joined(self, columns: list[pa.Array], header: bool = False) -> pa.Array:
        cells = [self._cells(one) for one in columns]
        return cells[0] if len(cells) == 1 else pc.binary_join_element_wise(*cells, self._separator)

    def _cells(self, texts: pa.Array) -> pa.Array:
        if any(self._trim):
            blanks = "".join(map(chr, range(33)))
            trim = pc.utf8_trim if all(self._trim) else pc.utf8_ltrim if self._trim[0] else pc.utf8_rtrim
            texts = trim(texts, blanks)
        cells = texts
        if self._quote:
            quote, escape = self._quote, self._escape
            risky = "[" + "".join(f"\\x{{{ord(char):x}}}" for char in {self._separator[0], "\n", "\r", *(quote if self._escape_quotes else "")}) + "]"
            if self._quote_all:
                texts = pc.fill_null(texts, self._null)
            first = re.escape(quote)
            needs = pc.is_valid(texts) if self._quote_all else pc.match_substring_regex(texts, f"{risky}|^{first}")
            inner = texts
            if escape and escape != quote:
                inner = pc.replace_substring(inner, escape, escape + escape)
            if escape:
                inner = pc.replace_substring(inner, quote, escape + quote)
            cells = pc.if_else(needs, pc.binary_join_element_wise(quote, inner, quote, ""), texts)
        empty = pc.and_(pc.equal(texts, ""), not (self._quote_all and self._null == ""))
        return pc.fill_null(pc.if_else(empty, self._empty, cells), self._null)


class _Json(_Lines):
    """One object a line, its null members left out unless `ignoreNullFields` is false."""

    def __init__(self, path: str, ending: str, schema: pa.Schema, options: dict[str, str]):
        super().__init__(path, ending, options)
        self._options = options
        self._with_nulls = options.get("ignorenullfields", "true").lower() == "false"

    def write(self, batch: pa.RecordBatch) -> None:
        members = []
        for name, column in zip(batch.schema.names, batch.columns):
            texts = self._values(column)
            if self._with_nulls:
                texts = pc.fill_null(texts, "null")
            members.append(pc.binary_join_element_wise(json.dumps(name, ensure_ascii=False) + ":", texts, ""))
        body = pc.binary_join_element_wise(*members, ",", null_handling="skip")
        self._put(pc.binary_join_element_wise("{", body, "}", ""))

    def _values(self, column: pa.Array) -> pa.Array:
        found = column.type
        if pa.types.is_boolean(found) or pa.types.is_integer(found) or pa.types.is_decimal(found):
            return column.cast(pa.string())
        if pa.types.is_floating(found):
            texts = texts_of(column, self._options)
            return pc.if_else(pc.match_substring_regex(texts, "N|I"), pc.binary_join_element_wise('"', texts, '"', ""), texts)
        if pa.types.is_string(found) or pa.types.is_date(found) or pa.types.is_timestamp(found):
            return _quoted(texts_of(column, self._options))
        return pa.array([None if one is None else self._any(one, found) for one in
                         column.to_pylist(maps_as_pydicts="strict")], pa.string())

    def _any(self, value: Any, found: pa.DataType) -> str:
        if value is None:
            return "null"
        if pa.types.is_struct(found):
            pairs = [(one.name, value[one.name], one.type) for one in found if self._with_nulls or value[one.name] is not None]
            return "{" + ",".join(f"{json.dumps(name, ensure_ascii=False)}:{self._any(one, kind)}" for name, one, kind in pairs) + "}"
        if pa.types.is_list(found):
            return "[" + ",".join(self._any(one, found.value_type) for one in value) + "]"
        if pa.types.is_map(found):
            return "{" + ",".join(f"{json.dumps(str(key), ensure_ascii=False)}:{self._any(one, found.item_type)}" for key, one in value.items()) + "}"
        if pa.types.is_binary(found):
            import base64
            return json.dumps(base64.b64encode(value).decode())
        return self._values(pa.array([value], found))[0].as_py()


def _quoted(texts: pa.Array) -> pa.Array:
    plain = pc.binary_join_element_wise('"', texts, '"', "")
    special = pc.match_substring_regex(texts, _SPECIAL)
    if not pc.any(special).as_py():
        return plain
    return pa.array([json.dumps(text, ensure_ascii=False) if odd else quoted for text, odd, quoted in
                     zip(texts.to_pylist(), special.to_pylist(), plain.to_pylist())], pa.string())
