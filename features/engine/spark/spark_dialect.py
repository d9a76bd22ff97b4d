"""The SQL of the embedded engine in Spark's dialect, translated by its syntax tree.

sqlglot knows most differences. What it does not know, or translates into something that means nearly the same, is
here; a function that neither knows is left as it is, and Spark refuses the query: nothing is silently different.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from sqlglot import exp, parse_one

END_OF_TIME = "9999-12-31 23:59:59.999999"
"""Spark has no infinite timestamp; every accepted instant is before the year 2100."""


@cache
def to_spark(sql: str) -> str:
    """An expression or a query of the embedded engine, in Spark's dialect."""
    return write_spark(parse_one(sql, read="duckdb"))


def write_spark(tree: exp.Expr) -> str:
    """The SQL of a syntax tree in Spark's dialect; the tree is changed."""
    for node in reversed(list(tree.walk())):  # inner nodes first: replacing a node replaces its parts
        translated = _translated(node)
        if node is tree:
            tree = translated
        elif translated is not node:
            node.replace(translated)
    return tree.sql("spark")


def with_parameters(tree: exp.Expr, values: Sequence[object]) -> exp.Expr:
    """The tree with the values in the places of its ``?``: texts, numbers, and lists of texts."""
    for placeholder, value in zip(list(tree.find_all(exp.Placeholder)), values, strict=True):
        placeholder.replace(exp.convert(value))
    return tree


def _translated(node: exp.Expr) -> exp.Expr:
    """The differences between the dialects that sqlglot does not translate."""
    translate = _NODES.get(type(node))
    return translate(node) if translate else node


def _order(node: exp.Expr) -> exp.Expr:
    return exp.Order(this=node.this, expressions=[part for ordered in node.expressions for part in _parts(ordered)])


def _parts(ordered: exp.Expr) -> list[exp.Expr]:
    """The order by a row as the order by its columns: inside a row a null is the largest value, in Spark the least."""
    row, desc = ordered.this, ordered.args.get("desc")
    if isinstance(row, exp.Anonymous) and row.name.upper() == "STRUCT":
        return [exp.Ordered(this=column, desc=desc, nulls_first=bool(desc)) for column in row.expressions]
    return [ordered]


_QUALIFIES = "_qualifies"


def _without_qualify(select: exp.Expr) -> exp.Expr:
    """A condition on windows as a column of a subquery; the order and the limit stay outside."""
    if not isinstance(select, exp.Select) or not select.args.get("qualify"):
        return select
    outer = {name: select.args.get(name) for name in ("order", "limit", "offset")}
    for name in outer:
        select.set(name, None)
    condition = select.args["qualify"].this
    select.set("qualify", None)
    select.append("expressions", exp.alias_(condition, _QUALIFIES))
    star = exp.Star(**{"except_": [exp.to_identifier(_QUALIFIES)]})
    result = exp.select(star).from_(select.subquery("q")).where(exp.column(_QUALIFIES))
    for name, value in outer.items():
        result.set(name, value)
    return result


def _date_difference(node: exp.Expr) -> exp.Expr:
    """The days between two dates; what a literal date is taken from is a date."""
    first, second = node.this, node.expression
    if second.is_type("date"):
        return exp.Anonymous(this="DATEDIFF", expressions=[first, second])
    return node


def _whole_match(node: exp.Expr) -> exp.Expr:
    pattern = exp.Literal.string(f"^(?:{node.expression.name})$")
    return exp.RegexpLike(this=node.this, expression=pattern)


def _known_at_extreme(node: exp.Expr) -> exp.Expr:
    """DuckDB leaves out rows whose value is null; Spark does not."""
    known = exp.Not(this=exp.Is(this=node.this.copy(), expression=exp.Null()))
    parent = node.parent
    if isinstance(parent, exp.Filter):
        condition = parent.expression.this
        condition.replace(exp.and_(known, condition.copy()))
        return node
    return exp.Filter(this=node.copy(), expression=exp.Where(this=known))


