"""Files as a Sail data source: what `reader` has found out about a path, and the batches that it stands for.

A scan is kept in this process, where the Sail server runs too; a plan carries only its number.
"""
import dataclasses
import datetime
import functools
import itertools
import os
from typing import Any, Callable, Iterator, Optional

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.datasource import DataSource, DataSourceReader, EqualTo, GreaterThan, GreaterThanOrEqual, In, InputPartition, \
    IsNotNull, IsNull, LessThan, LessThanOrEqual

from tarn_job import layout, storage
from tarn_job.sail import columnar, csv_text, json_text, text_values

NAME = "tarn_files"
FILE_COLUMN = "__tarn_file"  # beside the data, on demand: which file a row came from (see file_names)
FILE_TYPE = pa.struct([("file_path", pa.string()), ("file_name", pa.string()), ("file_size", pa.int64()),
                       ("file_block_start", pa.int64()), ("file_block_length", pa.int64()),
                       ("file_modification_time", pa.timestamp("us", "UTC"))])
_BATCH_ROWS = 65536
_numbers = itertools.count(1)
_scans: dict[int, "Scan"] = {}


@dataclasses.dataclass
class Scan:
    """What to read: the files, their form, and the columns of the result.

    `file_columns` are what each file itself is asked for; a partition column of the same name takes the file's column's
    place, so that a column which is both stands once. `options` are the reader's own, with lower-case names.
    """
    format: str
    dataset: layout.Dataset
    file_columns: pa.Schema
    partition_columns: pa.Schema
    options: dict[str, str]
    zone: str = "UTC"
    csv_columns: Optional[int] = None  # how many columns a CSV file has, when it has more than are asked for
    csv_places: Optional[list[int]] = None  # which of them they are
    json_prepare: Optional[Callable[[dict], dict]] = None  # what is done to every JSON record before it is read

    @property
    def schema(self) -> pa.Schema:
        """The result's columns: the file's, with partition values in their place, then the other partition columns."""
        partition = {one.name.lower(): one for one in self.partition_columns}
        fields = [partition.pop(one.name.lower(), one) for one in self.file_columns]
        return pa.schema([*fields, *partition.values()])

    def register(self) -> int:
        """Keeps the scan for the life of the process and returns the number that plans know it by."""
        number = next(_numbers)
        _scans[number] = self
        return number

    def read(self, place: int) -> Iterator[pa.RecordBatch]:
        """The rows of file number `place`, partition columns included."""
        file = self.dataset.files[place]
        schema = self.schema
        constants = {}
        for field, text in zip(self.partition_columns, self.dataset.values[place]):
            constants[field.name.lower()] = partition_value(text, field.type, self.zone)
        for batch in self._file_records(file):
            if not batch.num_rows:
                continue
            for start in range(0, batch.num_rows, _BATCH_ROWS):
                piece = batch.slice(start, _BATCH_ROWS)
                own = {name.lower(): column for name, column in zip(self.file_columns.names, piece.columns)}
                arrays = [pa.repeat(constants[one.name.lower()], piece.num_rows) if one.name.lower() in constants
                          else own[one.name.lower()] for one in schema]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _file_records(self, file: storage.File) -> Iterator[pa.RecordBatch]:
        if self.format in ("parquet", "orc", "avro"):
            for batch in getattr(columnar, f"{self.format}_records")(file):
                yield columnar.fit(batch, self.file_columns, file.address)
            return
        with storage.open_read(file.address) as stream:
            text = columnar.decompressed(stream, file.address)
            if self.format == "csv":
                yield from self._csv_records(text)
            elif self.format == "json":
                layout_ = json_text.layout_of(self.options, self.zone)
                yield from json_text.records(text, layout_, self.file_columns, self._mode(), self._corrupt_column(),
                                             self.json_prepare)
            else:
                for batch in columnar.text_records(text, self.options.get("wholetext", "").lower() == "true",
                                                   self.options.get("linesep", "")):
                    yield columnar.fit(batch, self.file_columns, file.address)

    def _mode(self) -> str:
        return self.options.get("mode", "PERMISSIVE").upper()

    def _corrupt_column(self) -> str:
        return self.options.get("columnnameofcorruptrecord", "_corrupt_record")

    def _csv_records(self, stream) -> Iterator[pa.RecordBatch]:
        mode, corrupt = self._mode(), self._corrupt_column()
        keeps_lines = mode != "PERMISSIVE" or corrupt in self.file_columns.names
        formats = text_values.Formats(self.options.get("dateformat"), self.options.get("timestampformat"), self.zone)
        fields = [one for one in self.file_columns if one.name != corrupt]
        places = self.csv_places or list(range(len(fields)))
        width = self.csv_columns or len(fields)
        dialect = csv_text.dialect_of(self.options)
        for batch, lines in csv_text.records_with_lines(stream, dialect, width, keeps_lines):
            texts = [batch.column(place) if place >= 0 else pa.nulls(batch.num_rows, pa.string()) for place in places]
            arrays = {one.name: text_values.convert(text, one.type, formats) for one, text in zip(fields, texts)}
            if keeps_lines:
                broken = [not right for _, right in lines]
                for text, one in zip(texts, fields):
                    if arrays[one.name].null_count != text.null_count:
                        lost = pc.and_(pc.is_null(arrays[one.name]), pc.is_valid(text)).to_pylist()
                        broken = [bad or missed for bad, missed in zip(broken, lost)]
                if mode == "FAILFAST" and any(broken):
                    raise ValueError("Malformed records are detected in record parsing. Parse Mode: FAILFAST. The record: "
                                     + lines[broken.index(True)][0][:500])
                if corrupt in self.file_columns.names:
                    arrays[corrupt] = pa.array([line if bad else None for (line, _), bad in zip(lines, broken)], pa.string())
            result = pa.RecordBatch.from_arrays([arrays[one.name] for one in self.file_columns], schema=self.file_columns) \
                if len(self.file_columns) else batch.select([])
            if mode == "DROPMALFORMED" and any(broken):
                result = result.filter(pa.array([not one for one in broken]))
            yield result


