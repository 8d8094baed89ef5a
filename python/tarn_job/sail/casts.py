"""Casts as Spark 3 computes them: a value that does not fit becomes null, and `5.0` as a whole number is 5.

Sail keeps to that for int, date and timestamp; for the other types it raises on a text that does not fit, whatever
`spark.sql.ansi.enabled` says. So casts are written differently before they are sent:

  double, float, decimal, boolean    try_cast
  tinyint, smallint                  try_cast of the cast to int
  bigint                             try_cast of a try_cast to decimal(38,18), which reads `5.0` and drops what is after the point

A Boolean cannot become a decimal in Sail, so a plan that is refused for that is sent again with a plain try_cast to bigint.
Comparisons that Sail itself casts for (`text > 1`) still raise; they are not written as casts.
"""
import re
from typing import Any

from pyspark.sql.types import DataType

from tarn_job import Unsupported

_TRIED = {"double", "float", "real", "boolean"}
_SMALL = {"tinyint", "byte", "smallint", "short"}
_LONG = {"bigint", "long"}
_WIDE = "decimal(38,18)"
_MARK = "/*exact*/"
_REFUSAL = "Unsupported TRY_CAST from Boolean"
_TOKEN = re.compile(r"""\s+|--[^\n]*|/\*.*?\*/|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`]|``)*`|[A-Za-z_]\w*|\d[\w.]*|.""", re.S)
_state = {"ansi": False}


def install() -> None:
    """Makes Column.cast and SQL text go through here, as long as ANSI mode is off (Spark 3's default, and Glue's)."""
    from pyspark.sql.connect.client.core import SparkConnectClient
    from pyspark.sql.connect.conf import RuntimeConf
    from pyspark.sql.connect.expressions import CastExpression, SQLExpression
    set_conf, to_plan, begin = RuntimeConf.set, CastExpression.to_plan, SQLExpression.__init__
    execute = SparkConnectClient._execute_and_fetch_as_iterator

    def noting(self, key, value):
        if key == "spark.sql.ansi.enabled":
            _state["ansi"] = str(value).lower() == "true"
        set_conf(self, key, value)

    def planned(self, session):
        inner = _lenient(self)
        return to_plan(self, session) if inner is None else to_plan(inner, session)

    def executing(self, request, *arguments, **named):
        if request.plan.command.WhichOneof("command_type") == "create_dataframe_view":
            _settle(self, request)  # Sail plans a view only when it is used, and then this request is gone
        try:
            answers = iter(execute(self, request, *arguments, **named))
            first = next(answers, None)
        except Exception as error:
            if _REFUSAL not in str(error) or not _settle(self, request):
                raise
            yield from execute(self, request, *arguments, **named)
            return
        if first is not None:
            yield first
            yield from answers

    RuntimeConf.set = noting
    CastExpression.to_plan = planned
    SQLExpression.__init__ = lambda self, expr: begin(self, in_text(expr) if isinstance(expr, str) else expr)
    SparkConnectClient._execute_and_fetch_as_iterator = executing


def _settle(client, request) -> bool:
    """Takes the step through a decimal out of those casts to bigint in a request that turn out to be of Booleans; says
    whether there were any. Each cast is tried by itself, so that one of a Boolean does not change another of text."""
    if _WIDE.encode() not in request.SerializeToString() or not _refused(client, request):
        return False
    count = _plainer(request, set(), [0])
    booleans = set()
    for one in range(count):
        trial = type(request)()
        trial.CopyFrom(request)
        _plainer(trial, set(range(count)) - {one}, [0])
        if _refused(client, trial):
            booleans.add(one)
    _plainer(request, booleans, [0])
    return bool(booleans)


def _refused(client, request) -> bool:
    command = request.plan.command
    kind = command.WhichOneof("command_type")
    relation = request.plan.root if kind is None else getattr(command, kind).input
    whole = type(request.plan)()
    whole.root.CopyFrom(relation)
    return _REFUSAL in client._analyze("explain", plan=whole, explain_mode="simple").explain_string


