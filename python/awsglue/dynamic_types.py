"""Columns whose type differs from record to record, found while reading: what makes a DynamicFrame dynamic.

In JSON every kind of value that a field has becomes a member of its choice: int, long, double, boolean, string, struct,
array. In a CSV table of the catalog, a column of numbers or dates that also has other texts is a choice of its type and
string. Only Sail's readers look for choices; Apache Spark's own readers give one type to each column.
"""
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Optional

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from awsglue import catalog, gluetypes
from tarn_job import layout, storage

# What is known of a field: the kinds of its values as names; under "struct" its members, under "array" its elements.
Node = dict[str, Any]


def csv_choices(spark, table: catalog.Table, dataset: layout.Dataset) -> tuple[str, list[tuple[str, str]]]:
    """The DDL to read a CSV table with, and the choices in it: pairs of a column and its declared type. Every file is
    read once to know; columns of text cost nothing."""
    from tarn_job.sail import columnar, csv_text, reader, text_values
    declared = reader._declared(table.schema_ddl)
    types = [reader.arrow_type(catalog.spark_type(kind)) for _, kind in table.partition_keys]
    scan = reader.scan_dataset(spark, "csv", dataset, declared, table.options, types)
    typed = [one for one in scan.file_columns if not pa.types.is_string(one.type)]
    if not typed:
        return table.schema_ddl, []
    places = scan.csv_places or list(range(len(scan.file_columns)))
    at = {one.name: places[number] for number, one in enumerate(scan.file_columns)}
    dialect = csv_text.dialect_of(scan.options)

    def broken(file: storage.File) -> set[str]:
        found: set[str] = set()
        with storage.open_read(file.address) as stream:
            for batch in csv_text.records(columnar.decompressed(stream, file.address), dialect, scan.csv_columns or len(scan.file_columns)):
                for one in typed:
                    if one.name not in found and at[one.name] >= 0:
                        texts = batch.column(at[one.name])
                        if text_values.convert(texts, one.type).null_count != texts.null_count:
                            found.add(one.name)
        return found

    with ThreadPoolExecutor(storage.PARALLEL_REQUESTS) as pool:
        names = set().union(*pool.map(broken, dataset.files))
    if not names:
        return table.schema_ddl, []
    keys = {name.lower() for name, _ in table.partition_keys}
    own = [(name, kind) for name, kind in table.columns if name.lower() not in keys]
    return catalog.ddl([(name, "string" if name in names else kind) for name, kind in own]), \
        [(name, catalog.spark_type(kind)) for name, kind in own if name in names]


def with_choices(frame, choices: list[tuple[str, str]]):
    """The frame with each text column of `choices` as a struct of its declared type and string."""
    from pyspark.sql import functions as F
    for name, kind in choices:
        text = F.col(f"`{name}`")
        typed = text.cast(kind)
        member = gluetypes.name_of(frame.select(typed.alias("x")).schema.fields[0].dataType)
        both = F.struct(typed.alias(member), F.when(typed.isNull(), text).alias("string"))
        frame = frame.withColumn(name, F.when(text.isNotNull(), both))
    return frame


def read_json(spark, dataset: layout.Dataset, options: dict[str, str]):
    """JSON files as a DataFrame with Glue's types, fields in the order in which they come, and the paths of the fields
    that are choices."""
    from tarn_job.sail import columnar, json_text, reader, source
    layout_ = json_text.layout_of(options)

    def survey(file: storage.File) -> Node:
        with storage.open_read(file.address) as stream:
            return _survey(columnar.decompressed(stream, file.address), layout_)

    node: Node = {}
    with ThreadPoolExecutor(storage.PARALLEL_REQUESTS) as pool:
        for one in pool.map(survey, dataset.files):
            node = _merge(node, one)
    members = node.get("struct", {})
    choices: list[str] = []
    schema = pa.schema([pa.field(name, _type(one, name, choices)) for name, one in members.items()])
    types = [reader.arrow_type("string")] * len(dataset.columns)
    scan = reader.scan_dataset(spark, "json", dataset, schema, options, types)
    if any(_is_choice(one) for one in _nodes(members)):
        scan.json_prepare = lambda record: {name: _wrapped(value, members[name]) for name, value in record.items() if name in members}
    assert isinstance(scan, source.Scan)
    return reader.frame_of(spark, scan), choices


def _survey(stream, layout_) -> Node:
    from tarn_job.sail import json_text
    node: Node = {}
    for block in json_text._texts(stream, layout_):
        found = None if layout_.multi_line else _by_arrow(block)
        if found is None:
            found = {}
            for value, text in json_text.values(block, layout_):
                if value is json_text.BROKEN:
                    raise ValueError(f"a record is no JSON object: {text[:200]}")
                if value is not None:
                    found = _merge(found, _node(value))
        node = _merge(node, found)
    return node


