"""The Data Catalog behind spark.sql, spark.table and saveAsTable, as on a Glue job whose metastore it is.

A table of the catalog that a statement names becomes a temporary view just before the statement runs. Statements that
write or change the catalog and are known here: INSERT INTO and INSERT OVERWRITE with a query, USE, CREATE DATABASE, DROP
TABLE, SHOW TABLES and SHOW DATABASES, and CREATE TABLE (`table_ddl`).
"""
import re
from typing import Any, Iterator, Optional

from pyspark.errors import AnalysisException

from tarn_job import Unsupported
from tarn_job.sail import casts, table_ddl

_TOKEN = re.compile(r"""\s+|--[^\n]*|/\*.*?\*/|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`]|``)*`|[A-Za-z_][\w]*|\d[\w.]*|.""", re.S)
_AFTER = {"from", "join", "into", "table", "overwrite"}
_NAME = r"(?:(`[^`]+`|\w+)\s*\.\s*)?(`[^`]+`|\w+)"
_INSERT = re.compile(rf"^\s*insert\s+(into|overwrite)\s+(?:table\s+)?{_NAME}\s*(?P<rest>.*)$", re.I | re.S)
_current = ["default"]
_listed: list[Any] = []  # Catalog.listTables as the engine has it


def install() -> None:
    """Makes the session's ways to tables look into the catalog too."""
    from pyspark.sql.connect.catalog import Catalog
    from pyspark.sql.connect.session import SparkSession
    run = SparkSession.sql

    def sql(self, sqlQuery, args=None, **kwargs):
        sqlQuery = casts.in_text(sqlQuery)
        done = _statement(self, run, sqlQuery)
        if done is not None:
            return done
        return run(self, _with_views(self, sqlQuery), args, **kwargs) if args is not None else run(self, _with_views(self, sqlQuery), **kwargs)

    def table(self, tableName):
        database, name = split(tableName)
        if database.lower() in ("delta", "global_temp") or _is_view(self, tableName):
            return self.read._table(tableName)
        return _catalog_table(self, database, name)

    SparkSession.sql = sql
    SparkSession.table = table
    in_engine = Catalog.tableExists
    _listed.append(Catalog.listTables)

    def table_exists(self, tableName, dbName=None):
        database, name = (dbName, tableName) if dbName else split(tableName)
        return in_engine(self, tableName, dbName) if dbName is None and _is_view(self._sparkSession, tableName) else known(database, name)

    def list_tables(self, dbName=None, pattern=None):
        views = [one for one in _views_of(self._sparkSession) if one.isTemporary and not one.name.startswith("__catalog__")]
        return [one for one in [*_tables_of(dbName or _current[0]), *views] if pattern is None or _like(one.name, pattern)]

    Catalog.listTables = list_tables
    Catalog.listDatabases = lambda self, pattern=None: [one for one in _databases() if pattern is None or _like(one.name, pattern)]
    Catalog.tableExists = table_exists
    Catalog.databaseExists = lambda self, dbName: _database(dbName) is not None
    Catalog.setCurrentDatabase = lambda self, dbName: _use(dbName)
    Catalog.currentDatabase = lambda self: _current[0]
    Catalog.refreshTable = lambda self, tableName: None  # nothing of a table is kept between statements


def split(name: str) -> tuple[str, str]:
    """`db.table` as its two names; a name alone is of the current database."""
    parts = [one.strip("`") for one in re.findall(r"`[^`]*`|[^.`]+", name)]
    return (parts[-2] if len(parts) > 1 else _current[0], parts[-1])


def _catalog():
    from awsglue import catalog
    return catalog


def known(database: str, name: str) -> bool:
    glue = _catalog().client()
    try:
        glue.get_table(DatabaseName=database, Name=name)
        return True
    except glue.exceptions.EntityNotFoundException:
        return False


def _database(name: str) -> Optional[dict]:
    glue = _catalog().client()
    try:
        return glue.get_database(Name=name)["Database"]
    except glue.exceptions.EntityNotFoundException:
        return None


def _catalog_table(spark, database: str, name: str):
    from awsglue import tables
    if not known(database, name):
        raise AnalysisException(f"[TABLE_OR_VIEW_NOT_FOUND] The table or view `{database}`.`{name}` cannot be found.")
    return tables.whole(spark, database, name)


