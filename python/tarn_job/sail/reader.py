"""spark.read: finds the files, the partitions and the types by Spark's rules, and hands the engine a scan of them."""
import json
import os
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Optional

import pyarrow as pa
from pyspark.errors import AnalysisException
from pyspark.sql.connect.dataframe import DataFrame
from pyspark.sql.connect.readwriter import DataFrameReader
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
from pyspark.sql.types import StructType

from tarn_job import Unsupported, layout, storage
from tarn_job.sail import columnar, csv_text, file_names, json_text, source, text_values
from tarn_job.sail.local_rdd import LocalRDD

FORMATS = ("csv", "json", "parquet", "orc", "avro", "text")
_REFUSED = ("xml", "jdbc", "kafka", "binaryfile", "com.databricks.spark.xml", "dynamodb")
_PATH_OPTIONS = ("path", "basepath", "recursivefilelookup", "pathglobfilter", "modifiedbefore", "modifiedafter")


class Reader(DataFrameReader):
    """A DataFrameReader whose files are found and decoded by this package; other formats (delta, iceberg) are Sail's."""

    def load(self, path=None, format=None, schema=None, **options):
        if format is not None:
            self.format(format)
        if schema is not None:
            self.schema(schema)
        self.options(**options)
        kind = (self._format or "parquet").lower().removeprefix("org.apache.spark.sql.")
        kind = {"com.databricks.spark.csv": "csv"}.get(kind, kind)
        if kind in _REFUSED:
            raise Unsupported(f"spark.read.format({self._format!r}) is not supported on this engine")
        if kind not in FORMATS:
            return super().load(path)
        lower = {name.lower(): value for name, value in self._options.items() if value is not None}
        paths = [path] if isinstance(path, str) else list(path or [])
        if not paths and lower.get("path"):
            paths = [lower["path"]]
        if not paths:
            raise AnalysisException("Unable to infer schema for the data source: no path was given.")
        return frame_of(self._client, scan_paths(self._client, kind, paths, _declared(self._schema), lower))

    def _df(self, plan) -> DataFrame:
        """`parquet(...)`, `csv(...)` and the like build a plan of the format themselves: it goes the same way."""
        if (getattr(plan, "_format", None) or "").lower() in FORMATS and not getattr(plan, "_is_streaming", None):
            kind = plan._format.lower()
            if kind == "csv" and not plan._paths:  # csv() over rows of text, not over files
                return super()._df(plan)
            self._format = kind
            return self.load(plan._paths)
        return super()._df(plan)

    def json(self, path, *arguments, **options):
        """Files, or an RDD of text: each of its values is a record, or an array of records."""
        if not isinstance(path, LocalRDD):
            return super().json(path, *arguments, **options)
        place = os.path.join(storage.workspace(), f"records-{uuid.uuid4().hex}.json")
        with open(place, "w", encoding="utf-8") as out:
            for text in path:
                out.writelines(line + "\n" for line in _records(text))
        return super().json(place, *arguments, **options)

    def text(self, paths, wholetext=False, lineSep=None, **options):
        self._set_opts(wholetext=wholetext, lineSep=lineSep, **options)
        return self.load(paths, format="text")

    def orc(self, path, **options):
        self._set_opts(**options)
        return self.load(path, format="orc")

    def table(self, tableName):
        return self._client.table(tableName)

    def _table(self, tableName):
        """A table or view of the engine itself, past the catalog."""
        return super().table(tableName)

    def jdbc(self, *arguments, **named):
        raise Unsupported("spark.read.jdbc is not supported on this engine")


def _records(text) -> list[str]:
    """A value's records, a line each; what is no JSON stays one line, for the reader to find."""
    text = text.decode("utf-8") if isinstance(text, bytes) else str(text)
    try:
        value = json.loads(text)
    except ValueError:
        return [" ".join(text.splitlines())]
    return [json.dumps(one, ensure_ascii=False) for one in (value if isinstance(value, list) else [value])]


def _declared(schema) -> Optional[pa.Schema]:
    """The schema that the script gave, by either of Spark's ways of writing it."""
    if not schema:
        return None
    if schema.startswith("{"):
        return to_arrow(StructType.fromJson(json.loads(schema)))
    return to_arrow(StructType.fromDDL(schema))


def to_arrow(schema: StructType) -> pa.Schema:
    """Spark's schema as Arrow's, every column nullable as in whatever is read from files."""
    found = to_arrow_schema(schema, timezone="UTC")
    return pa.schema([pa.field(one.name, _nullable(one.type)) for one in found])


