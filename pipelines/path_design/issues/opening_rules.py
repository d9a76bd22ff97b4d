"""Rules over the columns of a new ticket: applied to arrays, and written as a condition of the policy.

A rule is a conjunction of few tests, so that a person can check it on a ticket. Both forms mean the same: a missing
value fulfils a test only where the test says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from features.quoting import quote_name, quote_text
from pipelines.path_design.issues.ticket_outcomes import EMPTY

if TYPE_CHECKING:
    from pipelines.path_design.issues.ticket_outcomes import TicketFlags, TicketTable


@dataclass(frozen=True)
class ValueTest:
    """A column has one of these values, or none of them; "" stands for a missing value."""

    column: str
    values: tuple[str, ...]
    one_of: bool = True

    def holds(self, tickets: TicketTable) -> TicketFlags:
        """Whether each ticket passes."""
        codes, names = tickets.coded(self.column)
        inside = np.array([name in self.values for name in names], dtype=bool)[codes]
        return inside if self.one_of else ~inside

    def sql(self) -> str:
        """The test as a condition of the policy."""
        name, values = _column(self.column), [value for value in self.values if value != EMPTY]
        missing, listed = EMPTY in self.values, ", ".join(quote_text(value) for value in values)
        if self.one_of:
            parts = [_equal(name, values, listed)] if values else []
            parts += [f"{name} IS NULL"] if missing else []
            return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"
        if not values:
            return f"{name} IS NOT NULL"
        outside = f"{name} <> {listed}" if len(values) == 1 else f"{name} NOT IN ({listed})"
        return outside if missing else f"({name} IS NULL OR {outside})"


@dataclass(frozen=True)
class RangeTest:
    """A number lies above ``low`` and at or below ``high``; a missing number passes no test."""

    column: str
    low: float = -np.inf
    high: float = np.inf

    def holds(self, tickets: TicketTable) -> TicketFlags:
        """Whether each ticket passes."""
        values = tickets.numbers[self.column]
        return (values > self.low) & (values <= self.high)

    def sql(self) -> str:
        """The test as a condition of the policy."""
        name = _column(self.column)
        low = [f"{name} > {self.low:g}"] if np.isfinite(self.low) else []
        return " AND ".join([*low, *([f"{name} <= {self.high:g}"] if np.isfinite(self.high) else [])])


@dataclass(frozen=True)
class Rule:
    """Tests that all have to hold."""

    tests: tuple[ValueTest | RangeTest, ...]

    def holds(self, tickets: TicketTable) -> TicketFlags:
        """Whether each ticket fulfils the rule."""
        result = np.ones(len(tickets), dtype=bool)
        for test in self.tests:
            result &= test.holds(tickets)
        return result

    def sql(self) -> str:
        """The rule as a condition of the policy."""
        return " AND ".join(test.sql() for test in self.tests)


def any_rule(rules: Iterable[Rule], tickets: TicketTable) -> TicketFlags:
    """Whether each ticket fulfils at least one rule."""
    result = np.zeros(len(tickets), dtype=bool)
    for rule in rules:
        result |= rule.holds(tickets)
    return result


def any_rule_sql(rules: Iterable[Rule]) -> str:
    """The condition that at least one rule holds."""
    written = [rule.sql() for rule in rules]
    return written[0] if len(written) == 1 else " OR ".join(f"({text})" for text in written)


def _equal(name: str, values: list[str], listed: str) -> str:
    return f"{name} = {listed}" if len(values) == 1 else f"{name} IN ({listed})"


def _column(name: str) -> str:
    """A column as a condition writes it; a word of SQL has to be quoted."""
    return quote_name(name) if name in ("group",) else name
