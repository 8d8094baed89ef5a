"""Glue's names for types, as `DynamicFrame.schema()` and `printSchema()` show them."""
from typing import Any

from pyspark.sql import types as spark_types

_NAMES = {"tinyint": "byte", "smallint": "short", "bigint": "long"}


def name_of(kind: spark_types.DataType) -> str:
    """Glue's name of a Spark type: `long` for bigint, and so on; `decimal(10,2)` keeps its numbers."""
    simple = kind.typeName() if isinstance(kind, (spark_types.StructType, spark_types.ArrayType, spark_types.MapType)) else kind.simpleString()
    return _NAMES.get(simple, simple)


def spark_name(glue: str) -> str:
    """Spark's name of a type that a script gives: `long` is bigint, `byte` tinyint, `short` smallint."""
    plain = glue.strip().lower()
    known = {"long": "bigint", "byte": "tinyint", "short": "smallint", "integer": "int", "decimal": "decimal(38,18)",
             "null": "string", "real": "float"}
    return known.get(plain, glue.strip())


class Schema:
    """A frame's schema: `fields` are pairs of a name and a type; printed, it is Glue's tree. `choices` are the paths of
    columns that hold several types."""

    def __init__(self, struct: spark_types.StructType, choices: set[str]):
        self._struct, self._choices = struct, choices
        self.fields = [(one.name, "choice" if one.name in choices else name_of(one.dataType)) for one in struct.fields]

    def field_names(self) -> list[str]:
        return [name for name, _ in self.fields]

    def __iter__(self):
        return iter(self._struct.fields)

    def __contains__(self, name: str) -> bool:
        return name in self.field_names()

    def jsonValue(self) -> Any:
        return self._struct.jsonValue()

    def tree(self) -> str:
        lines = ["root"]
        for one in self._struct.fields:
            self._lines(one.name, one.dataType, "", one.name, lines)
        return "\n".join(lines) + "\n"

    __str__ = tree

    def __repr__(self) -> str:
        return "StructType([" + ", ".join(f"{name}: {kind}" for name, kind in self.fields) + "])"

    def _lines(self, name: str, kind: spark_types.DataType, indent: str, path: str, lines: list[str]) -> None:
        if path in self._choices:
            lines.append(f"{indent}|-- {name}: choice")
            for one in kind.fields:
                self._nested(one, indent, f"{path}.{one.name}", lines)
            return
        lines.append(f"{indent}|-- {name}: {name_of(kind)}")
        self._inside(kind, indent + "|    ", path, lines)

    def _nested(self, field, indent: str, path: str, lines: list[str]) -> None:
        lines.append(f"{indent}|    |-- {name_of(field.dataType)}")
        self._inside(field.dataType, indent + "|    |    ", path, lines)

    def _inside(self, kind: spark_types.DataType, indent: str, path: str, lines: list[str]) -> None:
        if isinstance(kind, spark_types.StructType):
            for one in kind.fields:
                self._lines(one.name, one.dataType, indent, f"{path}.{one.name}", lines)
        elif isinstance(kind, spark_types.ArrayType):
            self._lines("element", kind.elementType, indent, f"{path}[]", lines)
        elif isinstance(kind, spark_types.MapType):
            lines.append(f"{indent}|-- keyType: {name_of(kind.keyType)}")
            lines.append(f"{indent}|-- valueType: {name_of(kind.valueType)}")
