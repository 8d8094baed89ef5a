"""df.write: Spark's modes, folders and file names, for files that nobody sees until all of them are there.

The rows are first written to files of this machine. Only when the whole computation has succeeded are they moved to
their address, and only after that does an overwrite delete what stood there before: a job that fails has changed
nothing, and one that is killed while it moves files has lost nothing.
"""
import os
import tempfile
import uuid
from typing import Any, Iterator, Optional

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.errors import AnalysisException
from pyspark.sql.connect import plan as plans
from pyspark.sql.connect.dataframe import DataFrame
from pyspark.sql.connect.readwriter import DataFrameWriter

from tarn_job import Unsupported, layout, storage
from tarn_job.sail import catalog_sql, columnar, encode
from tarn_job.sail.reader import FORMATS

FILE_BYTES = 512 << 20  # of values in memory; a file that reaches this is closed and the next begun
OPEN_FILES = 100  # partitions written at once; the longest unused is closed when there are more
_MODES = {None: "error", "error": "error", "errorifexists": "error", "default": "error", "append": "append",
          "overwrite": "overwrite", "ignore": "ignore"}


class Writer(DataFrameWriter):
    """A DataFrameWriter whose files are written by this package; other formats (delta, iceberg) are Sail's."""

    @classmethod
    def of(cls, frame) -> "Writer":
        return cls(frame._plan, frame._session)

    def save(self, path=None, format=None, mode=None, partitionBy=None, **options):
        self.mode(mode).options(**options)
        if partitionBy is not None:
            self.partitionBy(partitionBy)
        if format is not None:
            self.format(format)
        kind = (self._write.source or "parquet").lower()
        if kind not in FORMATS:
            if kind in ("xml", "jdbc", "kafka", "redshift", "dynamodb"):
                raise Unsupported(f"df.write.format({self._write.source!r}) is not supported on this engine")
            super().save(path)
            return
        lower = {name.lower(): value for name, value in self._write.options.items() if value is not None}
        path = path or lower.get("path")
        if not path:
            raise AnalysisException("'path' is not specified.")
        if self._write.bucket_cols:
            raise AnalysisException("'save' does not support bucketBy right now.")
        write(self._spark, self._df, kind, path, self._mode(), list(self._write.partitioning_cols or []), lower)

    def saveAsTable(self, name, format=None, mode=None, partitionBy=None, **options):
        self.mode(mode).options(**options)
        if partitionBy is not None:
            self.partitionBy(partitionBy)
        if format is not None:
            self.format(format)
        kind = (self._write.source or "parquet").lower()
        if kind not in FORMATS:
            raise Unsupported(f"saveAsTable of the format {kind!r} is not supported on this engine; save it to a path")
        lower = {key.lower(): value for key, value in self._write.options.items() if value is not None}
        catalog_sql.save_as_table(self._spark, DataFrame(self._df, self._spark), name, kind, self._mode(),
                                  list(self._write.partitioning_cols or []), lower)

    def insertInto(self, tableName, overwrite=None):
        replace = overwrite if overwrite is not None else self._mode() == "overwrite"
        catalog_sql.insert_into(self._spark, DataFrame(self._df, self._spark), *catalog_sql.split(tableName), overwrite=replace)

    def _mode(self) -> str:
        asked = self._write.mode
        name = asked if asked is None else str(asked).lower()
        if name not in _MODES:
            raise AnalysisException(f"Unknown save mode: {asked}. Accepted save modes are 'overwrite', 'append', 'ignore', "
                                    "'error', 'errorifexists', 'default'.")
        return _MODES[name]


