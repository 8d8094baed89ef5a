"""GlueContext: where a script's frames come from and go to (AWS Glue Developer Guide, "GlueContext class")."""
import datetime
import logging
import re
from typing import Any, Optional

from pyspark.sql import SQLContext

from awsglue import catalog, dynamic_types, frames, sinks, tables
from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection
from awsglue.job import Job
from tarn_job import Unsupported, layout, notice, storage

_NOT_HERE = {"kafka", "kinesis"}


class GlueContext(SQLContext):
    """Wraps the job's SparkContext. Reads and writes the catalog and S3; any other connection is refused by name."""

    def __init__(self, sparkContext=None, *arguments, **options):
        if frames_on_sail():
            super().__init__(sparkContext)
            self._session = self.sparkSession
        else:
            from pyspark.context import SparkContext
            from pyspark.sql import SparkSession
            self._sc = sparkContext or SparkContext.getOrCreate()
            self._session = SparkSession.builder.getOrCreate()
            self.sparkSession = self._session
        self.create_dynamic_frame = DynamicFrameReader(self)
        self.create_data_frame = DataFrameReader(self)
        self.write_dynamic_frame = DynamicFrameWriter(self)
        self.write_data_frame = DataFrameWriter(self)

    def __getattr__(self, name: str):
        if name.startswith("_"):
            raise AttributeError(name)
        session = self.__dict__.get("_session")
        if session is not None and hasattr(type(session), name):
            return getattr(session, name)
        raise Unsupported(f"GlueContext.{name} is not supported")

    @property
    def spark_session(self):
        return self._session

    def getSparkSession(self):
        return self._session

    def get_logger(self):
        """A logger with info, warn, error, debug and fatal, as Glue's Java logger has."""
        logger = logging.getLogger("glue")
        if not logger.handlers:
            handler = logging.StreamHandler()
            handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
            logger.addHandler(handler)
            logger.setLevel(logging.INFO)
        logger.fatal, logger.warn = logger.critical, logger.warning
        return logger

    # Reading the catalog

    def create_dynamic_frame_from_catalog(self, database: str, table_name: str, redshift_tmp_dir: str = "", transformation_ctx: str = "",
                                          push_down_predicate: str = "", additional_options: Optional[dict[str, Any]] = None,
                                          catalog_id: Optional[str] = None, **more) -> DynamicFrame:
        """A table of the catalog, its types as the catalog has them.

        `push_down_predicate` is Spark SQL over the partition columns: only the partitions for which it is true are read.
        `additional_options={"catalogPartitionPredicate": …}` is evaluated by the catalog itself. With bookmarks on and a
        `transformation_ctx`, files that committed runs have read are left out. In a CSV table, a column of numbers or
        dates that also has other values becomes a choice of its type and string.
        """
        options = {**(additional_options or {}), **more}
        for name in options:
            if name.lower() not in ("catalogpartitionpredicate", "mergeschema", "usecatalogschema", "groupfiles", "groupsize",
                                    "useS3ListImplementation".lower(), "recurse"):
                notice(f"the option {name} has no effect on reading {database}.{table_name}")
        found = catalog.table(database, table_name, catalog_id)
        if found.kind == "delta":
            return DynamicFrame(self._session.read.format("delta").load(found.location), self, transformation_ctx)
        dataset = tables.files(self._session, found, push_down_predicate, options.get("catalogPartitionPredicate"), catalog_id)
        dataset = _unread(dataset, transformation_ctx)
        declared, choices = found.schema_ddl, []
        if found.kind == "csv" and dataset.files and frames.on_sail(self._session):
            declared, choices = dynamic_types.csv_choices(self._session, found, dataset)
        frame = tables.frame(self._session, found, dataset, declared)
        if choices:
            frame = dynamic_types.with_choices(frame, choices)
        return DynamicFrame(frame, self, transformation_ctx or table_name, [name for name, _ in choices])

    def create_data_frame_from_catalog(self, database: str, table_name: str, transformation_ctx: str = "",
                                       additional_options: Optional[dict[str, Any]] = None, push_down_predicate: str = "", **more):
        """A table of the catalog as a DataFrame."""
        return self.create_dynamic_frame_from_catalog(database, table_name, "", transformation_ctx, push_down_predicate,
                                                      additional_options, **more).toDF()

    def create_sample_dynamic_frame_from_catalog(self, database: str, table_name: str, num: int, redshift_tmp_dir: str = "",
                                                 transformation_ctx: str = "", push_down_predicate: str = "",
                                                 additional_options: Optional[dict[str, Any]] = None, sample_options=None, catalog_id=None):
        whole = self.create_dynamic_frame_from_catalog(database, table_name, redshift_tmp_dir, transformation_ctx,
                                                       push_down_predicate, additional_options, catalog_id)
        return whole._new(whole.toDF().limit(num))

    # Reading files

    def create_dynamic_frame_from_options(self, connection_type: str, connection_options: Optional[dict[str, Any]] = None,
                                          format: Optional[str] = None, format_options: Optional[dict[str, Any]] = None,
                                          transformation_ctx: str = "", push_down_predicate: str = "", **more) -> DynamicFrame:
        """Files on S3. CSV columns are text (col0, col1, … without a header); JSON columns have the types of their
        values, and a choice where these differ; partition folders are columns of text."""
        options, form = dict(connection_options or {}), format_options or {}
        self._refuse_connection(connection_type, "read")
        if connection_type.lower() == "delta" or (format or "").lower() == "delta":
            place = options.get("path") or (options.get("paths") or [None])[0]
            return DynamicFrame(self._session.read.format("delta").load(place), self, transformation_ctx)
        kind = frames.format_of(connection_type if connection_type.lower() in frames.FORMATS else format)
        dataset = _unread(frames.find_files(options), transformation_ctx)
        read_options = frames.format_options(kind, form, writing=False)
        if kind == "json" and dataset.files and frames.on_sail(self._session):
            frame, choices = dynamic_types.read_json(self._session, dataset, read_options)
            return DynamicFrame(frame, self, transformation_ctx, choices)
        frame = frames.read(self._session, kind, dataset, read_options)
        if kind == "csv" and read_options.get("header") != "true":
            for name in [one for one in frame.columns if re.fullmatch(r"_c\d+", one)]:
                frame = frame.withColumnRenamed(name, "col" + name[2:])
        return DynamicFrame(frame, self, transformation_ctx)

    def _refuse_connection(self, connection_type: str, verb: str) -> None:
        lower = (connection_type or "").lower()
        if lower in ("s3", "file", "delta", *frames.FORMATS):
            return
        later = "; streams are not read by this kind of job" if lower in _NOT_HERE else ""
        raise Unsupported(f"the connection type {connection_type!r} cannot be {verb}: jobs here {verb} s3{later}")

    def create_data_frame_from_options(self, connection_type: str, connection_options: Optional[dict[str, Any]] = None,
                                       format: Optional[str] = None, format_options: Optional[dict[str, Any]] = None,
                                       transformation_ctx: str = "", push_down_predicate: str = "", **more):
        return self.create_dynamic_frame_from_options(connection_type, connection_options, format, format_options,
                                                      transformation_ctx, push_down_predicate).toDF()

    def create_sample_dynamic_frame_from_options(self, connection_type: str, connection_options=None, num: int = 100,
                                                 sample_options=None, format=None, format_options=None, transformation_ctx: str = "", **more):
        whole = self.create_dynamic_frame_from_options(connection_type, connection_options, format, format_options, transformation_ctx)
        return whole._new(whole.toDF().limit(num))

    def create_dynamic_frame_from_rdd(self, data, name: str, schema=None, sample_ratio=None, transformation_ctx: str = "") -> DynamicFrame:
        return DynamicFrame(self._session.createDataFrame(data, schema), self, name)

    def getSource(self, connection_type: str, format: Optional[str] = None, transformation_ctx: str = "", push_down_predicate: str = "",
                  **options) -> "DataSource":
        return DataSource(self, connection_type, format, transformation_ctx, options)

    # Writing

    def getSink(self, connection_type: str, format: Optional[str] = None, transformation_ctx: str = "", **options) -> sinks.DataSink:
        """A sink below `path`; with `enableUpdateCatalog=True` and `setCatalogInfo` the catalog learns of what it writes."""
        self._refuse_connection(connection_type, "written")
        return sinks.DataSink(self, format, options)

    def write_dynamic_frame_from_options(self, frame, connection_type: str, connection_options: Optional[dict[str, Any]] = None,
                                         format: Optional[str] = None, format_options: Optional[dict[str, Any]] = None,
                                         transformation_ctx: str = "", **more):
        """Stores a frame, or each frame of a collection, below `connection_options["path"]`, adding to what is there."""
        self._refuse_connection(connection_type, "written")
        sink = sinks.DataSink(self, format, dict(connection_options or {}))
        sink.setFormat(format, **(format_options or {}))
        return sink.write(frame)

    write_from_options = write_dynamic_frame_from_options

    def write_dynamic_frame_from_catalog(self, frame, database: str, table_name: str, redshift_tmp_dir: str = "",
                                         transformation_ctx: str = "", additional_options: Optional[dict[str, Any]] = None,
                                         catalog_id: Optional[str] = None, **more):
        """Stores a frame as a table's files, in the table's format and partitions."""
        return sinks.write_to_table(self, frame, database, table_name, additional_options or {}, catalog_id)

    def write_data_frame_from_catalog(self, frame, database: str, table_name: str, redshift_tmp_dir: str = "", transformation_ctx: str = "",
                                      additional_options: Optional[dict[str, Any]] = None, catalog_id: Optional[str] = None, **more):
        dynamic = DynamicFrame(frame, self, transformation_ctx)
        return sinks.write_to_table(self, dynamic, database, table_name, additional_options or {}, catalog_id)

    # Files

    def purge_s3_path(self, s3_path: str, options: Optional[dict[str, Any]] = None, transformation_ctx: str = "") -> None:
        """Deletes the files below a path that are older than `retentionPeriod` hours (168 if not said)."""
        given = dict(options or {})
        hours = float(given.pop("retentionPeriod", 168))
        for name in given:
            raise Unsupported(f"purge_s3_path: the option {name} is not supported")
        oldest = (datetime.datetime.now().timestamp() - hours * 3600) * 1000
        young = {one.address for _, group in storage.find(s3_path.rstrip("/") + "/") for one in group if one.modified_ms > oldest}
        storage.delete_below(s3_path, keep=young)

    def purge_table(self, database: str, table_name: str, options: Optional[dict[str, Any]] = None, transformation_ctx: str = "",
                    catalog_id: Optional[str] = None) -> None:
        self.purge_s3_path(catalog.table(database, table_name, catalog_id).location, options)

    def extract_jdbc_conf(self, connection_name: str, catalog_id: Optional[str] = None) -> dict[str, str]:
        """What a catalog connection says: url, user, password, vendor."""
        more = {"CatalogId": catalog_id} if catalog_id else {}
        properties = catalog.client().get_connection(Name=connection_name, **more)["Connection"]["ConnectionProperties"]
        url = properties.get("JDBC_CONNECTION_URL", "")
        return {"url": url, "fullUrl": url, "user": properties.get("USERNAME", ""), "password": properties.get("PASSWORD", ""),
                "vendor": (re.match(r"jdbc:([^:]+):", url) or [None, ""])[1], "enforceSSL": properties.get("JDBC_ENFORCE_SSL", "false")}

    def add_ingestion_time_columns(self, dataFrame, timeGranularity: str = ""):
        """Adds ingest_year, ingest_month, ingest_day and as far as the granularity says ingest_hour and ingest_minute."""
        from pyspark.sql import functions as F
        wanted = {"day": 3, "hour": 4, "minute": 5}.get(timeGranularity.lower())
        if wanted is None:
            raise ValueError("timeGranularity is day, hour or minute")
        for name, pattern in [("year", "yyyy"), ("month", "MM"), ("day", "dd"), ("hour", "HH"), ("minute", "mm")][:wanted]:
            dataFrame = dataFrame.withColumn(f"ingest_{name}", F.date_format(F.current_timestamp(), pattern))
        return dataFrame


