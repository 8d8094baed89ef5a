"""Files as DataFrames, whichever engine runs: the readers and writers below GlueContext."""
import re
from typing import Any, Optional

from tarn_job import Unsupported, layout, notice, storage

FORMATS = ("csv", "json", "parquet", "orc", "avro", "text")
_REFUSED = {"xml", "ion", "groklog", "grok", "hudi", "iceberg", "excel"}


def on_sail(spark) -> bool:
    """Whether the session is Sail's, where this project's own readers work; otherwise it is Apache Spark's."""
    return type(spark).__module__.startswith("pyspark.sql.connect")


def format_of(name: Optional[str]) -> str:
    """Spark's name for a format of Glue's. Raises Unsupported, by name, for one that is not read or written."""
    if not name:
        raise ValueError("a format is needed for S3, such as format=\"parquet\"")
    kind = {"glueparquet": "parquet"}.get(name.lower(), name.lower())
    if kind not in FORMATS and kind != "delta":
        raise Unsupported(f"the format {name!r} is not supported; known are csv, json, parquet, glueparquet, orc, avro and delta")
    return kind


# Glue's format options and Spark's. None: it changes only how fast things go.
_CSV = {"separator": "sep", "quotechar": "quote", "escaper": "escape", "withheader": "header", "writeheader": "header",
        "multiline": "multiline", "encoding": "encoding", "nullvalue": "nullvalue", "optimizeperformance": None,
        "strictcheckforquoting": None, "skipfirst": "skipfirst", "quoteall": "quoteall"}
_JSON = {"multiline": "multiline", "jsonpath": "jsonpath", "encoding": "encoding", "optimizeperformance": None}
_COLUMNAR = {"compression": "compression", "useglueparquetwriter": None, "blocksize": None, "pagesize": None,
             "usecatalogschema": None, "mergeschema": "mergeschema", "version": None, "attachfilename": None, "attachtimestamp": None}


def format_options(kind: str, given: Optional[dict[str, Any]], writing: bool) -> dict[str, str]:
    """Glue's `format_options` as Spark's, with lower-case names. Raises Unsupported for one that would change the data
    and is not followed; one that is not known at all is told in the log."""
    known = {"csv": _CSV, "json": _JSON}.get(kind, _COLUMNAR)
    options = {"sep": ",", "quote": '"', "escape": '"', "header": "true" if writing else "false"} if kind == "csv" else {}
    for name, value in (given or {}).items():
        lower = name.lower()
        if lower in ("attachfilename", "attachtimestamp"):
            raise Unsupported(f"the format option {name} is not supported")
        if lower not in known:
            notice(f"the {kind} format option {name}={value!r} is not known and has no effect")
        elif known[lower]:
            options[known[lower]] = _text(value)
    if options.pop("skipfirst", "false") == "true":
        options["skiplines"] = "1"
    if options.get("quote") == "-1":
        options["quote"] = ""
        options["quoteall"] = "false"
    if "jsonpath" in options and options.pop("jsonpath") not in ("$", "$[*]", "$.*"):
        raise Unsupported("the format option jsonPath is supported only for a file's own records ($ or $[*])")
    return options


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_IGNORED = {"groupfiles", "groupsize", "useS3ListImplementation".lower(), "maxband", "maxfilesinband", "isfailfast",
            "enableUpdateCatalog".lower(), "acceptsizes", "numpartitions", "enablepartitionfiltering", "compressiontype"}


def find_files(options: dict[str, Any]) -> layout.Dataset:
    """The files of a connection's options: `paths` (or `path`), `exclusions`, `recurse`. Partition folders become
    columns of text. Raises FileNotFoundError when nothing stands there."""
    lower = {name.lower(): value for name, value in options.items()}
    paths = lower.get("paths") or lower.get("path")
    if not paths:
        raise ValueError("connection_options needs \"paths\" (a list) for S3")
    paths = [paths] if isinstance(paths, str) else list(paths)
    for name in lower:
        if name in ("boundedfiles", "boundedsize", "partitionpredicate", "excludestorageclasses"):
            raise Unsupported(f"the connection option {name} is not supported")
        if name not in ("paths", "path", "recurse", "exclusions") and name not in _IGNORED:
            notice(f"the connection option {name} is not known and has no effect")
    recurse = str(lower.get("recurse", "false")).lower() == "true"
    excluded = _exclusions(lower.get("exclusions"))
    parts = []
    for path in paths:
        found = storage.find(path)
        if not found:
            raise FileNotFoundError(f"nothing was found at {path}")
        for root, files in found:
            files = [one for one in files if not any(test.search(one.address) for test in excluded)]
            part = layout.discover(root, files)
            parts.append(part if part.columns or not recurse else layout.discover(root, files, recurse=True))
    columns = parts[0].columns
    if any(one.columns != columns for one in parts):
        raise ValueError("the paths have different partition folders: "
                         + "; ".join(sorted({", ".join(one.columns) or "none" for one in parts})))
    return layout.Dataset([file for one in parts for file in one.files], columns, [row for one in parts for row in one.values])


