"""The one small language of settings and the policy file: a condition over columns.

An author writes ``usage_trend_28d < -0.3 AND overdue_amount > 0 AND segment = 'enterprise'``. That text is parsed
by sqlglot and never run: this module rebuilds a condition from the few kinds of node it knows, with every name checked
against the columns there are and every literal quoted anew. What has no rule here cannot be written, so a condition
can neither read a file nor call a function nor ask a second question.

Unknown values follow SQL's three-valued logic exactly. Dividing by zero gives an unknown value.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Literal, NoReturn

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

from features.errors import nearest_name
from features.quoting import quote_name, quote_text

Kind = Literal["number", "text", "condition", "unknown"]
Columns = Mapping[str, tuple[str, Kind]]
"""What may be named: the written name, lower case -> (the column it stands for, its kind)."""

LONGEST = 4000
"""Characters in one condition: nobody can review a longer one."""
DEEPEST = 100
"""Nesting of one condition, far below where a parser would run out of stack."""


class ConditionError(ValueError):
    """A condition that cannot be used; the message is a clause that names what is wrong and what is allowed."""


def condition_problem(subject: str, error: ConditionError) -> str:
    """The sentence about a condition that cannot be used: ``subject`` names the condition."""
    return f"{subject} {error}{'' if str(error).endswith('?') else '.'}"


@dataclass(frozen=True)
class Condition:
    """A checked condition: as written, as rebuilt for the engine, and the columns it reads with their kinds."""

    text: str
    sql: str
    columns: Mapping[str, Kind]


POLICY_LISTING = "`rescue policy explain --columns` lists the columns"


def compile_condition(text: str, columns: Columns, *, listing: str = POLICY_LISTING) -> Condition:
    """Check one condition against the columns there are; :class:`ConditionError` says what is wrong with it.

    ``listing`` says where the columns are listed, for an unknown name that is near none.
    """
    tree = _parse(text)
    builder = _Builder(columns, listing)
    kind, sql = builder.build(tree)
    if kind == "unknown":
        raise ConditionError("is unknown for every account")
    if kind != "condition":
        raise ConditionError(f"is a {kind}, not a condition: compare it with something")
    return Condition(text.strip(), sql, dict(sorted(builder.used.items())))


def _parse(text: str) -> exp.Expr:
    if len(text) > LONGEST or _depth(text) > DEEPEST:
        raise ConditionError(f"is longer than {LONGEST} characters or nested deeper than {DEEPEST}: split it in two")
    try:
        trees = sqlglot.parse(text, read="duckdb")
    except ParseError as error:
        where = error.errors[0] if error.errors else {}
        raise ConditionError(f"cannot be read near character {where.get('col', 1)}: {_near(text, where)}") from None
    except (SqlglotError, RecursionError):
        raise ConditionError("cannot be read: is a quotation mark missing?") from None
    if len(trees) != 1 or trees[0] is None:
        raise ConditionError("must be one condition, without a semicolon" if trees[1:] else "is empty")
    return trees[0]


def _depth(text: str) -> int:
    deepest = depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return max(deepest, text.lower().split().count("not"))


def _near(text: str, where: Mapping[str, object]) -> str:
    start = max(0, int(str(where.get("col", 1))) - 12)
    return f"'… {text[start : start + 24].strip()} …'"


class _Builder:
    """Rebuilds a condition node by node, remembering the columns it read."""

    def __init__(self, columns: Columns, listing: str) -> None:
        self.columns = columns
        self.listing = listing
        self.used: dict[str, Kind] = {}

    def build(self, node: exp.Expr) -> tuple[Kind, str]:
        """The node's kind and its text for the engine; refused where no rule knows the node."""
        rule = _RULES.get(type(node))
        if rule is None:
            _refuse(node)
        return rule(self, node)

    def expect(self, node: exp.Expr, kind: Kind) -> str:
        """The node's text, given that it is of this kind (an unknown, NULL, is of any)."""
        found, sql = self.build(node)
        if found not in (kind, "unknown"):
            raise ConditionError(f"needs a {kind} where it has the {found} {node.sql('duckdb')}")
        return sql

    def alike(self, *nodes: exp.Expr) -> tuple[Kind, list[str]]:
        """The texts of nodes that have to be of one kind, numbers or texts."""
        built = [self.build(node) for node in nodes]
        kinds = {kind for kind, _ in built if kind != "unknown"}
        if len(kinds) > 1:
            operands = " with ".join(
                f"the {kind} {node.sql('duckdb')}" for node, (kind, _) in zip(nodes, built, strict=True)
            )
            raise ConditionError(f"compares {operands}")
        return (kinds.pop() if kinds else "unknown"), [sql for _, sql in built]


def _refuse(node: exp.Expr) -> NoReturn:
    if isinstance(node, exp.Func):
        name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
        raise ConditionError(f"uses the function {name.lower()}: only coalesce, abs and lower may be used")
    raise ConditionError(
        f"uses '{node.sql('duckdb')[:40]}', which is not allowed: write columns, numbers, texts, comparisons, "
        "BETWEEN, IN, LIKE, IS NULL, + - * /, AND, OR and NOT"
    )


def _column(builder: _Builder, node: exp.Expr) -> tuple[Kind, str]:
    written = node.sql("duckdb")
    found = builder.columns.get(node.name.lower()) if len(getattr(node, "parts", ())) == 1 else None
    if found is None:
        near = nearest_name(node.name, builder.columns)
        hint = f"did you mean {near}?" if near else builder.listing
        raise ConditionError(f"names the unknown column {written}; {hint}")
    name, kind = found
    builder.used[name] = kind
    return kind, quote_name(name)


