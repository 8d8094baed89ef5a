"""Python functions over rows: what Filter and Map do, for either engine.

A record is a dict; a struct in it is a dict, an array a list, and a column of several types the value that it has.
"""
import datetime
import decimal
from typing import Any, Callable, Iterator, Optional

import pyarrow as pa

from tarn_job import Unsupported


class DynamicRecord(dict):
    """One row: a dict whose members are also read as attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def rows_of(batch: pa.RecordBatch, choices: set[str]) -> Iterator[DynamicRecord]:
    for row in batch.to_pylist(maps_as_pydicts="strict") if _has_maps(batch.schema) else batch.to_pylist():
        for path in choices:
            _take_choice(row, path.split("."))
        yield DynamicRecord(row)


def _has_maps(schema: pa.Schema) -> bool:
    return "map<" in str(schema)


def _take_choice(row: Optional[dict], names: list[str]) -> None:
    """Puts the one value that a column of several types has in the place of all of them."""
    for name in names[:-1]:
        row = row.get(name) if isinstance(row, dict) else None
    if isinstance(row, dict) and isinstance(row.get(names[-1]), dict):
        row[names[-1]] = next((one for one in row[names[-1]].values() if one is not None), None)


def filtered(frame, f: Callable[[DynamicRecord], bool], choices: set[str]):
    """The rows for which `f` is true. The function runs where the engine runs the plan."""
    def keep(batches):
        for batch in batches:
            mask = [bool(f(row)) for row in rows_of(batch, choices)]
            yield batch.filter(pa.array(mask, pa.bool_()))
    return frame.mapInArrow(keep, frame.schema)


def mapped(frame, f: Callable[[DynamicRecord], dict], choices: set[str]):
    """The rows that `f` makes, with the columns that it makes them of. The function runs twice over every row: first to
    learn the types of what it returns, then for the values; it must return the same types both times."""
    import json

    def survey(batches):
        kind: Any = {}
        for batch in batches:
            for row in rows_of(batch, choices):
                kind = merge(kind, kind_of(_returned(f(row))))
        yield pa.RecordBatch.from_arrays([pa.array([json.dumps(kind)])], ["kind"])

    kind: Any = {}
    for row in frame.mapInArrow(survey, "kind string").collect():
        kind = merge(kind, json.loads(row["kind"]))
    schema = pa.schema([pa.field(name, arrow_of(one, _hint(frame, name))) for name, one in kind.items()])

    def compute(batches):
        for batch in batches:
            made = [_returned(f(row)) for row in rows_of(batch, choices)]
            arrays = [pa.array([_fitted(one.get(field.name), field.type) for one in made], field.type) for field in schema]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    from pyspark.sql.pandas.types import from_arrow_schema
    return frame.mapInArrow(compute, from_arrow_schema(schema))


def _returned(value: Any) -> dict:
    if not isinstance(value, dict):
        raise TypeError(f"the function given to Map must return a record, not {type(value).__name__}")
    return value


def _hint(frame, name: str) -> Optional[str]:
    return next((one.dataType.simpleString() for one in frame.schema.fields if one.name == name), None)


# Kinds of values, while they are surveyed: null, boolean, long, double, decimal, string, date, timestamp, binary,
# ["array", element], {name: kind}. They travel as JSON.

_KINDS = [(bool, "boolean"), (int, "long"), (float, "double"), (decimal.Decimal, "decimal"), (str, "string"),
          (datetime.datetime, "timestamp"), (datetime.date, "date"), ((bytes, bytearray), "binary")]


def kind_of(value: Any) -> Any:
    if value is None:
        return "null"
    if isinstance(value, dict):
        return {str(name): kind_of(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, set)):
        kind: Any = "null"
        for one in value:
            kind = merge(kind, kind_of(one))
        return ["array", kind]
    for python, name in _KINDS:
        if isinstance(value, python):
            return name
    item = getattr(value, "item", None)  # numpy's numbers
    if callable(item):
        return kind_of(item())
    raise Unsupported(f"a record cannot hold a value of type {type(value).__name__}")


def merge(left: Any, right: Any) -> Any:
    """The kind that has room for both. What has nothing in common becomes text."""
    if left == right or right == "null":
        return left
    if left == "null":
        return right
    if isinstance(left, dict) and isinstance(right, dict):
        return {name: merge(left.get(name, "null"), right.get(name, "null")) for name in {**left, **right}}
    if isinstance(left, list) and isinstance(right, list):
        return ["array", merge(left[1], right[1])]
    if {str(left), str(right)} <= {"long", "double", "decimal"}:
        return "double" if "double" in (left, right) else "decimal"
    return "string"


def arrow_of(kind: Any, hint: Optional[str] = None) -> pa.DataType:
    """The Arrow type of a kind; a column that had a type of its own among whole numbers and decimals keeps it."""
    if isinstance(kind, dict):
        return pa.struct([pa.field(name, arrow_of(one)) for name, one in kind.items()])
    if isinstance(kind, list):
        return pa.list_(arrow_of(kind[1]))
    whole = {"tinyint": pa.int8(), "smallint": pa.int16(), "int": pa.int32()}
    if kind == "long" and hint in whole:
        return whole[hint]
    if kind == "null" and hint in whole:
        return whole[hint]
    if kind == "double" and hint == "float":
        return pa.float32()
    if kind == "decimal" and hint and hint.startswith("decimal("):
        precision, scale = hint[8:-1].split(",")
        return pa.decimal128(int(precision), int(scale))
    return {"boolean": pa.bool_(), "long": pa.int64(), "double": pa.float64(), "decimal": pa.decimal128(38, 18),
            "string": pa.string(), "date": pa.date32(), "timestamp": pa.timestamp("us", "UTC"), "binary": pa.binary(),
            "null": {"bigint": pa.int64(), "double": pa.float64(), "date": pa.date32(), "boolean": pa.bool_(),
                     "timestamp": pa.timestamp("us", "UTC")}.get(hint, pa.string())}[kind]


def _fitted(value: Any, wanted: pa.DataType) -> Any:
    if value is None:
        return None
    if pa.types.is_struct(wanted):
        return {one.name: _fitted(value.get(one.name), one.type) for one in wanted}
    if pa.types.is_list(wanted):
        return [_fitted(one, wanted.value_type) for one in value]
    if pa.types.is_string(wanted):
        return value if isinstance(value, str) else str(value)
    if pa.types.is_floating(wanted):
        return float(value)
    if pa.types.is_decimal(wanted):
        return round(decimal.Decimal(str(value)), wanted.scale)
    item = getattr(value, "item", None)
    return item() if callable(item) else value
