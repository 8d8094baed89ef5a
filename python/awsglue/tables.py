"""Tables of the catalog as DataFrames: which files, which partitions, and in which order the columns stand."""
from typing import Optional

from awsglue import catalog, frames
from tarn_job import layout, storage


def files(spark, found: catalog.Table, predicate: str = "", catalog_predicate: Optional[str] = None,
          catalog_id: Optional[str] = None) -> layout.Dataset:
    """The table's files with their partitions' values as the catalog has them, wherever the partitions lie. `predicate`
    is Spark SQL over the partition keys, `catalog_predicate` what the catalog itself evaluates."""
    keys = [name for name, _ in found.partition_keys]
    if not keys:
        below = [file for _, group in _stored(found.location) for file in group]
        return layout.Dataset(below, [], [()] * len(below))
    kept = catalog.partitions(found, catalog_predicate, catalog_id)
    if predicate:
        kept = _satisfying(spark, found, kept, predicate)
    dataset = layout.Dataset([], keys, [])
    for one in kept:
        values = tuple(None if value == layout.NO_VALUE else value for value in one.values)
        for _, group in _stored(one.location):
            dataset.files += group
            dataset.values += [values] * len(group)
    return dataset


def _stored(location: str) -> list[tuple[str, list[storage.File]]]:
    """What lies below a location; it may also be a file itself."""
    below = storage.find(location.rstrip("/") + "/")
    return below if below or location.endswith("/") else storage.find(location)


def _satisfying(spark, found: catalog.Table, partitions: list, predicate: str) -> list:
    """The partitions for which a predicate in Spark SQL is true; the engine itself evaluates it."""
    if not partitions:
        return []
    keys = found.partition_keys
    rows = [(at, *[None if value == layout.NO_VALUE else value for value in one.values]) for at, one in enumerate(partitions)]
    frame = spark.createDataFrame(rows, "`__place` int, " + ", ".join(f"`{name}` string" for name, _ in keys))
    casts = [f"cast(`{name}` as {catalog.spark_type(kind)}) as `{name}`" for name, kind in keys]
    places = frame.selectExpr("`__place`", *casts).filter(predicate).select("__place").collect()
    return [partitions[place] for place in sorted(row[0] for row in places)]


def frame(spark, found: catalog.Table, dataset: layout.Dataset, schema_ddl: Optional[str] = None):
    """The files as a DataFrame with the table's columns, in the table's order. A value that is not of its column's type
    is null."""
    types = [catalog.spark_type(kind) for _, kind in found.partition_keys]
    read = frames.read(spark, found.kind, dataset, found.options, schema_ddl or found.schema_ddl, types)
    names = [name for name, _ in found.columns]
    lower = {name.lower() for name in names}
    names += [name for name, _ in found.partition_keys if name.lower() not in lower]
    if names != read.columns and set(names) == set(read.columns):
        read = read.select(*[f"`{name}`" for name in names])
    return read


def whole(spark, database: str, name: str):
    """A table of the catalog, all of it."""
    found = catalog.table(database, name)
    if found.kind == "delta":
        return spark.read.format("delta").load(found.location)
    return frame(spark, found, files(spark, found))