def frames_on_sail() -> bool:
    """Whether this process runs Sail: then PySpark has no Java part."""
    from pyspark.sql.utils import is_remote
    return is_remote()


def _unread(dataset: layout.Dataset, context: str) -> layout.Dataset:
    fresh = {one.address for one in Job.unread(context, dataset.files)}
    if len(fresh) == len(dataset.files):
        return dataset
    kept = [(file, values) for file, values in zip(dataset.files, dataset.values) if file.address in fresh]
    return layout.Dataset([file for file, _ in kept], dataset.columns, [values for _, values in kept])


class DataSource:
    """What getSource gives: `getFrame()` reads it."""

    def __init__(self, context: GlueContext, connection_type: str, format: Optional[str], transformation_ctx: str, options: dict):
        self._context, self._type, self._format = context, connection_type, format
        self._transformation_ctx, self._options, self._form = transformation_ctx, options, {}

    def setFormat(self, format: str, **options) -> None:
        self._format, self._form = format, options

    def getFrame(self, **options) -> DynamicFrame:
        return self._context.create_dynamic_frame_from_options(self._type, {**self._options, **options}, self._format, self._form,
                                                               self._transformation_ctx)


class DynamicFrameReader:
    """`glueContext.create_dynamic_frame`."""

    def __init__(self, context: GlueContext):
        self._context = context

    def from_catalog(self, database=None, table_name=None, redshift_tmp_dir="", transformation_ctx="", push_down_predicate="",
                     additional_options=None, catalog_id=None, name_space=None, **more):
        return self._context.create_dynamic_frame_from_catalog(database or name_space, table_name, redshift_tmp_dir, transformation_ctx,
                                                               push_down_predicate, additional_options, catalog_id, **more)

    def from_options(self, connection_type, connection_options=None, format=None, format_options=None, transformation_ctx="",
                     push_down_predicate="", **more):
        return self._context.create_dynamic_frame_from_options(connection_type, connection_options, format, format_options,
                                                               transformation_ctx, push_down_predicate, **more)

    def from_rdd(self, data, name, schema=None, sampleRatio=None, transformation_ctx=""):
        return self._context.create_dynamic_frame_from_rdd(data, name, schema, sampleRatio, transformation_ctx)