def _naive(node: exp.Expr) -> exp.Expr:
    """An instant with a zone as UTC: the session's zone is UTC."""
    return exp.cast(node.this, exp.DataType.Type.TIMESTAMPNTZ)


def _cast(node: exp.Expr) -> exp.Expr:
    if isinstance(node.this, exp.Literal) and node.this.name == "infinity":
        return exp.cast(exp.Literal.string(END_OF_TIME), exp.DataType.Type.TIMESTAMPNTZ)
    return node


def _data_type(node: exp.Expr) -> exp.Expr:
    """Spark's widest whole number is a decimal."""
    return exp.DataType.build("DECIMAL(38, 0)") if node.this is exp.DataType.Type.INT128 else node


def _truncated(node: exp.Expr) -> exp.Expr:
    """A number without its fraction; a cast to a whole number would fail on a large one."""
    value = node.this
    if node.args.get("decimals") is not None:
        return node
    return exp.paren(
        exp.Sub(this=value.copy(), expression=exp.Mod(this=value.copy(), expression=exp.Literal.number(1)))
    )


def _any_known(node: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="ANY_VALUE", expressions=[node.this, exp.true()])


def _list(node: exp.Expr) -> exp.Expr:
    """A list of values; of no values there is none. DuckDB orders inside the call, Spark sorts what it collected."""
    values, parent = node.this, node.parent
    is_sorted = isinstance(values, exp.Order)
    collected: exp.Expr = exp.ArrayAgg(this=values.this if is_sorted else values)
    if isinstance(parent, exp.Filter):
        collected = exp.Filter(this=collected, expression=parent.expression.copy())
    result = exp.Anonymous(this="SORT_ARRAY", expressions=[collected]) if is_sorted else collected
    size = exp.Anonymous(this="SIZE", expressions=[collected.copy()])
    return exp.Case().when(exp.GT(this=size, expression=exp.Literal.number(0)), result)


def _condition_inside(node: exp.Expr) -> exp.Expr:
    """A list has its condition itself (``_list``)."""
    return node.this if isinstance(node.this, exp.Case) else node


def _nulls_inside(node: exp.Expr) -> exp.Expr:
    """The function that leaves nulls out says so itself (``_any_known``)."""
    return node.this if isinstance(node.this, exp.Anonymous) else node


def _window(node: exp.Expr) -> exp.Expr:
    """Spark has no condition on an aggregate over a window."""
    inner = node.this
    if isinstance(inner, exp.Filter) and isinstance(inner.this, exp.Count):
        counted = exp.Count(this=exp.Case().when(inner.expression.this.copy(), exp.Literal.number(1)))
        node.set("this", counted)
    return node


def _bounds(node: exp.Expr) -> exp.Expr:
    """Two comparisons: Spark 4.1 loses the columns of a BETWEEN in a view that a query reads twice."""
    low = exp.GTE(this=node.this.copy(), expression=node.args["low"])
    high = exp.LTE(this=node.this.copy(), expression=node.args["high"])
    return exp.paren(exp.and_(low, high))


def _replaced(node: exp.Expr) -> exp.Expr:
    """Spark replaces all matches, and writes groups of the pattern as ``$1``."""
    text = re.sub(r"\\(\d)", r"$\1", node.args["replacement"].name)
    parts = [node.this, node.expression, exp.Literal.string(text)]
    return exp.Anonymous(this="REGEXP_REPLACE", expressions=parts)


def _element(node: exp.Expr) -> exp.Expr:
    """An element of a list by a number from one on; sqlglot knows only literal numbers."""
    (index,) = node.expressions
    if isinstance(node.this, exp.Array) and not isinstance(index, exp.Literal):
        return exp.Anonymous(this="TRY_ELEMENT_AT", expressions=[node.this, index])
    return node


def _weekday(node: exp.Expr) -> exp.Expr:
    if node.this.name.upper() == "ISODOW":
        return exp.Extract(this=exp.var("DAYOFWEEK_ISO"), expression=node.expression)
    return node


