"""Relationalize: nested records as tables that refer to each other (AWS Glue Developer Guide, "Relationalize class").

Structs become columns whose names have dots in them. An array becomes a table of its own, ROOT_PATH, with the columns
`id`, `index` and `PATH.val` (or `PATH.val.MEMBER`), and in its place stands the id of its rows there.
"""
import os
import uuid
from typing import Any, Iterator

from pyspark.sql import functions as F
from pyspark.sql import types as spark_types

from awsglue import paths
from tarn_job import Unsupported, storage


def tables(frame, root: str) -> dict[str, Any]:
    """The DataFrames by name, the root first. What they are made of is computed once and kept in the job's own folder:
    ids must be the same in every table, whenever it is read."""
    found: dict[str, Any] = {}
    _add(found, frame, root, root)
    return found


def _add(found: dict[str, Any], frame, name: str, root: str) -> None:
    flat = [(column, place) for place, column in _leaves(frame.schema, [])]
    arrays = [place for column, place in flat if isinstance(_type_of(frame, column), spark_types.ArrayType)]
    whole = _kept(frame, flat) if arrays else frame.select(*[column.alias(place) for column, place in flat])
    columns = []
    for _, place in flat:
        column = paths.column([place])
        columns.append(F.when(column.isNotNull(), F.col(_ID)).alias(place) if place in arrays else column)
    found[name] = whole.select(*columns)
    for place in arrays:
        exploded = whole.where(paths.column([place]).isNotNull()).select(F.col(_ID).alias("id"), F.posexplode(paths.column([place])).alias("index", "val"))
        kind = exploded.schema["val"].dataType
        inner = [("val",)] if not isinstance(kind, spark_types.StructType) else [("val", one.name) for one in kind.fields]
        named = [paths.column(list(one)).alias(".".join((place, *one))) for one in inner]
        _add(found, exploded.select("id", "index", *named), f"{root}_{place}", root)


_ID = "__relational_id"


def _leaves(schema: spark_types.StructType, prefix: list[str]) -> Iterator[tuple[str, Any]]:
    """What no struct stands around any more, by its dotted name; a name with dots stays as it is."""
    for field in schema.fields:
        place = [*prefix, field.name]
        if isinstance(field.dataType, spark_types.StructType):
            yield from _leaves(field.dataType, place)
        elif isinstance(field.dataType, spark_types.MapType):
            raise Unsupported(f"relationalize of the map {'.'.join(place)} is not supported")
        else:
            yield ".".join(place), paths.column(place)


def _type_of(frame, column) -> spark_types.DataType:
    return frame.select(column.alias("one")).schema["one"].dataType


def _kept(frame, flat):
    """The flat columns and a number for each row, from 1, computed now."""
    names = [f"c{at}" for at in range(len(flat))]
    folder = os.path.join(storage.workspace(), "relational-" + uuid.uuid4().hex)
    numbered = frame.select(*[column.alias(name) for (column, _), name in zip(flat, names)]).coalesce(1)
    numbered.withColumn(_ID, F.monotonically_increasing_id() + F.lit(1)).write.parquet(folder)
    kept = frame.sparkSession.read.parquet(folder)
    return kept.select(*[F.col(name).alias(place) for (_, place), name in zip(flat, names)], _ID)
