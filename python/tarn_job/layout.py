"""Partition folders: which columns stand in a path, and of what type they are.

The rules are Spark's (`PartitioningUtils`): a folder named `column=value` is a partition, names and values are
percent-escaped, and a column's type is the narrowest that fits all its values.
"""
import dataclasses
import datetime
import re
from typing import Optional
from urllib.parse import unquote

from tarn_job.storage import File

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_ESCAPED = set('"#%\'*/:=?\\\x7f{}[]^') | {chr(code) for code in range(1, 32)}


@dataclasses.dataclass
class Dataset:
    """Files with the partition values of each: `values[i][j]` is column j of file i, as text, None for no value."""
    files: list[File]
    columns: list[str] = dataclasses.field(default_factory=list)
    values: list[tuple[Optional[str], ...]] = dataclasses.field(default_factory=list)

    def types(self) -> list[str]:
        """Spark's name of each partition column's inferred type."""
        return [value_type({row[place] for row in self.values}) for place in range(len(self.columns))]


def partition_of(relative_folder: str) -> Optional[list[tuple[str, Optional[str]]]]:
    """The columns and values in a folder's path below the root; None when one of its names is no `column=value`."""
    found = []
    for name in [one for one in relative_folder.split("/") if one]:
        column, equals, value = name.partition("=")
        if not equals or not column:
            return None
        value = unquote(value)
        found.append((unquote(column), None if value == NO_VALUE else value))
    return found


def discover(root: str, files: list[File], recurse: bool = False) -> Dataset:
    """Finds the partition columns of the files below `root`.

    Without partition folders only the files that stand directly in the root belong to the data, unless `recurse`.
    Raises ValueError when the folders disagree about the columns' names.
    """
    if recurse:
        return Dataset(files, [], [()] * len(files))
    plain, partitioned = [], []
    for file in files:
        folder = file.address[len(root) + 1:].rpartition("/")[0] if file.address.startswith(root + "/") else ""
        found = partition_of(folder)
        if found:
            partitioned.append((file, found))
        elif not folder:
            plain.append(file)
    if not partitioned:
        return Dataset(plain, [], [()] * len(plain))
    columns = [column for column, _ in partitioned[0][1]]
    for file, found in partitioned:
        if [column for column, _ in found] != columns:
            raise ValueError("Conflicting partition column names detected: "
                             f"{', '.join(columns)} and {', '.join(column for column, _ in found)} (in {file.address})")
    return Dataset([file for file, _ in partitioned], columns,
                   [tuple(value for _, value in found) for _, found in partitioned])


def value_type(values: set[Optional[str]]) -> str:
    """The narrowest Spark type that all values of a partition column have: int, bigint, decimal, double, date,
    timestamp or string. Spark reads `01` as the number 1; a script that wants text casts or declares it."""
    kinds = {_kind(one) for one in values if one is not None}
    if not kinds:
        return "string"
    if len(kinds) == 1:
        return _widest_decimal(values) if kinds == {"decimal"} else kinds.pop()
    if kinds <= {"int", "bigint"}:
        return "bigint"
    if kinds <= {"int", "bigint", "decimal"}:
        return _widest_decimal(values)
    if kinds <= {"int", "bigint", "decimal", "double"}:
        return "double" if kinds <= {"int", "bigint", "double"} else "string"
    if kinds == {"date", "timestamp"}:
        return "timestamp"
    return "string"


def _widest_decimal(values: set[Optional[str]]) -> str:
    return f"decimal({max(len(one.lstrip('+-')) for one in values if one is not None)},0)"


def _kind(value: str) -> str:
    if re.fullmatch(r"[+-]?\d+", value):
        number = int(value)
        if -2**31 <= number < 2**31:
            return "int"
        if -2**63 <= number < 2**63:
            return "bigint"
        return "decimal" if len(value.lstrip("+-")) <= 38 else "string"
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", value):
        return "double"
    if re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}", value) and _is_date(value):
        return "date"
    if re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}[ T]\d{1,2}:\d{1,2}(:\d{1,2}(\.\d+)?)?", value) and _is_date(value[:10].rstrip(" T")):
        return "timestamp"
    return "string"


def _is_date(value: str) -> bool:
    try:
        datetime.date(*map(int, re.split("-", value)[:3]))
    except ValueError:
        return False
    return True


def folder_name(column: str, value: Optional[str]) -> str:
    """The folder that holds a partition, as Hive and Spark write it."""
    return f"{_escape(column)}={NO_VALUE if value is None or value == '' else _escape(value)}"


def _escape(text: str) -> str:
    return "".join(f"%{ord(char):02X}" if char in _ESCAPED else char for char in text)
