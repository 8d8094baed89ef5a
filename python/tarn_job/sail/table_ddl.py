"""CREATE TABLE in spark.sql, over the Data Catalog ("CREATE DATASOURCE TABLE" and "CREATE HIVEFORMAT TABLE", Spark SQL)."""
import dataclasses
import re
from typing import Any, Callable, Optional

from pyspark.errors import AnalysisException, ParseException

from tarn_job import Unsupported

_HEAD = re.compile(r"^\s*create\s+(external\s+)?table\s+(?P<may>if\s+not\s+exists\s+)?(?P<name>(?:`[^`]+`|\w+)(?:\s*\.\s*(?:`[^`]+`|\w+))*)\s*", re.I)
_TOKEN = re.compile(r"""\s+|--[^\n]*|/\*.*?\*/|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`]|``)*`|\w+|.""", re.S)
_TYPES = {"long": "bigint", "integer": "int", "short": "smallint", "byte": "tinyint", "real": "float", "dec": "decimal", "numeric": "decimal",
          "timestamp_ntz": "timestamp", "timestamp_ltz": "timestamp"}
_STORED = {"parquet": "parquet", "orc": "orc", "avro": "avro", "textfile": "csv", "jsonfile": "json"}


@dataclasses.dataclass
class Definition:
    """A CREATE TABLE statement. `kind` is the files' format; `query` what follows AS."""
    name: str
    may_exist: bool
    columns: list[tuple[str, str]]
    keys: list[tuple[str, Optional[str]]]  # a partition column of the table has no type here
    kind: Optional[str] = None
    location: Optional[str] = None
    comment: str = ""
    options: dict[str, str] = dataclasses.field(default_factory=dict)
    properties: dict[str, str] = dataclasses.field(default_factory=dict)
    query: Optional[str] = None


def create(spark, select: Callable[[str], Any], text: str) -> bool:
    """Runs a CREATE TABLE whose files are of a format that jobs write; False when the statement is another, or the
    table is the engine's own (Delta and Iceberg at a location). `select` runs a query. Raises AnalysisException for a
    table that is there already, ParseException for what is no statement, Unsupported for clauses that jobs do not have.
    """
    head = _HEAD.match(text)
    if not head:
        return False
    found = _parse(text, head)
    if found.kind in ("delta", "iceberg") and found.location:
        return False
    if found.kind not in ("parquet", "orc", "avro", "csv", "json"):
        raise Unsupported(f"CREATE TABLE {'USING ' + found.kind if found.kind else 'without USING or STORED AS'} is not supported on this "
                          "engine; parquet, orc, avro, csv and json are")
    if found.query is not None:
        if found.columns:
            raise ParseException("Schema may not be specified in a Create Table As Select (CTAS) statement")
        from tarn_job.sail import catalog_sql
        options = {**found.options, **({"path": found.location} if found.location else {})}
        catalog_sql.save_as_table(spark, select(found.query), found.name, found.kind, "ignore" if found.may_exist else "error",
                                  [name for name, _ in found.keys], options)
    else:
        _record(found)
    return True


def _record(found: Definition) -> None:
    from awsglue import catalog
    from tarn_job.sail import catalog_sql
    database, name = catalog_sql.split(found.name)
    if catalog_sql.known(database, name):
        if found.may_exist:
            return
        raise AnalysisException(f"[TABLE_OR_VIEW_ALREADY_EXISTS] Cannot create table or view `{database}`.`{name}` because it already exists.")
    types = dict(found.columns)
    keys = [(key, kind or types.get(key) or _missing(key)) for key, kind in found.keys]
    columns = [one for one in found.columns if one[0] not in dict(keys)]
    serde, parameters = {}, {"classification": found.kind}
    if found.kind == "csv":
        serde = {"separatorChar": found.options.get("sep", found.options.get("delimiter", ",")), "quoteChar": found.options.get("quote", '"')}
        if found.options.get("header", "").lower() == "true":
            parameters["skip.header.line.count"] = "1"
    location = found.location or catalog_sql.default_location(database, name)
    more = {"Description": found.comment} if found.comment else {}
    catalog.client().create_table(DatabaseName=database, TableInput={
        "Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": {**parameters, **found.properties}, **more,
        "PartitionKeys": [{"Name": key, "Type": kind} for key, kind in keys],
        "StorageDescriptor": catalog.descriptor(found.kind, location.rstrip("/") + "/", columns, serde)})


def _missing(key: str) -> str:
    raise AnalysisException(f"[COLUMN_NOT_FOUND] The column `{key}` of PARTITIONED BY is no column of the table.")


