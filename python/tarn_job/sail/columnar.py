"""Parquet, ORC, Avro and plain text files into Arrow batches, and the schema that each says it has."""
import gzip
from typing import Any, BinaryIO, Iterator

import pyarrow as pa

from tarn_job import Unsupported, storage

BATCH_ROWS = 65536


def plain_type(found: pa.DataType) -> pa.DataType:
    """The type as Spark has it: no dictionaries, views, unsigned numbers, or times of a day; moments in microseconds."""
    if pa.types.is_dictionary(found):
        return plain_type(found.value_type)
    if pa.types.is_struct(found):
        return pa.struct([pa.field(one.name, plain_type(one.type)) for one in found])
    if pa.types.is_list(found) or pa.types.is_large_list(found) or pa.types.is_fixed_size_list(found):
        return pa.list_(plain_type(found.value_type))
    if pa.types.is_map(found):
        return pa.map_(plain_type(found.key_type), plain_type(found.item_type))
    if pa.types.is_timestamp(found):
        return pa.timestamp("us", "UTC")
    if pa.types.is_large_string(found) or pa.types.is_string_view(found):
        return pa.string()
    if pa.types.is_large_binary(found) or pa.types.is_fixed_size_binary(found) or pa.types.is_binary_view(found):
        return pa.binary()
    if pa.types.is_unsigned_integer(found):
        return {8: pa.int16(), 16: pa.int32(), 32: pa.int64()}.get(found.bit_width, pa.decimal128(20, 0))
    if found == pa.date64():
        return pa.date32()
    if found == pa.float16():
        return pa.float32()
    if pa.types.is_null(found):
        return pa.string()
    if pa.types.is_time(found) or pa.types.is_duration(found) or pa.types.is_union(found):
        raise Unsupported(f"a column of type {found} is not supported")
    return found


def fit(batch: pa.RecordBatch, schema: pa.Schema, address: str) -> pa.RecordBatch:
    """The batch's columns as `schema` wants them, found by name without regard to case; absent ones are null.

    Raises ValueError when a column's values cannot be of the wanted type."""
    places = {name.lower(): place for place, name in reversed(list(enumerate(batch.schema.names)))}
    arrays = []
    for field in schema:
        place = places.get(field.name.lower())
        if place is None:
            arrays.append(pa.nulls(batch.num_rows, field.type))
            continue
        try:
            arrays.append(batch.column(place).cast(field.type, safe=False))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise ValueError(f"{address}: column {field.name} is {batch.schema.field(place).type} and cannot be read as "
                             f"{field.type}: {error}") from error
    return pa.RecordBatch.from_arrays(arrays, schema=schema) if arrays else batch.select([])


class SeekableObject:
    """An object of the store as a file with seek: formats with a footer read it by ranges."""
    _READ_AHEAD_BYTES = 1 << 20

    def __init__(self, file: storage.File):
        self._bucket, self._key = storage.split_s3(file.address)
        self._size, self._etag, self._place = file.size_bytes, file.etag, 0
        self._held, self._held_from = b"", 0
        self.closed = False

    def seek(self, offset: int, whence: int = 0) -> int:
        self._place = offset + (0, self._place, self._size)[whence]
        return self._place

    def tell(self) -> int:
        return self._place

    def read(self, size: int = -1) -> bytes:
        size = self._size - self._place if size is None or size < 0 else min(size, self._size - self._place)
        if size <= 0:
            return b""
        start = self._place - self._held_from
        if start < 0 or start + size > len(self._held):
            length = min(max(size, self._READ_AHEAD_BYTES), self._size - self._place)
            first = self._place
            if self._place + self._READ_AHEAD_BYTES >= self._size:  # the end of the file: readers come back for more of it
                first = max(0, self._size - max(size, self._READ_AHEAD_BYTES))
                length = self._size - first
            answer = storage.client().get_object(Bucket=self._bucket, Key=self._key, Range=f"bytes={first}-{first + length - 1}")
            self._held, self._held_from = answer["Body"].read(), first
            start = self._place - first
        self._place += size
        return self._held[start:start + size]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed, self._held = True, b""


def seekable(file: storage.File):
    return SeekableObject(file) if storage.is_s3(file.address) else open(file.address, "rb")


def parquet_schema(file: storage.File) -> pa.Schema:
    """What the file's footer says, in the file's own types."""
    import pyarrow.parquet as pq
    with pq.ParquetFile(seekable(file)) as opened:
        return opened.schema_arrow.remove_metadata()


def parquet_records(file: storage.File) -> Iterator[pa.RecordBatch]:
    import pyarrow.parquet as pq
    with pq.ParquetFile(seekable(file), coerce_int96_timestamp_unit="us") as opened:
        yield from opened.iter_batches(BATCH_ROWS)


def orc_schema(file: storage.File) -> pa.Schema:
    from pyarrow import orc
    return orc.ORCFile(seekable(file)).schema


def orc_records(file: storage.File) -> Iterator[pa.RecordBatch]:
    from pyarrow import orc
    opened = orc.ORCFile(seekable(file))
    for stripe in range(opened.nstripes):
        yield opened.read_stripe(stripe)


