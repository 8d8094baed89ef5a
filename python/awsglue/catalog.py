"""The Data Catalog as frames need it: what a table is made of, where its files are, and what a written frame adds.

Answers come from the Glue API at the endpoint that the environment names.
"""
import dataclasses
import functools
import re
from typing import Any, Optional

from tarn_job import Unsupported

PARTITION_BATCH = 100  # the most that one BatchCreatePartition takes


@functools.lru_cache(maxsize=1)
def client():
    """The process's one Glue client."""
    import boto3
    return boto3.client("glue")


@dataclasses.dataclass
class Table:
    """A table of the catalog. `kind` is the files' format; `options` are those of Spark's reader for it."""
    database: str
    name: str
    record: dict[str, Any]
    kind: str
    options: dict[str, str]
    location: str

    @property
    def columns(self) -> list[tuple[str, str]]:
        return _pairs(self.record.get("StorageDescriptor", {}).get("Columns", []))

    @property
    def partition_keys(self) -> list[tuple[str, str]]:
        return _pairs(self.record.get("PartitionKeys", []))

    @property
    def schema_ddl(self) -> str:
        """The file's columns as Spark's DDL; a partition key of the same name is left to the partitions."""
        keys = {name.lower() for name, _ in self.partition_keys}
        return ddl([one for one in self.columns if one[0].lower() not in keys])


def _pairs(columns: list[dict]) -> list[tuple[str, str]]:
    return [(one["Name"], one.get("Type") or "string") for one in columns]


def ddl(columns: list[tuple[str, str]]) -> str:
    """Columns as Spark's DDL: Hive's `varchar(n)` and `char(n)` are text."""
    return ", ".join(f"`{name}` {spark_type(kind)}" for name, kind in columns)


def spark_type(hive: str) -> str:
    return re.sub(r"\b(?:var)?char\s*\(\s*\d+\s*\)", "string", hive.strip(), flags=re.I)


def table(database: str, name: str, catalog_id: Optional[str] = None) -> Table:
    """The table as the catalog has it. Raises the client's EntityNotFoundException when there is none, Unsupported for
    a view, a table that is not on S3, or a format that is not read."""
    more = {"CatalogId": catalog_id} if catalog_id else {}
    record = client().get_table(DatabaseName=database, Name=name, **more)["Table"]
    descriptor, parameters = record.get("StorageDescriptor", {}), record.get("Parameters") or {}
    if record.get("TableType") == "VIRTUAL_VIEW":
        raise Unsupported(f"{database}.{name} is a view; read the tables that it stands on")
    kind = _kind(record, descriptor, parameters)
    location = descriptor.get("Location", "")
    if not location:
        raise Unsupported(f"{database}.{name} has no location")
    return Table(database, name, record, kind, _options(kind, descriptor, parameters), location)


_SERDES = {"parquet": "parquet", "orc": "orc", "avro": "avro", "jsonserde": "json", "openxjson": "json", "opencsv": "csv",
           "lazysimple": "csv"}


def _kind(record: dict, descriptor: dict, parameters: dict) -> str:
    name = f"{record.get('DatabaseName', '')}.{record['Name']}"
    if (parameters.get("table_type") or "").upper() in ("ICEBERG", "HUDI"):
        raise Unsupported(f"{name} is a table of {parameters['table_type']}, which jobs cannot read through the catalog")
    if (parameters.get("spark.sql.sources.provider") or parameters.get("table_type") or "").lower() == "delta":
        return "delta"
    named = (descriptor.get("Parameters") or {}).get("classification") or parameters.get("classification") or ""
    library = (descriptor.get("SerdeInfo") or {}).get("SerializationLibrary") or ""
    kind = {"glueparquet": "parquet", "tsv": "csv"}.get(named.lower(), named.lower())
    if kind in ("csv", "json", "parquet", "orc", "avro"):
        return kind
    lower = library.lower()
    for mark, found in _SERDES.items():
        if mark in lower:
            return found
    raise Unsupported(f"{name} has the classification {named or 'none'!r} and the SerDe {library or 'none'!r}; "
                      "jobs read csv, json, parquet, orc, avro and delta")


def _options(kind: str, descriptor: dict, parameters: dict) -> dict[str, str]:
    """The reader's options that the table's SerDe and parameters amount to."""
    if kind == "json":
        return {"anycase": "true"}
    if kind != "csv":
        return {}
    serde = descriptor.get("SerdeInfo") or {}
    own = {**parameters, **(descriptor.get("Parameters") or {}), **(serde.get("Parameters") or {})}
    separator = own.get("separatorChar") or own.get("field.delim") or own.get("delimiter") or \
        ("," if "opencsv" in (serde.get("SerializationLibrary") or "").lower() or own.get("classification") == "csv" else "\x01")
    quote = own.get("quoteChar") or '"'
    escape = own.get("escapeChar") or own.get("escape.delim") or quote
    # OpenCSVSerde's default escape is written into many tables by hand; a doubled quote must still be one quote.
    options = {"sep": separator, "quote": quote, "escape": quote if escape == "\\" else escape, "multiline": "false", "byname": "true"}
    skip = int(own.get("skip.header.line.count") or 0)
    if skip:
        options["header"] = "true"
    if own.get("serialization.null.format"):
        options["nullvalue"] = own["serialization.null.format"]
    if own.get("serialization.encoding"):
        options["encoding"] = own["serialization.encoding"]
    return options


@dataclasses.dataclass(frozen=True)
class Partition:
    values: tuple[str, ...]
    location: str