def _views_of(spark) -> list:
    """What the engine itself knows: the session's views."""
    return _listed[0](spark.catalog)


def _is_view(spark, name: str) -> bool:
    return "." not in name and name.strip("`").lower() in {one.name.lower() for one in _views_of(spark) if one.isTemporary}


def _like(name: str, pattern: str) -> bool:
    """Spark's patterns of names: `*` is anything, `|` separates several."""
    return any(re.fullmatch(re.escape(one).replace(r"\*", ".*"), name, re.I) for one in pattern.split("|"))


def _tables_of(database: str) -> list:
    from pyspark.sql.catalog import Table
    if database != "default" and _database(database) is None:
        raise AnalysisException(f"[SCHEMA_NOT_FOUND] The schema `{database}` cannot be found.")
    kinds = {"VIRTUAL_VIEW": "VIEW", "EXTERNAL_TABLE": "EXTERNAL"}
    return [Table(one["Name"], "spark_catalog", [database], one.get("Description"), kinds.get(one.get("TableType"), "MANAGED"), False)
            for one in _table_records(database)]


def _table_records(database: str) -> Iterator[dict]:
    glue = _catalog().client()
    try:
        for page in glue.get_paginator("get_tables").paginate(DatabaseName=database):
            yield from page["TableList"]
    except glue.exceptions.EntityNotFoundException:
        return


def _databases() -> list:
    from pyspark.sql.catalog import Database
    pages = _catalog().client().get_paginator("get_databases").paginate()
    return [Database(one["Name"], "spark_catalog", one.get("Description"), one.get("LocationUri", "")) for page in pages for one in page["DatabaseList"]]


def _tokens(text: str) -> Iterator[tuple[str, int, int]]:
    for found in _TOKEN.finditer(text):
        token = found.group()
        if not token.isspace() and not token.startswith(("--", "/*")):
            yield token, found.start(), found.end()


def _with_views(spark, text: str) -> str:
    """The statement with every table of the catalog that it names replaced by a view over it."""
    tokens = list(_tokens(text))
    if not any(one[0].lower() in _AFTER for one in tokens):
        return text
    own = _own_names(tokens)
    pieces, place, at, listing = [], 0, 0, False
    views: Optional[set[str]] = None
    while at < len(tokens):
        word = tokens[at][0].lower()
        expects = word in _AFTER or (listing and word == ",")
        if word in ("where", "group", "order", "having", "select", "on", "union", "limit", "window", "lateral", "set", "values", ")"):
            listing = False
        at += 1
        if not expects or at >= len(tokens) or not _is_name(tokens[at][0]) or tokens[at][0].lower() in ("select", "lateral", "values"):
            continue
        listing = word == "from" or listing
        last = at
        while last + 2 < len(tokens) and tokens[last + 1][0] == "." and _is_name(tokens[last + 2][0]):
            last += 2
        names = [tokens[one][0].strip("`") for one in range(at, last + 1, 2)]
        calls = last + 1 < len(tokens) and tokens[last + 1][0] == "("
        start, end, at = tokens[at][1], tokens[last][2], last + 1
        if calls or len(names) > 3 or names[0].lower() in ("delta", "parquet", "csv", "json", "global_temp"):
            continue
        if len(names) == 1 and names[0].lower() in own:
            continue
        if len(names) == 1:
            views = views if views is not None else {one.name.lower() for one in _views_of(spark)}
            if names[0].lower() in views:
                continue
        database = names[-2] if len(names) > 1 else _current[0]
        if not known(database, names[-1]):
            continue
        view = "__catalog__" + re.sub(r"\W", "_", f"{database}__{names[-1]}")
        _catalog_table(spark, database, names[-1]).createOrReplaceTempView(view)
        followed_by_alias = at < len(tokens) and (_is_name(tokens[at][0]) and tokens[at][0].lower() not in _CLAUSES)
        pieces += [text[place:start], view, "" if followed_by_alias else f" AS `{names[-1]}`"]
        place = end
    return "".join(pieces) + text[place:]


_CLAUSES = {"where", "group", "order", "having", "on", "union", "limit", "join", "inner", "left", "right", "full", "cross", "lateral",
            "using", "natural", "window", "intersect", "except", "minus", "tablesample", "pivot", "unpivot", "sort", "cluster",
            "distribute", "semi", "anti", "outer", "offset", "qualify"}


