"""input_file_name() and `_metadata`, which Sail does not have: rows that know their file, when a script asks for it.

A script's plan is looked at before it is sent. Where an expression speaks of the file, the scans below it are asked for
one more column, FILE_COLUMN, and the steps between carry it along. Steps that lose a row's origin (joins, groupings,
unions of several scans are fine, SQL text over views is not) are refused by name.
"""
import re
from typing import Callable

from tarn_job import Unsupported
from tarn_job.sail.source import FILE_COLUMN, NAME

_SQL_CALL = re.compile(r"\binput_file_name\s*\(\s*\)", re.I)
_SQL_METADATA = re.compile(r"(?<![\w.`])_metadata\.(\w+)", re.I)
_MARKS = (b"input_file_name", b"_metadata", b"input_file_block")


def install() -> None:
    """Makes every plan go through `rewrite` on its way to the server."""
    from pyspark.sql.connect.client.core import SparkConnectClient
    from pyspark.sql.connect.plan import LogicalPlan
    to_proto = LogicalPlan.to_proto

    def rewriting(self, session, debug: bool = False):
        plan = to_proto(self, session, debug)
        return rewrite(plan) if any(mark in plan.SerializeToString() for mark in _MARKS) else plan

    LogicalPlan.to_proto = rewriting
    execute = SparkConnectClient.execute_command

    def executing(self, command, *arguments, **named):
        if any(mark in command.SerializeToString() for mark in _MARKS):
            relation = _input_of_command(command)
            if relation is not None:
                _relation(relation)
        return execute(self, command, *arguments, **named)

    SparkConnectClient.execute_command = executing


def rewrite(plan):
    """The plan with file names as columns. Raises Unsupported where they cannot be had."""
    if plan.HasField("root"):
        _relation(plan.root)
    return plan


def _input_of_command(command):
    kind = command.WhichOneof("command_type")
    holder = getattr(command, kind) if kind else None
    if holder is not None and "input" in holder.DESCRIPTOR.fields_by_name and holder.HasField("input"):
        return holder.input
    return None


def _relation(relation) -> None:
    """Rewrites the expressions of this step and of all below it that speak of the file."""
    kind = relation.WhichOneof("rel_type")
    if kind is None:
        return
    step = getattr(relation, kind)
    if kind == "with_relations":
        for one in step.references:
            _relation(one)
        _relation(step.root)
        return
    spoken = _rewrite_expressions(step)
    for child in _inputs(step):
        _relation(child)
    if not spoken:
        return
    if kind in ("project", "filter", "with_columns", "sort") and step.HasField("input"):
        _carry(step.input, kind)
        if kind != "project":
            _drop_after(relation)
        return
    raise Unsupported(f"input_file_name() and _metadata cannot be used in a {kind.replace('_', ' ')} on this engine; put them into a "
                      "column by withColumn or select right after reading")


def _inputs(step) -> list:
    """The relations that a step reads, of any step: every member that is a relation."""
    found = []
    for field, value in step.ListFields():
        if field.message_type is not None and field.message_type.full_name == "spark.connect.Relation":
            found += list(value) if _repeated(field) else [value]
    return found


def _repeated(field) -> bool:
    return getattr(field, "is_repeated", None) if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED


def _rewrite_expressions(message) -> bool:
    """Replaces what speaks of the file in the expressions of one step; says whether there was any."""
    spoken = False
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.full_name == "spark.connect.Relation" or field.message_type.GetOptions().map_entry:
            continue
        for one in (list(value) if _repeated(field) else [value]):
            if one.DESCRIPTOR.full_name == "spark.connect.Expression":
                spoken |= _rewrite_expression(one)
            spoken |= _rewrite_expressions(one)
    return spoken