def _literal(_: _Builder, node: exp.Expr) -> tuple[Kind, str]:
    if node.is_string:
        return "text", _quote_literal(node.name)
    number = float(node.name)
    if not isfinite(number):
        raise ConditionError(f"has the number {node.name}, which is too large")
    return "number", f"{number!r}::DOUBLE"


def _constant(_: _Builder, node: exp.Expr) -> tuple[Kind, str]:
    if isinstance(node, exp.Null):
        return "unknown", "NULL"
    return "condition", "TRUE" if node.this else "FALSE"


def _joined(word: str) -> Callable[[_Builder, exp.Expr], tuple[Kind, str]]:
    def rule(builder: _Builder, node: exp.Expr) -> tuple[Kind, str]:
        left, right = (builder.expect(side, "condition") for side in (node.this, node.expression))
        return "condition", f"({left} {word} {right})"

    return rule


def _compared(sign: str) -> Callable[[_Builder, exp.Expr], tuple[Kind, str]]:
    def rule(builder: _Builder, node: exp.Expr) -> tuple[Kind, str]:
        if isinstance(node.this, exp.Null) or isinstance(node.expression, exp.Null):
            raise ConditionError(f"compares with NULL ({node.sql('duckdb')}), which is never true: write IS NULL")
        _, (left, right) = builder.alike(node.this, node.expression)
        return "condition", f"({left} {sign} {right})"

    return rule


def _reckoned(sign: str) -> Callable[[_Builder, exp.Expr], tuple[Kind, str]]:
    def rule(builder: _Builder, node: exp.Expr) -> tuple[Kind, str]:
        left, right = (builder.expect(side, "number") for side in (node.this, node.expression))
        return "number", f"({left} {sign} {f'NULLIF({right}, 0)' if sign == '/' else right})"

    return rule


def _not(builder: _Builder, node: exp.Expr) -> tuple[Kind, str]:
    return "condition", f"(NOT {builder.expect(node.this, 'condition')})"


def _negative(builder: _Builder, node: exp.Expr) -> tuple[Kind, str]:
    return "number", f"(-{builder.expect(node.this, 'number')})"


def _paren(builder: _Builder, node: exp.Expr) -> tuple[Kind, str]:
    return builder.build(node.this)


def _between(builder: _Builder, node: exp.Expr) -> tuple[Kind, str]:
    if node.args.get("symmetric"):
        _refuse(node)
    _, (value, low, high) = builder.alike(node.this, node.args["low"], node.args["high"])
    return "condition", f"({value} BETWEEN {low} AND {high})"


def _in(builder: _Builder, node: exp.Expr) -> tuple[Kind, str]:
    if not node.expressions or any(node.args.get(part) for part in ("query", "unnest", "field")):
        _refuse(node)
    _, (value, *listed) = builder.alike(node.this, *node.expressions)
    return "condition", f"({value} IN ({', '.join(listed)}))"


def _is(builder: _Builder, node: exp.Expr) -> tuple[Kind, str]:
    right = node.expression
    if isinstance(right, exp.Null):
        return "condition", f"({builder.build(node.this)[1]} IS NULL)"
    if isinstance(right, exp.Boolean):
        return "condition", f"({builder.expect(node.this, 'condition')} IS {'TRUE' if right.this else 'FALSE'})"
    _refuse(node)


def _like(builder: _Builder, node: exp.Expr) -> tuple[Kind, str]:
    if not isinstance(node.expression, exp.Literal):
        _refuse(node)
    value, pattern = builder.expect(node.this, "text"), builder.expect(node.expression, "text")
    return "condition", f"({value} {'NOT LIKE' if node.args.get('negate') else 'LIKE'} {pattern})"


def _coalesce(builder: _Builder, node: exp.Expr) -> tuple[Kind, str]:
    kind, parts = builder.alike(node.this, *node.expressions)
    return kind, f"COALESCE({', '.join(parts)})"


def _abs(builder: _Builder, node: exp.Expr) -> tuple[Kind, str]:
    return "number", f"ABS({builder.expect(node.this, 'number')})"


def _lower(builder: _Builder, node: exp.Expr) -> tuple[Kind, str]:
    return "text", f"LOWER({builder.expect(node.this, 'text')})"


_RULES: Mapping[type[exp.Expr], Callable[[_Builder, exp.Expr], tuple[Kind, str]]] = {
    exp.Column: _column,
    exp.Literal: _literal,
    exp.Boolean: _constant,
    exp.Null: _constant,
    exp.Paren: _paren,
    exp.And: _joined("AND"),
    exp.Or: _joined("OR"),
    exp.Not: _not,
    exp.EQ: _compared("="),
    exp.NEQ: _compared("<>"),
    exp.GT: _compared(">"),
    exp.GTE: _compared(">="),
    exp.LT: _compared("<"),
    exp.LTE: _compared("<="),
    exp.Between: _between,
    exp.In: _in,
    exp.Is: _is,
    exp.Like: _like,
    exp.Neg: _negative,
    exp.Add: _reckoned("+"),
    exp.Sub: _reckoned("-"),
    exp.Mul: _reckoned("*"),
    exp.Div: _reckoned("/"),
    exp.Coalesce: _coalesce,
    exp.Abs: _abs,
    exp.Lower: _lower,
}


def _quote_literal(text: str) -> str:
    """A text as an SQL literal; a NUL would end it early and is refused."""
    if "\0" in text:
        raise ConditionError("has a NUL character in a text")
    return quote_text(text)