def _is_name(token: str) -> bool:
    return bool(re.fullmatch(r"`(?:[^`]|``)*`|[A-Za-z_]\w*", token))


def _own_names(tokens) -> set[str]:
    """The names that a WITH clause gives: they go before tables."""
    found = set()
    for at in range(len(tokens) - 2):
        if _is_name(tokens[at][0]) and tokens[at + 1][0].lower() == "as" and tokens[at + 2][0] == "(":
            found.add(tokens[at][0].strip("`").lower())
    return found


def _statement(spark, run, text: str) -> Any:
    """Runs a statement that is about the catalog; None when it is none of those."""
    bare = text.strip().rstrip(";").strip()
    words = [one[0].lower() for one in list(_tokens(bare))[:3]]
    if not words:
        return None
    insert = _INSERT.match(bare)
    if insert and words[0] == "insert":
        return _insert(spark, run, insert)
    if words[0] == "use" and len(words) > 1:
        return _use(split(re.sub(r"^\s*use\s+(database\s+|schema\s+)?", "", bare, flags=re.I))[1], spark)
    create = re.fullmatch(rf"create\s+(?:database|schema)\s+(if\s+not\s+exists\s+)?(`[^`]+`|\w+)(?:\s+location\s+'([^']*)')?", bare, re.I)
    if create:
        return _create_database(spark, create.group(2).strip("`"), bool(create.group(1)), create.group(3))
    drop = re.fullmatch(rf"drop\s+table\s+(if\s+exists\s+)?{_NAME}(?:\s+purge)?", bare, re.I)
    if drop and (drop.group(2) or not _is_view(spark, drop.group(3))):
        return _drop_table(spark, (drop.group(2) or _current[0]).strip("`"), drop.group(3).strip("`"), bool(drop.group(1)))
    if re.fullmatch(r"show\s+(databases|schemas)", bare, re.I):
        pages = _catalog().client().get_paginator("get_databases").paginate()
        return spark.createDataFrame([(one["Name"],) for page in pages for one in page["DatabaseList"]], "namespace string")
    show = re.fullmatch(r"show\s+tables(?:\s+(?:in|from)\s+(`[^`]+`|\w+))?", bare, re.I)
    if show:
        return _show_tables(spark, (show.group(1) or _current[0]).strip("`"))
    if re.match(r"create\s+or\s+replace\s+table\b", bare, re.I) and not re.search(r"\busing\s+(delta|iceberg)\b", bare, re.I):
        raise AnalysisException("[UNSUPPORTED_FEATURE.TABLE_OPERATION] The table does not support REPLACE TABLE.")
    if table_ddl.create(spark, lambda query: run(spark, _with_views(spark, query)), bare):
        return _done(spark)
    if words[0] in ("alter", "msck", "analyze", "truncate") and len(words) > 1 and words[1] in ("table", "repair"):
        raise Unsupported(f"{words[0].upper()} TABLE in spark.sql is not supported on this engine; use Athena or the Glue API")
    return None


def _done(spark):
    return spark.createDataFrame([], "result string")


def _use(name: str, spark=None):
    if _database(name) is None and name != "default":
        raise AnalysisException(f"[SCHEMA_NOT_FOUND] The schema `{name}` cannot be found.")
    _current[0] = name
    return _done(spark) if spark is not None else None


def _create_database(spark, name: str, may_exist: bool, location: Optional[str]):
    glue = _catalog().client()
    try:
        glue.create_database(DatabaseInput={"Name": name, **({"LocationUri": location} if location else {})})
    except glue.exceptions.AlreadyExistsException:
        if not may_exist:
            raise AnalysisException(f"[SCHEMA_ALREADY_EXISTS] Cannot create schema `{name}` because it already exists.") from None
    return _done(spark)


def _drop_table(spark, database: str, name: str, may_lack: bool):
    glue = _catalog().client()
    try:
        glue.delete_table(DatabaseName=database, Name=name)
    except glue.exceptions.EntityNotFoundException:
        if not may_lack:
            raise AnalysisException(f"[TABLE_OR_VIEW_NOT_FOUND] The table or view `{database}`.`{name}` cannot be found.") from None
    return _done(spark)