def avro_schema(file: storage.File) -> pa.Schema:
    import fastavro
    with storage.open_read(file.address) as stream:
        return pa.schema(_avro_type(fastavro.reader(stream).writer_schema, {}))


def avro_records(file: storage.File) -> Iterator[pa.RecordBatch]:
    import fastavro
    with storage.open_read(file.address) as stream:
        reader = fastavro.reader(stream)
        schema = pa.schema(_avro_type(reader.writer_schema, {}))
        rows: list[dict] = []
        for row in reader:
            rows.append(row)
            if len(rows) == BATCH_ROWS:
                yield _avro_batch(rows, schema)
                rows = []
        if rows:
            yield _avro_batch(rows, schema)


def _avro_batch(rows: list[dict], schema: pa.Schema) -> pa.RecordBatch:
    arrays = [pa.array([_avro_value(row[field.name], field.type) for row in rows], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _avro_value(value: Any, wanted: pa.DataType) -> Any:
    if value is None:
        return None
    if pa.types.is_map(wanted):
        return [(key, _avro_value(one, wanted.item_type)) for key, one in value.items()]
    if pa.types.is_list(wanted):
        return [_avro_value(one, wanted.value_type) for one in value]
    if pa.types.is_struct(wanted):
        return {one.name: _avro_value(value.get(one.name), one.type) for one in wanted}
    return value


_AVRO = {"boolean": pa.bool_(), "int": pa.int32(), "long": pa.int64(), "float": pa.float32(), "double": pa.float64(),
         "bytes": pa.binary(), "string": pa.string(), "null": pa.string()}
_AVRO_LOGICAL = {"date": pa.date32(), "timestamp-millis": pa.timestamp("us", "UTC"), "timestamp-micros": pa.timestamp("us", "UTC"),
                 "local-timestamp-millis": pa.timestamp("us", "UTC"), "local-timestamp-micros": pa.timestamp("us", "UTC"),
                 "uuid": pa.string()}


def _avro_type(schema: Any, named: dict) -> Any:
    """The Arrow type of an Avro schema; for a record at the top, its fields."""
    if isinstance(schema, list):
        kinds = [one for one in schema if one != "null"]
        if len(kinds) != 1:
            raise Unsupported(f"an Avro union of {len(kinds)} types is not supported")
        return _avro_type(kinds[0], named)
    if isinstance(schema, str):
        return named[schema] if schema in named else _AVRO[schema]
    kind, logical = schema["type"], schema.get("logicalType")
    if logical in _AVRO_LOGICAL:
        return _AVRO_LOGICAL[logical]
    if logical == "decimal":
        return pa.decimal128(schema["precision"], schema.get("scale", 0))
    if kind in ("record", "error"):
        return pa.struct([pa.field(one["name"], _avro_type(one["type"], named)) for one in schema["fields"]])
    if kind == "array":
        return pa.list_(_avro_type(schema["items"], named))
    if kind == "map":
        return pa.map_(pa.string(), _avro_type(schema["values"], named))
    if kind in ("enum", "fixed"):
        named[schema["name"]] = pa.string() if kind == "enum" else pa.binary()
        return named[schema["name"]]
    return _avro_type(kind, named)


def text_records(stream: BinaryIO, whole: bool, separator: str = "") -> Iterator[pa.RecordBatch]:
    """A file's lines, or with `whole` its entire text as one row; the column is `value`."""
    names = ["value"]
    if whole:
        yield pa.RecordBatch.from_arrays([pa.array([stream.read().decode("utf-8", errors="replace")])], names)
        return
    rest = b""
    while True:
        raw = stream.read(8 << 20)
        block = rest + raw
        if not separator:
            ends_in_return = raw and block.endswith(b"\r")
            block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if not ends_in_return else \
                block[:-1].replace(b"\r\n", b"\n").replace(b"\r", b"\n") + b"\r"
        mark = separator.encode("utf-8") or b"\n"
        lines = block.split(mark)
        rest = lines.pop() if raw else b""
        if not raw and lines and not lines[-1]:
            lines.pop()
        if lines:
            yield pa.RecordBatch.from_arrays([pa.array([one.decode("utf-8", errors="replace") for one in lines], pa.string())], names)
        if not raw:
            return


def decompressed(stream: BinaryIO, address: str) -> BinaryIO:
    """The stream's own bytes, by the ending of its name: .gz, .bz2, .zst, .xz, .deflate; any other is as it stands."""
    ending = address.rsplit(".", 1)[-1].lower()
    if ending in ("gz", "gzip"):
        return gzip.GzipFile(fileobj=stream)
    if ending == "bz2":
        import bz2
        return bz2.BZ2File(stream)
    if ending in ("zst", "zstd"):
        import zstandard
        return zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True)
    if ending == "xz":
        import lzma
        return lzma.LZMAFile(stream)
    if ending in ("snappy", "lzo", "lz4", "deflate"):
        raise Unsupported(f"{address}: .{ending} files are not supported")
    return stream