def write(spark, plan, kind: str, path: str, mode: str, partition_by: list[str], options: dict[str, str]) -> list[str]:
    """Computes the plan and stores its rows below `path`; returns the addresses of the new files.

    Modes: error, append, overwrite, ignore. With partitions and `partitionOverwriteMode` dynamic, an overwrite replaces
    only the partitions that have new rows. Raises AnalysisException when the path is taken or a column is missing.
    """
    root = storage.canonical(path).rstrip("/")
    if mode in ("error", "ignore") and storage.any_below(root):
        if mode == "ignore":
            return []
        raise AnalysisException(f"[PATH_ALREADY_EXISTS] Path {path} already exists. Set mode as \"overwrite\" to overwrite "
                                "the existing path.")
    stage = _Stage(kind, options, partition_by, _file_count(plan), _rows_per_file(spark, options))
    for batch in batches(spark, plan):
        stage.add(batch)
    pairs = [(local, f"{root}/{relative}") for local, relative in stage.finish()]
    storage.publish(pairs)
    new = {address for _, address in pairs}
    if mode == "overwrite":
        dynamic = options.get("partitionoverwritemode") or spark.conf.get("spark.sql.sources.partitionOverwriteMode", "static")
        if partition_by and dynamic.lower() == "dynamic":
            for folder in sorted({address.rpartition("/")[0] for address in new}):
                storage.delete_below(folder, keep=new)
        else:
            storage.delete_below(root, keep=new)
    return sorted(new)


def batches(spark, plan) -> Iterator[pa.RecordBatch]:
    """The plan's rows as they are computed; the first batch may be empty and says the schema. Every column is nullable
    and of a type that files have."""
    schema = None
    for item in spark.client.to_table_as_iterator(plan.to_proto(spark.client), plan.observations):
        if not isinstance(item, pa.Table):
            continue
        if schema is None:
            schema = pa.schema([pa.field(one.name, columnar.plain_type(one.type)) for one in item.schema])
            yield pa.RecordBatch.from_arrays([pa.array([], one.type) for one in schema], schema=schema)
        for batch in item.to_batches():
            if batch.num_rows:
                arrays = [column if column.type == one.type else column.cast(one.type) for column, one in zip(batch.columns, schema)]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)
    if schema is None:
        from tarn_job.sail.reader import to_arrow
        schema = to_arrow(DataFrame(plan, spark).schema)
        yield pa.RecordBatch.from_arrays([pa.array([], one.type) for one in schema], schema=schema)


def _file_count(plan) -> int:
    """How many files the script asked for by a final repartition(n) or coalesce(n); 0 when it did not."""
    if isinstance(plan, plans.Repartition):
        return max(1, plan._num_partitions)
    return 0


def _rows_per_file(spark, options: dict[str, str]) -> int:
    return int(options.get("maxrecordsperfile") or spark.conf.get("spark.sql.files.maxRecordsPerFile", "0") or 0)