def partition_value(text: Optional[str], wanted: pa.DataType, zone: str = "UTC") -> pa.Scalar:
    """A partition folder's value as its column's type; null when the text is not of it."""
    return text_values.convert(pa.array([text], pa.string()), wanted, text_values.Formats(zone=zone))[0]


def _file_value(file: storage.File) -> pa.Scalar:
    path = file.address if storage.is_s3(file.address) else "file://" + file.address
    return pa.scalar({"file_path": path, "file_name": file.address.rsplit("/", 1)[-1], "file_size": file.size_bytes,
                      "file_block_start": 0, "file_block_length": file.size_bytes,
                      "file_modification_time": file.modified_ms * 1000}, FILE_TYPE)


class FileSource(DataSource):
    """The data source as Sail calls it. Options: `scan`, the number; `file`, "true" for the column of file names."""

    def __init__(self, options):
        self._scan = _scans[int(options["scan"])]
        self._with_file = options.get("file") == "true"

    @classmethod
    def name(cls) -> str:
        return NAME

    def schema(self):
        schema = self._scan.schema
        return schema.append(pa.field(FILE_COLUMN, FILE_TYPE)) if self._with_file else schema

    def reader(self, schema) -> "FileReader":
        return FileReader(self._scan, self._with_file)


class FileReader(DataSourceReader):
    def __init__(self, scan: Scan, with_file: bool):
        self._scan, self._with_file = scan, with_file
        self._places = list(range(len(scan.dataset.files)))

    def pushFilters(self, filters):
        """Leaves out the files whose partition values cannot satisfy a filter; the engine still applies every filter."""
        names = [one.lower() for one in self._scan.partition_columns.names]
        for one in filters:
            test = _partition_test(one, names)
            if test is not None:
                self._places = [place for place in self._places if test(self._values(place))]
            yield one

    @functools.lru_cache(maxsize=None)
    def _values(self, place: int) -> tuple:
        return tuple(partition_value(text, field.type, self._scan.zone).as_py()
                     for field, text in zip(self._scan.partition_columns, self._scan.dataset.values[place]))

    def partitions(self):
        """Neighbouring files in groups of about equal size, a few for each processor."""
        groups = max(1, min(len(self._places), 2 * (os.cpu_count() or 1)))
        sizes = [self._scan.dataset.files[place].size_bytes + 1 for place in self._places]
        share, found, filled = sum(sizes) / groups if sizes else 1, [[]], 0
        for place, size in zip(self._places, sizes):
            if found[-1] and filled + size / 2 > share * len(found):
                found.append([])
            found[-1].append(place)
            filled += size
        return [InputPartition(group) for group in found]

    def read(self, partition) -> Iterator[pa.RecordBatch]:
        for place in partition.value:
            for batch in self._scan.read(place):
                if self._with_file:
                    column = pa.repeat(_file_value(self._scan.dataset.files[place]), batch.num_rows)
                    batch = pa.RecordBatch.from_arrays([*batch.columns, column], schema=batch.schema.append(pa.field(FILE_COLUMN, FILE_TYPE)))
                yield batch


_COMPARISONS = {EqualTo: lambda left, right: left == right, GreaterThan: lambda left, right: left > right,
                GreaterThanOrEqual: lambda left, right: left >= right, LessThan: lambda left, right: left < right,
                LessThanOrEqual: lambda left, right: left <= right}


def _partition_test(condition: Any, names: list[str]):
    """A function from partition values to whether rows with them can satisfy the condition; None when it speaks of
    anything but one partition column, or is of a kind that is left to the engine."""
    attribute = getattr(condition, "attribute", ())
    if len(attribute) != 1 or attribute[0].lower() not in names:
        return None
    at = names.index(attribute[0].lower())
    if isinstance(condition, IsNull):
        return lambda values: values[at] is None
    if isinstance(condition, IsNotNull):
        return lambda values: values[at] is not None
    if isinstance(condition, In):
        return lambda values: any(_holds(_COMPARISONS[EqualTo], values[at], one) for one in condition.value)
    compare = _COMPARISONS.get(type(condition))
    return compare and (lambda values: _holds(compare, values[at], condition.value))


def _holds(compare: Callable[[Any, Any], bool], value: Any, other: Any) -> bool:
    """Whether the comparison can be true. Sail gives a date as its number of days; what is of different types otherwise
    only the engine can tell, so it can."""
    if value is None:
        return False
    if type(value) is datetime.date and isinstance(other, int):
        value = (value - datetime.date(1970, 1, 1)).days
    numbers = isinstance(value, (int, float)) and isinstance(other, (int, float))
    return compare(value, other) if numbers or type(value) is type(other) else True
