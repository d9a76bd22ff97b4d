"""What a mapping's query does with each column: passes it on, or computes with it as a number, an instant or a text.

The values of CSV and JSON files are texts. A column that a query only passes on stays a text, and validation reads it
as it reads a file without a mapping. A column that it computes with needs a type, and this type must follow from the
query rather than from tonight's values: one ``N/A`` in a column of amounts, or a column that is empty tonight, would
otherwise change the type and make the query fail.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import sqlglot
from sqlglot import expressions as exp
from sqlglot.errors import SqlglotError


class ColumnUse(StrEnum):
    """What a query needs a column to be; ``COMPARED`` needs the type that its values evidently have."""

    TEXT = "text"
    NUMBER = "number"
    INSTANT = "instant"
    FLAG = "flag"
    COMPARED = "compared"


@dataclass(frozen=True)
class QueryUse:
    """The tables that a query reads, as it names them, and what it does with their columns; names in lower case.

    ``named`` are all columns that it names, of whichever table; ``None`` where it may read any (``SELECT *``).
    """

    tables: frozenset[str]
    columns: Mapping[str, frozenset[ColumnUse]]
    named: frozenset[str] | None = None


_CARRIERS = (
    *(exp.Paren, exp.Coalesce, exp.If, exp.Case, exp.Nullif, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue),
    *(exp.First, exp.Last, exp.AnyValue, exp.Window, exp.Filter, exp.Distinct, exp.WithinGroup, exp.IgnoreNulls),
)
"""Expressions with the type of their argument."""

_NUMBERS = (
    *(
        exp.Mul,
        exp.Div,
        exp.IntDiv,
        exp.Mod,
        exp.Neg,
        exp.Pow,
        exp.Sum,
        exp.Avg,
        exp.Round,
        exp.Abs,
        exp.Floor,
        exp.Ceil,
    ),
    *(exp.Median, exp.Stddev, exp.StddevSamp, exp.StddevPop, exp.Variance, exp.Sqrt, exp.Ln, exp.Exp, exp.Sign),
    *(exp.PercentileCont, exp.PercentileDisc, exp.Quantile),
)
_INSTANTS = (
    *(exp.DateTrunc, exp.TimestampTrunc, exp.DateDiff, exp.TimestampDiff, exp.DateAdd, exp.DateSub, exp.Extract),
    *(exp.Year, exp.Month, exp.Day, exp.Hour, exp.Quarter, exp.Week, exp.DayOfWeek, exp.DayOfYear, exp.LastDay),
    *(exp.TsOrDsAdd, exp.AtTimeZone),
)
_TEXTS = (
    *(exp.Like, exp.ILike, exp.RegexpLike, exp.RegexpExtract, exp.RegexpReplace, exp.DPipe, exp.Concat, exp.ConcatWs),
    *(exp.Upper, exp.Lower, exp.Trim, exp.Substring, exp.Replace, exp.StartsWith, exp.Left, exp.Right, exp.Length),
    *(exp.StrToTime, exp.StrToDate, exp.StrPosition, exp.SplitPart, exp.Split, exp.Initcap, exp.SimilarTo),
)
_COMPARISONS = (
    *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.NullSafeEQ, exp.NullSafeNEQ),
)
_IGNORED = (exp.Count, exp.Is, exp.Group, exp.Star, exp.CountIf, exp.ApproxDistinct)
_CONDITIONS = (exp.Where, exp.And, exp.Or, exp.Not, exp.Having, exp.Qualify)
_INSTANT_NAMES = ("date_part", "datepart", "datediff", "date_sub", "date_add", "age", "epoch", "epoch_us", "dayname")
_TEXT_NAMES = ("strptime", "try_strptime", "contains", "prefix", "suffix", "lpad", "rpad", "string_split", "instr")


def read_query(sql: str) -> QueryUse | None:
    """What a query does with the columns that it names; ``None`` where its SQL is understood by DuckDB only."""
    try:
        tree = sqlglot.parse_one(sql, dialect="duckdb")
    except SqlglotError:
        return None
    uses: dict[str, set[ColumnUse]] = defaultdict(set)
    aliases: set[tuple[str, str]] = set()
    for column in tree.find_all(exp.Column):
        use, alias = _use_of(column)
        if use is not None:
            uses[column.name.lower()].add(use)
        if alias is not None:
            aliases.add((column.name.lower(), alias.lower()))
    _follow_aliases(uses, aliases)
    named = {common.alias.lower() for common in tree.find_all(exp.CTE)}
    tables = (
        frozenset(".".join(part.name for part in table.parts).lower() for table in tree.find_all(exp.Table)) - named
    )
    return QueryUse(tables, {name: frozenset(found) for name, found in uses.items()}, _named_columns(tree))


def _named_columns(tree: exp.Expr) -> frozenset[str] | None:
    """The columns that a query names; ``None`` where it reads columns without naming them."""
    stars = (star for star in tree.find_all(exp.Star) if not isinstance(star.parent, exp.Count))
    joins = list(tree.find_all(exp.Join))
    aliases = {table.alias_or_name.lower() for table in tree.find_all(exp.Table)}
    names = {column.name.lower() for column in tree.find_all(exp.Column)}
    names |= {key.name.lower() for join in joins for key in join.args.get("using") or ()}
    whole = any(join.args.get("method") == "NATURAL" for join in joins) or tree.find(exp.Pivot, exp.Columns)
    return None if whole or any(stars) or names & aliases else frozenset(names)


def _follow_aliases(uses: dict[str, set[ColumnUse]], aliases: set[tuple[str, str]]) -> None:
    """A column that is passed on under another name is used as that name is."""
    changed = True
    while changed:
        changed = False
        for name, alias in aliases:
            if not uses.get(alias, set()) <= uses[name]:
                uses[name] |= uses[alias]
                changed = True


def _use_of(column: exp.Column) -> tuple[ColumnUse | None, str | None]:
    """The use of one mention of a column, and the alias under which it is passed on."""
    child: exp.Expr = column
    for parent in _ancestors(column):
        if isinstance(parent, (exp.Select, exp.SetOperation, exp.Subquery, *_IGNORED)):
            return None, None
        if isinstance(parent, exp.Alias):
            return None, parent.alias
        if isinstance(parent, exp.If) and parent.this is child and child is column:
            return ColumnUse.FLAG, None
        if not isinstance(parent, _CARRIERS):
            return _use_in(parent, child), None
        if isinstance(parent, exp.Window) and parent.this is not child:
            return (ColumnUse.COMPARED if isinstance(child, exp.Order) else None), None
        child = parent
    return None, None


def _ancestors(node: exp.Expr) -> Iterator[exp.Expr]:
    while (parent := node.parent) is not None:
        yield parent
        node = parent


def _use_in(parent: exp.Expr, child: exp.Expr) -> ColumnUse | None:
    """What an expression needs its operand to be."""
    for kinds, use in _BY_KIND:
        if isinstance(parent, kinds):
            return use(parent, child)
    return ColumnUse.COMPARED


def _cast_use(parent: exp.Expr, _child: exp.Expr) -> ColumnUse:
    to = parent.args["to"]
    if to.is_type(*exp.DataType.NUMERIC_TYPES):
        return ColumnUse.NUMBER
    if to.is_type(*exp.DataType.TEMPORAL_TYPES):
        return ColumnUse.INSTANT
    return ColumnUse.FLAG if to.is_type(exp.DataType.Type.BOOLEAN) else ColumnUse.TEXT


def _sum_use(parent: exp.Expr, child: exp.Expr) -> ColumnUse:
    other = parent.expression if parent.this is child else parent.this
    if other.find(exp.Interval):
        return ColumnUse.INSTANT
    number = isinstance(other, exp.Literal) and not other.is_string
    return ColumnUse.NUMBER if number else ColumnUse.COMPARED


def _comparison_use(parent: exp.Expr, child: exp.Expr) -> ColumnUse | None:
    """A comparison with a text for equality needs a text; with another column, what both evidently are."""
    others = [node for node in parent.iter_expressions() if node is not child]
    literals = [node for node in others if isinstance(node, exp.Literal)]
    equality = isinstance(parent, (exp.EQ, exp.NEQ, exp.In, exp.NullSafeEQ, exp.NullSafeNEQ))
    if others and len(literals) == len(others):
        if all(not literal.is_string for literal in literals):
            return ColumnUse.NUMBER
        return ColumnUse.TEXT if equality else ColumnUse.COMPARED
    if any(isinstance(node, exp.Boolean) for node in others):
        return ColumnUse.FLAG
    plain = all(isinstance(node, (exp.Column, exp.Window, exp.Subquery, exp.Select)) for node in others)
    return None if equality and plain else ColumnUse.COMPARED


def _function_use(parent: exp.Expr, _child: exp.Expr) -> ColumnUse:
    name = parent.name.lower()
    if name in _INSTANT_NAMES:
        return ColumnUse.INSTANT
    return ColumnUse.TEXT if name in _TEXT_NAMES else ColumnUse.COMPARED


def _always(use: ColumnUse | None) -> Callable[[exp.Expr, exp.Expr], ColumnUse | None]:
    return lambda _parent, _child: use


_BY_KIND: tuple[tuple[tuple[type[exp.Expr], ...], Callable[[exp.Expr, exp.Expr], ColumnUse | None]], ...] = (
    ((exp.Cast, exp.TryCast), _cast_use),
    ((exp.Add, exp.Sub), _sum_use),
    (_NUMBERS, _always(ColumnUse.NUMBER)),
    (_INSTANTS, _always(ColumnUse.INSTANT)),
    (_TEXTS, _always(ColumnUse.TEXT)),
    (_COMPARISONS, _comparison_use),
    (_CONDITIONS, _always(ColumnUse.FLAG)),
    ((exp.Anonymous,), _function_use),
)


def with_safe_casts(sql: str) -> str | None:
    """The query with casts that make a missing value of a value that they cannot read; ``None`` where it has none."""
    try:
        tree = sqlglot.parse_one(sql, dialect="duckdb")
    except SqlglotError:
        return None
    safe = tree.transform(_safe_cast).sql(dialect="duckdb")
    return safe if safe != tree.sql(dialect="duckdb") else None


def _safe_cast(node: exp.Expr) -> exp.Expr:
    if type(node) is exp.Cast:
        return exp.TryCast(this=node.this, to=node.args["to"])
    if isinstance(node, exp.StrToTime):
        written = exp.StrToTime(this=exp.Literal.string(""), format=node.args["format"])
        spelled = sqlglot.parse_one(written.sql(dialect="duckdb"), dialect=None).expressions[1]
        return exp.Anonymous(this="try_strptime", expressions=[node.this, spelled])
    return node
