"""Where frames go: files below a path, and what the catalog learns of them."""
from typing import Any, Optional

from awsglue import catalog, frames
from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection
from tarn_job import Unsupported, notice

_UPDATE_BEHAVIORS = ("UPDATE_IN_DATABASE", "LOG")


class DataSink:
    """One place to write to. Options: path, partitionKeys, compression, enableUpdateCatalog, updateBehavior.

    With `enableUpdateCatalog` and a catalog table named by `setCatalogInfo`, writing creates the table if there is none,
    adds partitions, and under UPDATE_IN_DATABASE the columns that the table lacks.
    """

    def __init__(self, glue_context, format: Optional[str], options: dict[str, Any]):
        self._context, self._format, self._form = glue_context, format, {}
        lower = {name.lower(): value for name, value in options.items()}
        path = lower.pop("path", None) or (lower.pop("paths", None) or [None])[0]
        if not path:
            raise ValueError("a sink on S3 needs \"path\"")
        self._path = path
        self._keys = list(lower.pop("partitionkeys", None) or [])
        self._compression = lower.pop("compression", None)
        self._updates = str(lower.pop("enableupdatecatalog", False)).lower() == "true"
        self._behavior = (lower.pop("updatebehavior", None) or "UPDATE_IN_DATABASE").upper()
        if self._behavior not in _UPDATE_BEHAVIORS:
            raise ValueError(f"updateBehavior is one of {', '.join(_UPDATE_BEHAVIORS)}, not {self._behavior}")
        for name in lower:
            notice(f"the option {name} of a sink is not known and has no effect")
        self._table: Optional[tuple[str, str]] = None

    def setFormat(self, format: Optional[str], **options) -> None:
        self._format, self._form = format or self._format, options

    def setCatalogInfo(self, catalogDatabase: str, catalogTableName: str, catalogId: str = "") -> None:
        self._table = (catalogDatabase, catalogTableName)

    def setAccumulableSize(self, size: int) -> None:
        pass  # a hint for AWS's error accumulators, of which there are none

    def writeFrame(self, dynamic_frame: DynamicFrame, info: str = "") -> DynamicFrame:
        return self.write(dynamic_frame)

    def write(self, frame_or_collection, info: str = ""):
        """Writes a frame, or every frame of a collection in a folder of its name; returns what it was given."""
        if isinstance(frame_or_collection, DynamicFrameCollection):
            for name, frame in zip(frame_or_collection.keys(), frame_or_collection.values()):
                self._store(frame, f"{self._path.rstrip('/')}/{name}/")
        else:
            self._store(frame_or_collection, self._path)
        return frame_or_collection

    def _store(self, frame: DynamicFrame, path: str) -> None:
        if self._updates and self._table is None:
            raise ValueError("enableUpdateCatalog needs a table: call setCatalogInfo(catalogDatabase=…, catalogTableName=…)")
        data = frame.toDF()
        if not data.columns:
            notice(f"nothing was written to {path}: the frame has no columns")
            return
        kind = frames.format_of(self._format)
        options = frames.format_options(kind, self._form, writing=True) if kind != "delta" else {}
        if self._compression and "compression" not in options:
            options["compression"] = self._compression
        written = frames.write(self._context.spark_session, data, kind, path, self._keys, options)
        if self._updates:
            update_catalog(self._table, kind, path, data, self._keys, written, self._behavior == "UPDATE_IN_DATABASE", options)


def update_catalog(table: tuple[str, str], kind: str, path: str, data, keys: list[str], partitions: list[tuple],
                   update_schema: bool, options: dict[str, str]) -> None:
    """Tells the catalog of a frame that was written: its columns, and the partitions that came with it."""
    if kind not in ("parquet", "csv", "json", "avro", "orc"):
        raise Unsupported(f"the catalog cannot be updated from files of the format {kind}")
    types = {one.name: catalog.hive_type(one.dataType.simpleString()) for one in data.schema.fields}
    lower = {name.lower() for name in keys}
    columns = [(name, found) for name, found in types.items() if name.lower() not in lower]
    by_lower = {name.lower(): found for name, found in types.items()}
    key_types = [(name, by_lower[name.lower()]) for name in keys]
    parameters, serde = {}, {}
    if kind == "csv":
        serde = {"separatorChar": options.get("sep", ","), "quoteChar": options.get("quote", '"') or '"'}
        if options.get("header") == "true":
            parameters["skip.header.line.count"] = "1"
    if options.get("compression"):
        parameters["compressionType"] = options["compression"]
    location = path.rstrip("/") + "/"
    catalog.record_written(*table, kind, location, columns, key_types, partitions, update_schema, parameters, serde)


def write_to_table(glue_context, frame: DynamicFrame, database: str, table_name: str, options: dict[str, Any],
                   catalog_id: Optional[str] = None) -> DynamicFrame:
    """Stores a frame as files of a table. Partitions are the table's own keys, which the frame must have."""
    found = catalog.table(database, table_name, catalog_id)
    lower = {name.lower(): value for name, value in options.items()}
    keys = list(lower.pop("partitionkeys", None) or [name for name, _ in found.partition_keys])
    updates = str(lower.pop("enableupdatecatalog", False)).lower() == "true"
    behavior = str(lower.pop("updatebehavior", "UPDATE_IN_DATABASE")).upper()
    for name in lower:
        notice(f"the option {name} has no effect on writing {database}.{table_name}")
    data = frame.toDF()
    spark = glue_context.spark_session
    if found.kind == "delta":
        data.write.format("delta").mode("append").save(found.location)
        return frame
    options = {name: value for name, value in found.options.items() if name in ("sep", "quote", "escape", "header", "nullvalue")}
    written = frames.write(spark, data, found.kind, found.location, keys, options)
    if updates:
        update_catalog((database, table_name), found.kind, found.location, data, keys, written, behavior == "UPDATE_IN_DATABASE", options)
    return frame