class DataFrameReader:
    """`glueContext.create_data_frame`."""

    def __init__(self, context: GlueContext):
        self._context = context

    def from_catalog(self, database=None, table_name=None, redshift_tmp_dir="", transformation_ctx="", push_down_predicate="",
                     additional_options=None, catalog_id=None, **more):
        return self._context.create_data_frame_from_catalog(database, table_name, transformation_ctx, additional_options,
                                                            push_down_predicate, catalog_id=catalog_id, **more)

    def from_options(self, connection_type, connection_options=None, format=None, format_options=None, transformation_ctx="",
                     push_down_predicate="", **more):
        return self._context.create_data_frame_from_options(connection_type, connection_options, format, format_options,
                                                            transformation_ctx, push_down_predicate, **more)


class DynamicFrameWriter:
    """`glueContext.write_dynamic_frame`."""

    def __init__(self, context: GlueContext):
        self._context = context

    def from_options(self, frame, connection_type, connection_options=None, format=None, format_options=None, transformation_ctx="", **more):
        return self._context.write_dynamic_frame_from_options(frame, connection_type, connection_options, format, format_options,
                                                              transformation_ctx)

    def from_catalog(self, frame, database=None, table_name=None, redshift_tmp_dir="", transformation_ctx="", additional_options=None,
                     catalog_id=None, name_space=None, **more):
        return self._context.write_dynamic_frame_from_catalog(frame, database or name_space, table_name, redshift_tmp_dir,
                                                              transformation_ctx, additional_options, catalog_id)

    def from_jdbc_conf(self, *arguments, **named):
        raise Unsupported("write_dynamic_frame.from_jdbc_conf is not supported: jobs here write s3")


class DataFrameWriter:
    """`glueContext.write_data_frame`."""

    def __init__(self, context: GlueContext):
        self._context = context

    def from_catalog(self, frame, database, table_name, additional_options=None, **more):
        return self._context.write_data_frame_from_catalog(frame, database, table_name, additional_options=additional_options)

    def from_options(self, frame, connection_type, connection_options=None, format=None, format_options=None, **more):
        return self._context.write_dynamic_frame_from_options(DynamicFrame(frame, self._context), connection_type, connection_options,
                                                              format, format_options)


__all__ = ["GlueContext", "DynamicFrame", "DynamicFrameCollection", "DataSource"]