def _without_materialized(node: exp.Expr) -> exp.Expr:
    return exp.CTE(this=node.this, alias=node.args["alias"])


_RENAMED = {"EPOCH_US": "UNIX_MICROS", "ROW": "STRUCT", "STRLEN": "OCTET_LENGTH", "HASH": "XXHASH64"}


def _function(node: exp.Expr) -> exp.Expr:
    name = node.name.upper()
    if name in _RENAMED:
        return exp.Anonymous(this=_RENAMED[name], expressions=node.expressions)
    if name == "PRODUCT":
        return _product(node)
    if name == "ISFINITE":
        (value,) = node.expressions
        infinite = exp.EQ(
            this=exp.Abs(this=value.copy()), expression=exp.cast(exp.Literal.string("Infinity"), "double")
        )
        return exp.paren(exp.Not(this=exp.paren(exp.or_(exp.Anonymous(this="ISNAN", expressions=[value]), infinite))))
    if name == "STRIP_ACCENTS":
        accented, plain = accents()
        texts = [exp.Literal.string(accented), exp.Literal.string(plain)]
        return exp.Anonymous(this="TRANSLATE", expressions=[*node.expressions, *texts])
    return node


def _infinite(node: exp.Expr) -> exp.Expr:
    """By its text, because a number may be infinite and an instant, in Spark, may not."""
    return exp.In(
        this=exp.cast(node.this, exp.DataType.Type.TEXT),
        expressions=[exp.Literal.string(f"{sign}Infinity") for sign in ("", "-")],
    )


def _made_timestamp(node: exp.Expr) -> exp.Expr:
    """``make_timestamp`` of microseconds is an instant without a zone, as all are that are read."""
    if node.args.get("scale") is None:
        return node
    return exp.cast(node.copy(), exp.DataType.Type.TIMESTAMPNTZ)


def _product(node: exp.Expr) -> exp.Expr:
    """The values multiplied one by one; of no values there is no product."""
    (value,) = node.expressions
    values = exp.Anonymous(this="SORT_ARRAY", expressions=[exp.ArrayAgg(this=exp.cast(value, "double"))])
    times = exp.Lambda(
        this=exp.Mul(this=exp.column("x"), expression=exp.column("y")),
        expressions=[exp.to_identifier("x"), exp.to_identifier("y")],
    )
    product = exp.Anonymous(this="AGGREGATE", expressions=[values, exp.cast(exp.Literal.number(1), "double"), times])
    known = exp.GT(this=exp.Count(this=value.copy()), expression=exp.Literal.number(0))
    return exp.Case().when(known, product)


@cache
def accents() -> tuple[str, str]:
    """Letters with accents and the same without, and after these the marks that are left out."""
    pairs = {}
    for code in range(0xC0, 0x2000):
        parts = unicodedata.normalize("NFD", chr(code))
        if len(parts) > 1 and all(unicodedata.combining(mark) for mark in parts[1:]):
            pairs[chr(code)] = parts[0]
    marks = "".join(chr(code) for code in range(0x300, 0x370))
    return "".join(pairs) + marks, "".join(pairs.values())


_NODES: Mapping[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.Order: _order,
    exp.Select: _without_qualify,
    exp.Filter: _condition_inside,
    exp.IgnoreNulls: _nulls_inside,
    exp.Anonymous: _function,
    exp.CTE: _without_materialized,
    exp.SimilarTo: _whole_match,
    exp.Sub: _date_difference,
    exp.AnyValue: _any_known,
    exp.ArrayAgg: _list,
    exp.Window: _window,
    exp.ArgMax: _known_at_extreme,
    exp.ArgMin: _known_at_extreme,
    exp.AtTimeZone: _naive,
    exp.IsInf: _infinite,
    exp.UnixToTime: _made_timestamp,
    exp.Cast: _cast,
    exp.DataType: _data_type,
    exp.Between: _bounds,
    exp.RegexpReplace: _replaced,
    exp.Bracket: _element,
    exp.Extract: _weekday,
    exp.Trunc: _truncated,
}