def _lenient(cast) -> Any:
    """The cast in the form that does not raise; None where Sail's own already does not."""
    from pyspark.sql.connect.expressions import CastExpression
    if _state["ansi"] or cast._eval_mode is not None:
        return None
    kind = cast._data_type.simpleString() if isinstance(cast._data_type, DataType) else cast._data_type.strip().lower()
    if kind in _TRIED or kind.startswith(("decimal", "dec(", "numeric")):
        return CastExpression(cast._expr, cast._data_type, "try")
    if kind in _SMALL:
        return CastExpression(CastExpression(cast._expr, "int", "legacy"), cast._data_type, "try")
    if kind in _LONG:
        return CastExpression(CastExpression(cast._expr, _WIDE, "try"), cast._data_type, "try")
    return None


def in_text(text: str) -> str:
    """SQL with its casts in the forms that do not raise. Text in quotes and comments is left alone."""
    if re.search(r"\bbround\s*\(", text, re.I):
        raise Unsupported("bround rounds wrongly on this engine; use round, or run the job with --engine spark")
    if _state["ansi"] or "cast" not in text.lower():
        return text
    tokens = [found.group() for found in _TOKEN.finditer(text)]
    _rewrite(tokens)
    return "".join(tokens)


def _rewrite(tokens: list[str]) -> None:
    open_casts: list[tuple[int, int, int]] = []  # where the word stands, how deep its parenthesis is, its last `as` there
    depth = 0
    for at, token in enumerate(tokens):
        lower = token.lower()
        if token == "(":
            depth += 1
            word = _before(tokens, at)
            if word is not None and tokens[word].lower() == "cast":
                open_casts.append((word, depth, -1))
        elif token == ")":
            if open_casts and open_casts[-1][1] == depth:
                word, _, place = open_casts.pop()
                if place >= 0:
                    _change(tokens, word, place, at)
            depth -= 1
        elif lower == "as" and open_casts and open_casts[-1][1] == depth:
            open_casts[-1] = (open_casts[-1][0], depth, at)


def _before(tokens: list[str], at: int):
    at -= 1
    while at >= 0 and tokens[at].isspace():
        at -= 1
    return at if at >= 0 else None


def _change(tokens: list[str], word: int, place: int, end: int) -> None:
    """Rewrites the one cast whose word, `as` and closing parenthesis stand at these places. Only texts of tokens change,
    never their number: the casts around it still have to be found."""
    kind = "".join(tokens[place + 1:end]).strip().lower()
    if kind in _TRIED or kind.startswith(("decimal", "dec(", "numeric")):
        tokens[word] = "try_cast"
    elif kind in _SMALL:
        tokens[word] = "try_cast(cast"
        tokens[place] = "as int) as"
    elif kind in _LONG:
        tokens[word] = f"try_cast(try_cast{_MARK}"
        tokens[place] = f"as {_WIDE}{_MARK}) as"


def _plainer(message: Any, wanted: set[int], seen: list[int]) -> int:
    """Takes the step through a decimal out of the casts to bigint whose numbers are wanted; returns how many there are.
    They are numbered in the order in which they stand in the message; `seen` is the count so far."""
    for field, value in message.ListFields():
        repeated = getattr(field, "is_repeated", None)
        if repeated is None:
            repeated = field.label == field.LABEL_REPEATED
        if field.message_type is not None:
            if not field.message_type.GetOptions().map_entry:
                for one in (list(value) if repeated else [value]):
                    _plainer(one, wanted, seen)
        elif not repeated and isinstance(value, str) and _MARK in value:
            setattr(message, field.name, _plainer_text(value, wanted, seen))
    if message.DESCRIPTOR.full_name == "spark.connect.Expression.Cast" and message.expr.WhichOneof("expr_type") == "cast" \
            and message.expr.cast.type_str == _WIDE:
        if seen[0] in wanted:
            inner = type(message.expr)()
            inner.CopyFrom(message.expr.cast.expr)
            message.expr.CopyFrom(inner)
        seen[0] += 1
    return seen[0]


def _plainer_text(text: str, wanted: set[int], seen: list[int]) -> str:
    """The same for SQL text. The halves of a rewritten cast are matched like parentheses."""
    first, last = f"try_cast(try_cast{_MARK}", f"as {_WIDE}{_MARK}) as"
    pieces, open_, place = [], [], 0
    for found in re.finditer(re.escape(first) + "|" + re.escape(last), text):
        pieces.append(text[place:found.start()])
        place = found.end()
        if found.group() == first:
            open_.append(seen[0] in wanted)
            seen[0] += 1
            pieces.append("try_cast" if open_[-1] else first)
        else:
            pieces.append("as" if open_.pop() else last)
    return "".join(pieces) + text[place:]