def _show_tables(spark, database: str):
    rows = [(database, one["Name"], False) for one in _table_records(database)]
    return spark.createDataFrame(rows, "namespace string, tableName string, isTemporary boolean")


def _insert(spark, run, found: "re.Match[str]"):
    database, name = (found.group(2) or _current[0]).strip("`"), found.group(3).strip("`")
    if database.lower() in ("delta", "parquet"):
        return None
    rest = found.group("rest").strip()
    if not re.match(r"(select|with|\(|from|table|values)\b|\(", rest, re.I):
        raise Unsupported("INSERT with a PARTITION clause is not supported on this engine; give the partition columns last in the query")
    frame = run(spark, _with_views(spark, rest))
    insert_into(spark, frame, database, name, overwrite=found.group(1).lower() == "overwrite")
    return _done(spark)


def insert_into(spark, frame, database: str, name: str, overwrite: bool) -> None:
    """Stores rows in a table, columns by their place as in Hive: the files' first, the partition keys last. Raises
    AnalysisException when their number differs."""
    from awsglue import catalog, frames
    if not known(database, name):
        raise AnalysisException(f"[TABLE_OR_VIEW_NOT_FOUND] The table or view `{database}`.`{name}` cannot be found.")
    found = catalog.table(database, name)
    keys = [key for key, _ in found.partition_keys]
    lower = {key.lower() for key in keys}
    wanted = [one for one in found.columns if one[0].lower() not in lower] + found.partition_keys
    if len(frame.columns) != len(wanted):
        raise AnalysisException(f"[INSERT_COLUMN_ARITY_MISMATCH] Cannot write to `{database}`.`{name}`: it has {len(wanted)} columns "
                                f"({', '.join(one for one, _ in wanted)}) and the data has {len(frame.columns)}")
    named = frame.toDF(*[f"c{at}" for at in range(len(wanted))])
    data = named.selectExpr(*[f"cast(`c{at}` as {catalog.spark_type(kind)}) as `{one}`" for at, (one, kind) in enumerate(wanted)])
    options = {key: value for key, value in found.options.items() if key in ("sep", "quote", "escape", "header", "nullvalue")}
    written = frames.write(spark, data, found.kind, found.location, keys, options, "overwrite" if overwrite else "append")
    if keys:
        columns = [one for one in found.columns if one[0].lower() not in lower]
        catalog.record_written(database, name, found.kind, found.location, columns, found.partition_keys, written, False)


def default_location(database: str, name: str) -> str:
    """Where a table without a place of its own lies: below its database's location. Raises AnalysisException for a
    database that is not there or has none."""
    record = _database(database)
    if record is None:
        raise AnalysisException(f"[SCHEMA_NOT_FOUND] The schema `{database}` cannot be found.")
    if not record.get("LocationUri"):
        raise AnalysisException(f"`{database}`.`{name}` needs a place: the database has no location, and no path was given")
    return f"{record['LocationUri'].rstrip('/')}/{name}/"


def save_as_table(spark, frame, name: str, kind: str, mode: str, partition_by: list[str], options: dict[str, str]) -> None:
    """Stores rows as a table of the catalog: at `path`, where the table is, or below the database's location. Raises
    AnalysisException when the table is there and the mode is error, or when there is no place for it."""
    from awsglue import catalog, frames, sinks
    database, table = split(name)
    record = _database(database)
    if record is None:
        raise AnalysisException(f"[SCHEMA_NOT_FOUND] The schema `{database}` cannot be found.")
    exists = known(database, table)
    if exists and mode == "ignore":
        return
    if exists and mode == "error":
        raise AnalysisException(f"[TABLE_OR_VIEW_ALREADY_EXISTS] Cannot create table or view `{database}`.`{table}` because it already exists.")
    if exists:
        found = catalog.table(database, table)
        path, partition_by = found.location, partition_by or [key for key, _ in found.partition_keys]
        kind = found.kind if mode == "append" else kind
        if mode == "overwrite":
            catalog.client().delete_table(DatabaseName=database, Name=table)
    else:
        path = options.get("path") or default_location(database, table)
    own = {key: value for key, value in options.items() if key != "path"}
    written = frames.write(spark, frame, kind, path, partition_by, own, "overwrite" if mode == "overwrite" else "append")
    sinks.update_catalog((database, table), kind, path, frame, partition_by, written, True, own)
