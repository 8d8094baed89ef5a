"""Paths to fields: `a`, `a.b`, `` `a.b` ``, `a[].b`. How transforms name what they act on."""
import re
from typing import Optional

from pyspark.sql import types as spark_types


def split(path: str) -> list[str]:
    """The path's names; a part in backticks is one name, dots and all."""
    names = []
    for quoted, plain in re.findall(r"`([^`]*)`|([^.`]+)", path):
        names.append(quoted or plain)
    return names


def resolve(schema: spark_types.StructType, path: str) -> Optional[list[str]]:
    """The names that lead to the field, or None when there is no such field. A column whose own name has dots in it
    goes before a path into a struct."""
    if path in schema.fieldNames():
        return [path]
    names = split(path)
    found: spark_types.DataType = schema
    for name in names:
        if not isinstance(found, spark_types.StructType) or name not in found.fieldNames():
            return None
        found = found[name].dataType
    return names


def type_at(schema: spark_types.StructType, names: list[str]) -> spark_types.DataType:
    found: spark_types.DataType = schema
    for name in names:
        found = found[name].dataType
    return found


def expression(names: list[str]) -> str:
    """The path as a column expression."""
    return ".".join("`" + name.replace("`", "``") + "`" for name in names)


def column(names: list[str]):
    from pyspark.sql import functions as F
    return F.col(expression(names))


def rebuilt(schema: spark_types.StructType, changes: dict[tuple[str, ...], object], prefix: tuple[str, ...] = ()) -> list:
    """The columns of a schema with some fields changed: `changes` maps paths to None (left out), to a Column, or to a
    list of (name, Column) that takes the field's place. Structs around a changed field are built again."""
    from pyspark.sql import functions as F
    result = []
    for field in schema.fields:
        place = (*prefix, field.name)
        if place in changes:
            change = changes[place]
            if isinstance(change, list):
                result += [one.alias(name) for name, one in change]
            elif change is not None:
                result.append(change.alias(field.name))
            continue
        if any(path[:len(place)] == place for path in changes):
            inner = rebuilt(field.dataType, changes, place)
            if inner:
                whole = column(list(place))
                result.append(F.when(whole.isNotNull(), F.struct(*inner)).alias(field.name))
            continue
        result.append(column(list(place)).alias(field.name))
    return result