class _Stage:
    """Files in a temporary folder, one set for each partition, and where below the root they belong."""

    def __init__(self, kind: str, options: dict[str, str], partition_by: list[str], files: int, rows_per_file: int):
        self._kind, self._options, self._partition_by = kind, options, partition_by
        self._files, self._rows_per_file = files, rows_per_file
        self._folder = tempfile.mkdtemp(dir=storage.workspace())
        self._run, self._numbers = uuid.uuid4(), iter(range(1 << 30))
        self._open: dict[tuple[str, int], "_Part"] = {}
        self._done: list[tuple[str, str]] = []
        self._schema: Optional[pa.Schema] = None

    def add(self, batch: pa.RecordBatch) -> None:
        if self._schema is None:
            self._begin(batch.schema)
        if not batch.num_rows:
            return
        if not self._partition_by:
            self._spread("", batch)
            return
        rest = batch.select([name for name in batch.schema.names if name not in self._partition_by])
        for values, rows in _groups(batch, self._partition_by):
            folder = "/".join(layout.folder_name(name, value) for name, value in zip(self._partition_by, values))
            self._spread(folder, rest if rows is None else rest.take(rows))

    def _begin(self, schema: pa.Schema) -> None:
        lower = {name.lower(): name for name in schema.names}
        if len(lower) < len(schema.names):
            twice = sorted({name for name in schema.names if [one.lower() for one in schema.names].count(name.lower()) > 1})
            raise AnalysisException(f"[COLUMN_ALREADY_EXISTS] The column `{twice[0]}` already exists. Choose another name or rename the existing column.")
        missing = [name for name in self._partition_by if name.lower() not in lower]
        if missing:
            raise AnalysisException(f"Partition column `{missing[0]}` not found in schema {', '.join(schema.names)}")
        self._partition_by = [lower[name.lower()] for name in self._partition_by]
        self._schema = pa.schema([one for one in schema if one.name not in self._partition_by])
        if not len(self._schema):
            raise AnalysisException("Cannot use all columns for partition columns.")
        self._ending, self._opener = encode.writer(self._kind, self._options, self._schema)

    def _spread(self, folder: str, batch: pa.RecordBatch) -> None:
        """Gives the rows to the partition's files: one, or as many as were asked for."""
        if self._files <= 1 or self._partition_by:
            self._put(folder, 0, batch)
            return
        share = -(-batch.num_rows // self._files)
        for part in range(self._files):
            piece = batch.slice(part * share, share)
            if piece.num_rows:
                self._put(folder, part, piece)

    def _put(self, folder: str, part: int, batch: pa.RecordBatch) -> None:
        while batch.num_rows:
            open_ = self._open.pop((folder, part), None) or self._new(folder)
            room = self._rows_per_file - open_.rows if self._rows_per_file > 0 else batch.num_rows
            open_.write(batch.slice(0, room))
            batch = batch.slice(room)
            if (self._rows_per_file > 0 and open_.rows >= self._rows_per_file) or (not self._files and open_.size_bytes >= FILE_BYTES):
                self._close(open_)
            else:
                self._open[folder, part] = open_  # at the end: the first is the longest unused
        if len(self._open) > OPEN_FILES:
            self._close(self._open.pop(next(iter(self._open))))

    def _new(self, folder: str) -> "_Part":
        number = next(self._numbers)
        mark = "." if self._partition_by else "-"
        name = f"part-{number:05d}-{self._run}{mark}c000{self._ending}"
        local = os.path.join(self._folder, f"{number}{self._ending}")
        return _Part(self._opener(local), local, f"{folder}/{name}" if folder else name)

    def _close(self, part: "_Part") -> None:
        part.file.close()
        self._done.append((part.local, part.relative))

    def finish(self) -> list[tuple[str, str]]:
        """Closes all files; pairs of a local path and the path below the root. Without rows and partitions there is
        one file that holds the schema."""
        for part in self._open.values():
            self._close(part)
        if not self._done and not self._partition_by and self._schema is not None:
            self._close(self._new(""))
        return self._done


class _Part:
    def __init__(self, file: Any, local: str, relative: str):
        self.file, self.local, self.relative, self.rows, self.size_bytes = file, local, relative, 0, 0

    def write(self, batch: pa.RecordBatch) -> None:
        self.file.write(batch)
        self.rows += batch.num_rows
        self.size_bytes += batch.nbytes


def _groups(batch: pa.RecordBatch, names: list[str]) -> Iterator[tuple[tuple[Optional[str], ...], Optional[pa.Array]]]:
    """The partitions in a batch: the values as text, and the places of their rows (None: all of them)."""
    texts = [_partition_text(batch.column(name)) for name in names]
    table = pa.table({**{str(place): column for place, column in enumerate(texts)}, "row": pa.array(range(batch.num_rows), pa.int64())})
    keys = [str(place) for place in range(len(names))]
    grouped = table.group_by(keys, use_threads=False).aggregate([("row", "list")])
    columns = [grouped.column(key).to_pylist() for key in keys]
    for place, values in enumerate(zip(*columns)):
        yield values, None if grouped.num_rows == 1 else grouped.column("row_list")[place].values


def _partition_text(column: pa.Array) -> pa.Array:
    """A partition column's values as Spark writes them into folder names: as a cast to text gives them."""
    if pa.types.is_timestamp(column.type):
        texts = column.cast(pa.timestamp("us")).cast(pa.string())
        return pc.replace_substring_regex(pc.replace_substring_regex(texts, r"(\.[0-9]*?)0+$", r"\1"), r"\.$", "")
    if pa.types.is_nested(column.type):
        raise AnalysisException(f"Cannot use {column.type} for partition column")
    return encode.texts_of(column, {})