def partitions(found: Table, predicate: Optional[str] = None, catalog_id: Optional[str] = None) -> list[Partition]:
    """The table's partitions; `predicate` is one that the catalog itself evaluates (`catalogPartitionPredicate`)."""
    request: dict[str, Any] = {"DatabaseName": found.database, "TableName": found.name}
    if predicate:
        request["Expression"] = predicate
    if catalog_id:
        request["CatalogId"] = catalog_id
    result = []
    for page in client().get_paginator("get_partitions").paginate(**request):
        for one in page["Partitions"]:
            result.append(Partition(tuple(one["Values"]), one["StorageDescriptor"]["Location"]))
    return result


def hive_type(spark: str) -> str:
    """A type as the catalog writes it, from Spark's `simpleString`."""
    return spark.replace("timestamp_ntz", "timestamp")


_FORMS = {
    "parquet": ("org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe", {"serialization.format": "1"}),
    "orc": ("org.apache.hadoop.hive.ql.io.orc.OrcInputFormat", "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
            "org.apache.hadoop.hive.ql.io.orc.OrcSerde", {"serialization.format": "1"}),
    "avro": ("org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
             "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat", "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
             {"serialization.format": "1"}),
    "json": ("org.apache.hadoop.mapred.TextInputFormat", "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
             "org.openx.data.jsonserde.JsonSerDe", {"serialization.format": "1"}),
    "csv": ("org.apache.hadoop.mapred.TextInputFormat", "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "org.apache.hadoop.hive.serde2.OpenCSVSerde", {"separatorChar": ",", "quoteChar": '"'}),
}


def descriptor(kind: str, location: str, columns: list[tuple[str, str]], serde: Optional[dict[str, str]] = None) -> dict[str, Any]:
    """The storage descriptor of a table whose files are of this format."""
    reads, writes, library, parameters = _FORMS[kind]
    return {"Columns": [{"Name": name, "Type": found} for name, found in columns], "Location": location,
            "InputFormat": reads, "OutputFormat": writes, "Compressed": False, "NumberOfBuckets": -1, "StoredAsSubDirectories": False,
            "SerdeInfo": {"SerializationLibrary": library, "Parameters": {**parameters, **(serde or {})}},
            "Parameters": {"classification": kind}}


def record_written(database: str, name: str, kind: str, location: str, columns: list[tuple[str, str]],
                   keys: list[tuple[str, str]], new_partitions: list[tuple[str, ...]], update_schema: bool,
                   parameters: Optional[dict[str, str]] = None, serde: Optional[dict[str, str]] = None) -> None:
    """Makes the catalog know what was written: creates the table if there is none, adds columns that it lacks (where
    `update_schema`), and adds the new partitions. Names in the catalog are lower-case."""
    columns = [(one.lower(), kind_) for one, kind_ in columns]
    keys = [(one.lower(), kind_) for one, kind_ in keys]
    glue = client()
    try:
        record = glue.get_table(DatabaseName=database, Name=name)["Table"]
    except glue.exceptions.EntityNotFoundException:
        table_parameters = {"classification": kind, "useGlueParquetWriter": "true"} if kind == "parquet" else {"classification": kind}
        glue.create_table(DatabaseName=database, TableInput={
            "Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": {**table_parameters, **(parameters or {})},
            "PartitionKeys": [{"Name": one, "Type": found} for one, found in keys],
            "StorageDescriptor": descriptor(kind, location, columns, serde)})
    else:
        known = [one["Name"].lower() for one in record["StorageDescriptor"]["Columns"]]
        fresh = [one for one in columns if one[0] not in known]
        if fresh and update_schema:
            _add_columns(database, record, fresh)
    _add_partitions(database, name, kind, location, columns, keys, new_partitions, serde)


_INPUT_MEMBERS = ("Name", "Description", "Owner", "LastAccessTime", "LastAnalyzedTime", "Retention", "StorageDescriptor",
                  "PartitionKeys", "ViewOriginalText", "ViewExpandedText", "TableType", "Parameters", "TargetTable")


def _add_columns(database: str, record: dict, fresh: list[tuple[str, str]]) -> None:
    table_input = {name: record[name] for name in _INPUT_MEMBERS if name in record}
    table_input["StorageDescriptor"]["Columns"] += [{"Name": name, "Type": kind} for name, kind in fresh]
    client().update_table(DatabaseName=database, TableInput=table_input)


def _add_partitions(database, name, kind, location, columns, keys, new_partitions, serde) -> None:
    from tarn_job.layout import NO_VALUE, folder_name
    entries = []
    for values in new_partitions:
        folder = "/".join(folder_name(key, value) for (key, _), value in zip(keys, values))
        place = f"{location.rstrip('/')}/{folder}/"
        entries.append({"Values": [NO_VALUE if one is None else one for one in values],
                        "StorageDescriptor": descriptor(kind, place, columns, serde), "Parameters": {}})
    for start in range(0, len(entries), PARTITION_BATCH):
        answer = client().batch_create_partition(DatabaseName=database, TableName=name,
                                                 PartitionInputList=entries[start:start + PARTITION_BATCH])
        for error in answer.get("Errors", []):
            detail = error.get("ErrorDetail", {})
            if detail.get("ErrorCode") != "AlreadyExistsException":
                raise RuntimeError(f"partition {error.get('PartitionValues')} of {database}.{name}: "
                                   f"{detail.get('ErrorCode')}: {detail.get('ErrorMessage', '')}")