def _rewrite_expression(expression) -> bool:
    kind = expression.WhichOneof("expr_type")
    if kind == "unresolved_function" and expression.unresolved_function.function_name.lower() == "input_file_name":
        _to_member(expression, "file_path")
        return True
    if kind == "unresolved_attribute":
        name = expression.unresolved_attribute.unparsed_identifier.replace("`", "")
        if name.lower() == "_metadata" or name.lower().startswith("_metadata."):
            _to_member(expression, name.partition(".")[2])
            return True
    if kind == "expression_string":
        text = expression.expression_string.expression
        new = _SQL_CALL.sub(f"`{FILE_COLUMN}`.`file_path`", text)
        new = _SQL_METADATA.sub(lambda found: f"`{FILE_COLUMN}`.`{found.group(1)}`", new)
        if new != text:
            alias = "" if re.search(r"\bas\s+\S+\s*$", new, re.I) else " AS `" + _plain_name(text) + "`"
            expression.expression_string.expression = new + alias
            return True
    return False


def _plain_name(text: str) -> str:
    return text.strip().rpartition(".")[2] if _SQL_METADATA.fullmatch(text.strip()) else text.strip()


def _to_member(expression, member: str) -> None:
    expression.Clear()
    expression.unresolved_attribute.unparsed_identifier = f"`{FILE_COLUMN}`" + (f".`{member}`" if member else "")


def _drop_after(relation) -> None:
    """Takes the column away again above a step that keeps all columns."""
    inner = type(relation)()
    inner.CopyFrom(relation)
    relation.Clear()
    relation.drop.input.CopyFrom(inner)
    relation.drop.column_names.append(FILE_COLUMN)


_KEEPING = ("filter", "sort", "limit", "with_columns", "with_columns_renamed", "subquery_alias", "repartition", "drop", "sample", "hint",
            "repartition_by_expression", "offset", "to_df")


def _carry(relation, wanted_by: str) -> None:
    """Makes a relation give FILE_COLUMN beside its own columns."""
    kind = relation.WhichOneof("rel_type")
    step = getattr(relation, kind)
    if kind == "drop" and FILE_COLUMN in step.column_names:  # taken away by this very rewriting: a second use of the name
        inner = type(relation)()
        inner.CopyFrom(step.input)
        relation.CopyFrom(inner)
        _carry(relation, wanted_by)
        return
    if kind == "read":
        _ask(relation)
        return
    if kind == "project":
        if not any(_is_file_column(one) for one in step.expressions):
            step.expressions.add().unresolved_attribute.unparsed_identifier = f"`{FILE_COLUMN}`"
            _carry(step.input, wanted_by)
        return
    if kind == "set_op" and step.set_op_type == step.SET_OP_TYPE_UNION:
        _carry(step.left_input, wanted_by)
        _carry(step.right_input, wanted_by)
        return
    if kind in _KEEPING and kind != "to_df":
        _carry(step.input, wanted_by)
        return
    raise Unsupported(f"input_file_name() and _metadata are not known any more after a {kind.replace('_', ' ')}; put them into a column "
                      "by withColumn or select right after reading")


def _is_file_column(expression) -> bool:
    return expression.WhichOneof("expr_type") == "unresolved_attribute" and \
        expression.unresolved_attribute.unparsed_identifier == f"`{FILE_COLUMN}`"


_scan_of_read: dict[bytes, Callable[[], int]] = {}


def remember(frame, scan) -> None:
    """Notes the scan that a read of Sail's own Parquet reader stands for, so that it can be read by ours on demand."""
    relation = frame._plan.plan(frame._session.client)
    _scan_of_read[relation.read.SerializeToString(deterministic=True)] = scan.register


def _ask(relation) -> None:
    source = relation.read.data_source
    if source.format == NAME:
        source.options["file"] = "true"
        return
    register = _scan_of_read.get(relation.read.SerializeToString(deterministic=True))
    if register is None:
        raise Unsupported(f"input_file_name() and _metadata are not known for {source.format or 'a table'} on this engine")
    number = register()
    relation.read.Clear()
    relation.read.data_source.format = NAME
    relation.read.data_source.options["scan"] = str(number)
    relation.read.data_source.options["file"] = "true"
