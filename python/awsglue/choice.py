"""Columns that hold several types, and what resolveChoice makes of them.

Such a column is a struct with one member for each type, named by Glue's name of it, of which at most one is not null:
exactly what `toDF()` shows of it on AWS.
"""
from typing import Any, Optional

from pyspark.sql import functions as F
from pyspark.sql import types as spark_types

from awsglue import gluetypes, paths

ACTIONS = ("cast", "project", "make_cols", "make_struct", "match_catalog", "keep_as_struct")


def parse(action: str) -> tuple[str, Optional[str]]:
    """`cast:long` as ("cast", "long"). Raises ValueError for an action that there is not."""
    name, _, kind = action.partition(":")
    name = name.strip().lower()
    if name not in ACTIONS or (name in ("cast", "project")) != bool(kind):
        raise ValueError(f"resolveChoice does not know the action {action!r}; known are cast:type, project:type, make_cols, "
                         "make_struct and match_catalog")
    return name, kind.strip() or None


def change(name: str, path: list[str], kind: spark_types.DataType, is_choice: bool, action: str, wanted: Optional[str]) -> Any:
    """What `paths.rebuilt` needs in order to resolve one field."""
    whole = paths.column(path)
    if action in ("make_struct", "keep_as_struct"):
        return whole
    if not is_choice:
        return whole.cast(gluetypes.spark_name(wanted)) if action in ("cast", "project") else whole
    members = [(one.name, paths.column([*path, one.name])) for one in kind.fields]
    if action == "cast":
        return joined(members, wanted)
    if action == "project":
        spark = gluetypes.spark_name(wanted)
        same = [one for member, one in members if gluetypes.spark_name(member) == spark]
        return same[0] if same else F.lit(None).cast(spark)
    return [(f"{name}_{member}", one) for member, one in members]


def joined(members: list, wanted: str):
    """The one value that a column of several types has, cast to a type; null where it cannot be."""
    spark = gluetypes.spark_name(wanted)
    casts = [one.cast(spark) if not _nested(spark) else one for _, one in members]
    return F.coalesce(*casts)


def _nested(spark: str) -> bool:
    return spark.startswith(("struct", "array", "map"))
