"""A condition in words: what each column means, and the values that it may have.

    >>> say_condition("tickets_open >= 5 AND segment IN ('mid', 'smb')", {"tickets_open": "tickets open now"})
    'tickets open now: 5 or more; segment: mid or smb'

The text says what a condition tests, for people who do not write conditions. Where a part has no words, it stays as it
is written.
"""

from collections.abc import Collection, Mapping

import sqlglot
from sqlglot import exp

_BOUNDS: Mapping[type[exp.Expr], str] = {
    exp.EQ: "{}",
    exp.NEQ: "not {}",
    exp.GT: "more than {}",
    exp.GTE: "{} or more",
    exp.LT: "less than {}",
    exp.LTE: "{} or less",
}


def say_condition(text: str, meanings: Mapping[str, str], shares: Collection[str] = ()) -> str:
    """The condition ``text`` in words; ``meanings`` are phrases by column, ``shares`` the columns shown as percent."""
    return _Words(meanings, frozenset(shares)).say(sqlglot.parse_one(text, read="duckdb"))


class _Words:
    """Says the nodes of a condition, from the outermost to the columns and values."""

    def __init__(self, meanings: Mapping[str, str], shares: frozenset[str]) -> None:
        self.meanings, self.shares = meanings, shares

    def say(self, node: exp.Expr) -> str:
        """The node in words."""
        if isinstance(node, exp.And):
            return "; ".join(self._part(side) for side in (node.this, node.expression))
        if isinstance(node, exp.Or):
            return ", or ".join(self._part(side) for side in (node.this, node.expression))
        if isinstance(node, exp.Paren):
            return self.say(node.this)
        if isinstance(node, exp.Not):
            inner = node.this.unnest()
            test = self._test(inner)
            known = test and isinstance(inner, exp.Is)
            return f"{str(test).removesuffix('unknown')}known" if known else f"not ({self.say(inner)})"
        return self._test(node) or node.sql("duckdb")

    def _part(self, node: exp.Expr) -> str:
        """A side of AND or OR; in brackets where it joins parts in another way."""
        inner = node.unnest()
        joined = isinstance(inner, exp.And | exp.Or) and type(inner) is not type(node.parent)
        return f"({self.say(inner)})" if joined else self.say(inner)

    def _test(self, node: exp.Expr) -> str | None:
        """A comparison of one column with values; ``None`` for everything else."""
        column = node.this
        if not isinstance(column, exp.Column):
            return None
        bound = self._bound(node, column.name.lower())
        return None if bound is None else f"{self.meanings.get(column.name.lower(), column.name)}: {bound}"

    def _bound(self, node: exp.Expr, column: str) -> str | None:
        if isinstance(node, exp.Between):
            low, high = (self._value(node.args[side], column) for side in ("low", "high"))
            return f"{low} to {high}" if low and high else None
        if isinstance(node, exp.In):
            values = [self._value(value, column) for value in node.expressions]
            return " or ".join(map(str, values)) if values and all(values) else None
        if isinstance(node, exp.Is):
            return "unknown" if isinstance(node.expression, exp.Null) else None
        pattern, value = _BOUNDS.get(type(node)), self._value(node.expression, column) if node.expression else None
        return pattern.format(value) if pattern and value else None

    def _value(self, node: exp.Expr, column: str) -> str | None:
        """A number as people write it, or a text; ``None`` where it is computed."""
        sign, inner = ("−", node.this) if isinstance(node, exp.Neg) else ("", node)
        if not isinstance(inner, exp.Literal):
            return None
        if inner.is_string:
            return str(inner.name)
        number = float(inner.name)
        return f"{sign}{number:.0%}" if column in self.shares and number < 1 else f"{sign}{number:,.10g}"