def _exclusions(given: Any) -> list["re.Pattern[str]"]:
    import json
    patterns = json.loads(given) if isinstance(given, str) else given or []
    return [re.compile(_glob(one)) for one in patterns]


def _glob(pattern: str) -> str:
    """A Unix-style pattern with `**` as an expression: `**.pdf` leaves out every PDF file."""
    text = re.escape(pattern).replace(r"\*\*", ".*").replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    return "(?:^|/)" + re.sub(r"\\\{([^{}]*)\\\}", lambda found: "(?:" + found.group(1).replace(",", "|") + ")", text) + "$"


def read(spark, kind: str, dataset: layout.Dataset, options: dict[str, str], schema_ddl: Optional[str] = None,
         partition_types: Optional[list[str]] = None):
    """A DataFrame over the files. `schema_ddl` declares the files' own columns; partition columns follow them, or take
    the place of a column of the same name."""
    types = partition_types or ["string"] * len(dataset.columns)
    if not dataset.files:
        return _empty(spark, schema_ddl, dataset.columns, types)
    if on_sail(spark):
        from tarn_job.sail import reader
        declared = reader._declared(schema_ddl) if schema_ddl else None
        scan = reader.scan_dataset(spark, kind, dataset, declared, options, [reader.arrow_type(one) for one in types])
        return reader.frame_of(spark, scan)
    return _read_on_spark(spark, kind, dataset, options, schema_ddl, types)


def _empty(spark, schema_ddl, columns, types):
    from pyspark.sql.types import StructType
    fields = [f"`{name}` {kind}" for name, kind in zip(columns, types)]
    whole = ", ".join([*([schema_ddl] if schema_ddl else []), *fields])
    return spark.createDataFrame([], whole or StructType([]))


def _read_on_spark(spark, kind, dataset, options, schema_ddl, types):
    """On Apache Spark: each partition's files by Spark's own reader, its values as literals, all of them together."""
    from pyspark.sql import functions as F
    own = {name: value for name, value in options.items() if name not in ("byname", "anycase", "skiplines")}
    if options.get("skiplines"):
        raise Unsupported("the format option skipFirst is not supported with --engine spark")
    by_name = kind == "csv" and schema_ddl and options.get("byname") == "true" and options.get("header") == "true"
    groups: dict[tuple, list[str]] = {}
    for file, values in zip(dataset.files, dataset.values):
        groups.setdefault(values, []).append(file.address)
    frames = []
    for values, addresses in groups.items():
        reader = spark.read.format(kind).options(**own)
        frame = (reader.schema(schema_ddl) if schema_ddl and not by_name else reader).load(addresses)
        if by_name:
            frame = _by_header(spark, frame, schema_ddl)
        for name, value, wanted in zip(dataset.columns, values, types):
            frame = frame.withColumn(name, F.lit(value).cast(wanted))
        frames.append(frame)
    result = frames[0]
    for frame in frames[1:]:
        result = result.unionByName(frame, allowMissingColumns=True)
    return result


def _by_header(spark, frame, schema_ddl: str):
    """A CSV file's columns, all text and named by its header, as declared: by name where any name is the same, else by place."""
    from pyspark.sql import functions as F
    declared = spark.createDataFrame([], schema_ddl).schema.fields
    found = {name.lower(): name for name in frame.columns}
    if not any(one.name.lower() in found for one in declared):
        found = {one.name.lower(): name for one, name in zip(declared, frame.columns)}
    return frame.select(*[(F.col(f"`{found[one.name.lower()]}`") if one.name.lower() in found else F.lit(None))
                          .cast(one.dataType).alias(one.name) for one in declared])


def write(spark, frame, kind: str, path: str, partition_by: list[str], options: dict[str, str], mode: str = "append") -> list[tuple]:
    """Stores a DataFrame's rows below a path (Glue always appends), and returns the partitions that were written, each
    as its values in text, None for no value."""
    if on_sail(spark) and kind in FORMATS:
        from tarn_job.sail import writer
        addresses = writer.write(spark, frame._plan, kind, path, mode, partition_by, options)
        root = storage.canonical(path).rstrip("/") + "/"
        folders = {one[len(root):].rpartition("/")[0] for one in addresses}
        return [tuple(value for _, value in layout.partition_of(one)) for one in sorted(folders)] if partition_by else []
    saver = frame.write.format(kind).mode(mode).options(**options)
    if not partition_by:
        saver.save(path)
        return []
    rows = frame.select(*[f"`{name}`" for name in partition_by]).distinct().collect()
    saver.partitionBy(*partition_by).save(path)
    return sorted((tuple(_plain(one) for one in row) for row in rows), key=str)


def _plain(value: Any) -> Optional[str]:
    if value is None or value == "":
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