def _nullable(found: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(found):
        return pa.timestamp("us", "UTC")
    if pa.types.is_struct(found):
        return pa.struct([pa.field(one.name, _nullable(one.type)) for one in found])
    if pa.types.is_list(found):
        return pa.list_(_nullable(found.value_type))
    if pa.types.is_map(found):
        return pa.map_(found.key_type, _nullable(found.item_type))
    return found


def scan_paths(spark, kind: str, paths: list[str], declared: Optional[pa.Schema], options: dict[str, str]) -> source.Scan:
    """A scan of everything at the paths. Raises AnalysisException when nothing stands at one of them."""
    dataset = find(paths, options)
    return scan_dataset(spark, kind, dataset, declared, options)


def find(paths: list[str], options: dict[str, str]) -> layout.Dataset:
    """The files at the paths with their partition values."""
    recurse = options.get("recursivefilelookup", "").lower() == "true"
    pattern = options.get("pathglobfilter")
    for name in ("modifiedbefore", "modifiedafter"):
        if name in options:
            raise Unsupported(f"the option {name} is not supported on this engine")
    base = storage.canonical(options["basepath"]).rstrip("/") if "basepath" in options else None
    parts = []
    for path in paths:
        found = storage.find(path)
        if not found:
            raise AnalysisException(f"[PATH_NOT_FOUND] Path does not exist: {path}.")
        for root, files in found:
            if pattern:
                test = storage._pattern(pattern)
                files = [one for one in files if test.match(one.address.rsplit("/", 1)[-1])]
            single = len(files) == 1 and files[0].address == storage.canonical(path)
            try:
                parts.append(layout.discover(base or root, files, recurse or (single and not base)))
            except ValueError as error:
                raise AnalysisException(str(error)) from error
    columns = parts[0].columns
    if any(one.columns != columns for one in parts):
        raise AnalysisException("Conflicting partition column names detected: "
                                + "; ".join(sorted({", ".join(one.columns) or "none" for one in parts})))
    return layout.Dataset([file for one in parts for file in one.files], columns, [row for one in parts for row in one.values])


def scan_dataset(spark, kind: str, dataset: layout.Dataset, declared: Optional[pa.Schema], options: dict[str, str],
                 partition_types: Optional[list[pa.DataType]] = None) -> source.Scan:
    """A scan of given files. Columns come from `declared`, or from the files; partition types from `declared`, from
    `partition_types`, or from the values. Raises AnalysisException when there is nothing to learn columns from."""
    zone = spark.conf.get("spark.sql.session.timeZone", "UTC")
    partition_columns = _partition_columns(dataset, declared, partition_types, spark)
    partition_names = {one.name.lower() for one in partition_columns}
    scan = source.Scan(kind, dataset, pa.schema([]), partition_columns, options, zone)
    if kind == "csv":
        _csv_columns(scan, declared, partition_names)
    elif kind == "text":
        scan.file_columns = pa.schema([("value", pa.string())])
    elif declared is not None:
        scan.file_columns = pa.schema([one for one in declared if one.name.lower() not in partition_names])
        if kind == "parquet" and partition_names & {name.lower() for name in declared.names}:
            scan.file_columns = declared  # keeps the declared order; partition values take their columns' places
    elif kind == "json":
        scan.file_columns = _json_columns(scan)
    else:
        scan.file_columns = _footer_columns(kind, dataset, options)
    names = [name.lower() for name in scan.file_columns.names]
    for name in names:
        if names.count(name) > 1:
            raise AnalysisException(f"[COLUMN_ALREADY_EXISTS] The column `{name}` already exists. Choose another name or rename the "
                                    "existing column.")
    if declared is None and not len(scan.schema):
        if dataset.files and any(one.size_bytes for one in dataset.files):
            return scan
        if kind != "csv":
            raise AnalysisException(f"[UNABLE_TO_INFER_SCHEMA] Unable to infer schema for {kind.upper()}. "
                                    "It must be specified manually.")
    return scan


def _partition_columns(dataset, declared, types, spark) -> pa.Schema:
    if types is None:
        infer = str(spark.conf.get("spark.sql.sources.partitionColumnTypeInference.enabled", "true")).lower() == "true"
        names = dataset.types() if infer else ["string"] * len(dataset.columns)
        types = [arrow_type(name) for name in names]
    given = {one.name.lower(): one for one in declared or []}
    return pa.schema([given.get(name.lower(), pa.field(name, found)) for name, found in zip(dataset.columns, types)])


def arrow_type(name: str) -> pa.DataType:
    """The Arrow type of a type's name as Spark writes it."""
    return to_arrow(StructType.fromDDL(f"x {name}")).field(0).type


def _formats(scan: source.Scan) -> text_values.Formats:
    return text_values.Formats(scan.options.get("dateformat"), scan.options.get("timestampformat"), scan.zone)


def _csv_columns(scan: source.Scan, declared: Optional[pa.Schema], partition_names: set[str]) -> None:
    """What a CSV file's columns are: their names from the first line that there is, their types as declared, by
    inference, or text. A declared schema goes by place, as in Spark; the option `byname` (the catalog's reader sets it)
    makes it go by the header's names where they match."""
    dialect = csv_text.dialect_of(scan.options)
    corrupt = scan._corrupt_column()
    names = _first_header(scan, dialect)
    if declared is not None:
        in_file = {name.lower() for name in names or []} if dialect.header else set()
        fields = [one for one in declared if one.name.lower() not in partition_names or one.name.lower() in in_file]
        scan.file_columns = pa.schema(fields)
        asked = [one for one in fields if one.name != corrupt]
        if scan.options.get("byname") == "true" and dialect.header and names and \
                in_file & {one.name.lower() for one in asked}:
            lower = [name.lower() for name in names]
            scan.csv_places = [lower.index(one.name.lower()) if one.name.lower() in lower else -1 for one in asked]
            scan.csv_columns = len(names)
        return
    names = names or []
    kinds = ["string"] * len(names)
    if names and scan.options.get("inferschema", "").lower() == "true":
        kinds = _infer_csv(scan, dialect, len(names))
    scan.file_columns = pa.schema([(name, arrow_type(kind)) for name, kind in zip(names, kinds)])


def _first_header(scan: source.Scan, dialect: csv_text.Dialect) -> Optional[list[str]]:
    for file in scan.dataset.files:
        if file.size_bytes:
            with storage.open_read(file.address) as stream:
                names = csv_text.header_names(columnar.decompressed(stream, file.address), dialect)
            if names is not None:
                return names
    return None


def _infer_csv(scan: source.Scan, dialect: csv_text.Dialect, width: int) -> list[str]:
    columns = [text_values.Inference(_formats(scan)) for _ in range(width)]
    for file in scan.dataset.files:
        with storage.open_read(file.address) as stream:
            for batch in csv_text.records(columnar.decompressed(stream, file.address), dialect, width):
                for column, texts in zip(columns, batch.columns):
                    column.see(texts)
    return [one.result() for one in columns]


def _json_columns(scan: source.Scan) -> pa.Schema:
    inference = json_text.Inference(json_text.layout_of(scan.options, scan.zone))
    for file in scan.dataset.files:
        with storage.open_read(file.address) as stream:
            inference.see(columnar.decompressed(stream, file.address))
    return inference.result(scan._corrupt_column() if scan._mode() == "PERMISSIVE" else None)


def _footer_columns(kind: str, dataset: layout.Dataset, options: dict[str, str]) -> pa.Schema:
    """The columns of the first file; with `mergeSchema` those of all, in the order in which they are met."""
    files = [one for one in dataset.files if one.size_bytes]
    if options.get("mergeschema", "").lower() != "true":
        files = files[:1]
    read = getattr(columnar, f"{kind}_schema")
    fields: dict[str, pa.Field] = {}
    with ThreadPoolExecutor(storage.PARALLEL_REQUESTS) as pool:
        for schema in pool.map(read, files):
            for one in schema:
                fields.setdefault(one.name.lower(), pa.field(one.name, columnar.plain_type(one.type)))
    return pa.schema(list(fields.values()))


def frame_of(spark, scan: source.Scan) -> DataFrame:
    """The scan as a DataFrame of the session. Plain Parquet goes to Sail's own reader, which skips what a query does
    not need; everything else through this package's source."""
    native = _native_parquet(spark, scan)
    if native is not None:
        return native
    return DataFrameReader(spark).format(source.NAME).option("scan", str(scan.register())).load()


def _native_parquet(spark, scan: source.Scan) -> Optional[DataFrame]:
    """Sail's own Parquet scan, only where it gives what Spark gives: files without partitions whose columns are all
    alike, of the types that are asked for, with no two names that differ only in case."""
    if scan.format != "parquet" or not scan.dataset.files or len(scan.partition_columns):
        return None
    asked = {one.name: one.type for one in scan.file_columns}
    if len({name.lower() for name in asked}) < len(asked) or not asked:
        return None
    if any(not one.size_bytes or re.search(r"[*?\[\]{}%=]", one.address) for one in scan.dataset.files):
        return None
    with ThreadPoolExecutor(storage.PARALLEL_REQUESTS) as pool:
        for schema in pool.map(columnar.parquet_schema, scan.dataset.files):
            try:
                if {one.name: columnar.plain_type(one.type) for one in schema} != asked:
                    return None
            except Unsupported:
                return None
    ddl = from_arrow_schema(scan.file_columns)
    reader = DataFrameReader(spark).format("parquet").schema(ddl)
    frame = DataFrameReader.load(reader, [one.address if storage.is_s3(one.address) else "file://" + one.address
                                          for one in scan.dataset.files])
    file_names.remember(frame, scan)
    return frame