class _Clauses:
    """What follows a table's name, word by word."""

    def __init__(self, text: str, start: int):
        self.text = text
        self.tokens = [(one.group(), one.start(), one.end()) for one in _TOKEN.finditer(text, start)
                       if not one.group().isspace() and not one.group().startswith(("--", "/*"))]
        self.at = 0

    def peek(self, ahead: int = 0) -> str:
        return self.tokens[self.at + ahead][0].lower() if self.at + ahead < len(self.tokens) else ""

    def take(self, *words: str) -> bool:
        if any(self.peek(ahead) != word for ahead, word in enumerate(words)):
            return False
        self.at += len(words)
        return True

    def next(self) -> str:
        if self.at >= len(self.tokens):
            raise ParseException("[PARSE_SYNTAX_ERROR] Syntax error at or near end of input.")
        self.at += 1
        return self.tokens[self.at - 1][0]

    def string(self) -> str:
        token = self.next()
        if token[0] not in "'\"":
            raise ParseException(f"[PARSE_SYNTAX_ERROR] Syntax error at or near '{token}'.")
        return re.sub(r"\\(.)", lambda found: {"t": "\t", "n": "\n", "r": "\r"}.get(found.group(1), found.group(1)), token[1:-1])

    def listed(self) -> list[list[str]]:
        """The members of a list in parentheses, each as its words."""
        if not self.take("("):
            raise ParseException(f"[PARSE_SYNTAX_ERROR] Syntax error at or near '{self.peek() or 'end of input'}'.")
        members, depth = [[]], 0
        while True:
            token = self.next()
            if depth == 0 and token == ")":
                return [one for one in members if one]
            if depth == 0 and token == ",":
                members.append([])
                continue
            depth += (token in "(<") - (token in ")>")
            members[-1].append(token)

    def pairs(self) -> dict[str, str]:
        result = {}
        for words in self.listed():
            at = words.index("=") if "=" in words else next((at for at, one in enumerate(words) if at and words[at - 1] != "." and one != "."), 1)
            key, value = "".join(words[:at]).strip("'\"`"), "".join(words[at:]).removeprefix("=")
            result[key] = value[1:-1] if value[:1] in ("'", '"') else value
        return result

    def rest(self) -> str:
        return self.text[self.tokens[self.at][1]:]


def _parse(text: str, head: "re.Match[str]") -> Definition:
    found = Definition(re.sub(r"\s", "", head.group("name")), bool(head.group("may")), [], [])
    clauses = _Clauses(text.rstrip().rstrip(";"), head.end())
    if clauses.peek() == "(" and clauses.peek(1) not in ("select", "with"):
        found.columns = [_column(words) for words in clauses.listed()]
    while clauses.peek():
        if clauses.take("using"):
            found.kind = clauses.next().strip("`").lower().removeprefix("org.apache.spark.sql.")
        elif clauses.take("stored", "as"):
            found.kind = _STORED.get(clauses.peek(), clauses.peek())
            clauses.next()
        elif clauses.take("partitioned", "by"):
            found.keys = [(words[0].strip("`"), _kind(words[1:])) if len(words) > 1 else (words[0].strip("`"), None) for words in clauses.listed()]
        elif clauses.take("row", "format", "delimited", "fields", "terminated", "by"):
            found.options["sep"] = clauses.string()
        elif clauses.take("options"):
            found.options.update({key.lower(): value for key, value in clauses.pairs().items()})
        elif clauses.take("tblproperties"):
            found.properties.update(clauses.pairs())
        elif clauses.take("comment"):
            found.comment = clauses.string()
        elif clauses.take("location"):
            found.location = clauses.string()
        elif clauses.take("as") or clauses.peek() in ("select", "with", "(", "values", "from"):
            found.query = clauses.rest()
            break
        else:
            raise _unknown(clauses)
    found.location = found.location or found.options.pop("path", None)
    return found


def _unknown(clauses: _Clauses) -> Exception:
    word = clauses.peek()
    if word in ("like", "clustered", "skewed", "stored", "row", "with"):
        return Unsupported(f"CREATE TABLE with {word.upper()} is not supported on this engine; create the table through Athena or the Glue API")
    return ParseException(f"[PARSE_SYNTAX_ERROR] Syntax error at or near '{word}'.")


def _column(words: list[str]) -> tuple[str, str]:
    if len(words) < 2:
        raise ParseException(f"[PARSE_SYNTAX_ERROR] Syntax error at or near '{words[0]}': a column has a type.")
    return words[0].strip("`"), _kind(words[1:])


def _kind(words: list[str]) -> str:
    """A type as the catalog writes it; what may follow it (NOT NULL, COMMENT) is left out."""
    end = next((at for at, one in enumerate(words) if one.lower() in ("comment", "not", "default", "generated")), len(words))
    return re.sub(r"\w+", lambda one: _TYPES.get(one.group().lower(), one.group().lower()), "".join(words[:end]))