def _by_arrow(block: bytes) -> Optional[Node]:
    """The block's node by Arrow's parser; None where that cannot tell (it makes 1 and 1.5 both numbers with a point)."""
    from tarn_job.sail import json_text
    if block.lstrip()[:1] == b"[" or json_text._LONG.search(block):
        return None
    try:
        table = pa.json.read_json(pa.BufferReader(block), json_text._read_options(block))
        return {"struct": {name: _node_of(column.combine_chunks()) for name, column in zip(table.column_names, table.columns)}}
    except (pa.ArrowInvalid, _Unclear):
        return None


class _Unclear(Exception):
    pass


def _node_of(column: pa.Array) -> Node:
    found = column.type
    if pa.types.is_null(found) or column.null_count == len(column):
        return {} if pa.types.is_null(found) else _empty_node(found)
    if pa.types.is_struct(found):
        return {"struct": {one.name: _node_of(column.field(at)) for at, one in enumerate(found)}}
    if pa.types.is_list(found):
        return {"array": _node_of(column.flatten())}
    if pa.types.is_boolean(found):
        return {"boolean": True}
    if pa.types.is_integer(found):
        limits = pc.min_max(column).as_py()
        fits = pc.and_(pc.greater_equal(column, -2**31), pc.less(column, 2**31))
        if limits["min"] >= -2**31 and limits["max"] < 2**31:
            return {"int": True}
        return {"long": True} if not pc.any(fits).as_py() else {"int": True, "long": True}
    if pa.types.is_floating(found):
        if pc.any(pc.equal(pc.floor(column), column)).as_py():
            raise _Unclear
        return {"double": True}
    return {"string": True}


def _empty_node(found: pa.DataType) -> Node:
    return {"array": {}} if pa.types.is_list(found) else {}


def _node(value: Any) -> Node:
    if value is None:
        return {}
    if isinstance(value, dict):
        return {"struct": {name: _node(one) for name, one in value.items()}}
    if isinstance(value, list):
        inner: Node = {}
        for one in value:
            inner = _merge(inner, _node(one))
        return {"array": inner}
    return {_kind(value): True}


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "int" if -2**31 <= value < 2**31 else "long" if -2**63 <= value < 2**63 else "double"
    if isinstance(value, float):
        return "double"
    if isinstance(value, dict):
        return "struct"
    return "array" if isinstance(value, list) else "string"


def _merge(left: Node, right: Node) -> Node:
    for kind, inner in right.items():
        if kind == "struct":
            members = left.setdefault("struct", {})
            for name, one in inner.items():
                members[name] = _merge(members.get(name, {}), one)
        elif kind == "array":
            left["array"] = _merge(left.get("array", {}), inner)
        else:
            left[kind] = True
    return left


def _is_choice(node: Node) -> bool:
    return len(node) > 1


def _nodes(members: dict[str, Node]):
    for one in members.values():
        yield one
        if "struct" in one:
            yield from _nodes(one["struct"])
        if "array" in one:
            yield from _nodes({"element": one["array"]})


_SIMPLE = {"int": pa.int32(), "long": pa.int64(), "double": pa.float64(), "boolean": pa.bool_(), "string": pa.string()}


def _type(node: Node, path: str, choices: list[str]) -> pa.DataType:
    kinds = {kind: _type_of_kind(kind, inner, f"{path}.{kind}" if _is_choice(node) else path, choices)
             for kind, inner in sorted(node.items())}
    if _is_choice(node):
        choices.append(path)
        return pa.struct([pa.field(name, kind) for name, kind in kinds.items()])
    return next(iter(kinds.values()), pa.string())


def _type_of_kind(kind: str, inner: Any, path: str, choices: list[str]) -> pa.DataType:
    if kind == "struct":
        fields = [pa.field(name, _type(one, f"{path}.{name}", choices)) for name, one in inner.items()]
        return pa.struct(fields) if fields else pa.map_(pa.string(), pa.string())  # {} and nothing else
    if kind == "array":
        return pa.list_(_type(inner, f"{path}[]", choices))
    return _SIMPLE[kind]


def _wrapped(value: Any, node: Node) -> Any:
    """The value with every choice in it as a struct whose one member is named by the value's kind."""
    if value is None:
        return None
    kind = _kind(value)
    if kind == "struct":
        members = node.get("struct", {})
        value = {name: _wrapped(one, members.get(name, {})) for name, one in value.items()}
    elif kind == "array":
        value = [_wrapped(one, node.get("array", {})) for one in value]
    return {kind: value} if _is_choice(node) else value
