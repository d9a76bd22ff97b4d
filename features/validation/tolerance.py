"""How much of a table may be in quarantine before the night stops: by default, by table, and by rule.

One share for everything would stop nights for normal reasons: a CRM from which accounts that left were purged has
invoices of accounts that it no longer knows, and that says nothing about the other rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from features.contract import TABLES
from features.errors import UsageError, suggest_name
from features.validation.rules import Rule

TOLERANCE = 0.05
"""The share of one table that may be in quarantine, unless the settings say otherwise."""

UNKNOWN_ACCOUNTS_TOLERANCE = 0.5
"""The share of one table whose rows may belong to accounts that are not (or no longer) in the source."""


@dataclass(frozen=True)
class Tolerance:
    """The limits; ``limits`` are by ``table``, ``rule`` or ``table.rule``."""

    default: float = TOLERANCE
    limits: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Tolerance | float) -> Tolerance:
        """The tolerance itself, or the one with this default."""
        return value if isinstance(value, Tolerance) else cls(value)

    @classmethod
    def from_settings(cls, values: Mapping[str, float | Mapping[str, float]]) -> Tolerance:
        """The tolerance from a table of settings, in which ``table.rule`` may be nested.

        Raises:
            UsageError: there is no such table or rule, or a share is not from 0 to 1.
        """
        flat: dict[str, float] = {}
        for name, value in values.items():
            entries = {f"{name}.{rule}": share for rule, share in value.items()} if isinstance(value, Mapping) else {}
            flat |= entries or {name: value}  # type: ignore[dict-item]  # a table has entries
        for name, share in flat.items():
            _check_name(name)
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
                raise UsageError(f"The setting tolerance.{name} must be a share from 0 to 1, not {share!r}.")
        return cls(flat.pop("default", TOLERANCE), flat)

    def of_table(self, table: str) -> float:
        """The share of a table's rows that may break any rule that has no limit of its own."""
        return self.limits.get(table, self.default)

    def of_rule(self, table: str, rule: Rule) -> float | None:
        """The share of a table's rows that may break a rule; ``None`` where the limit of the table holds for it."""
        own = self.limits.get(f"{table}.{rule}", self.limits.get(rule))
        if own is None and rule is Rule.UNKNOWN_ACCOUNT:
            return max(self.of_table(table), UNKNOWN_ACCOUNTS_TOLERANCE)
        return own


def _check_name(name: str) -> None:
    table, _, rule = name.rpartition(".")
    names = [*TABLES] if table else []
    if table and table not in TABLES:
        raise UsageError(f"tolerance: there is no table {table!r}; {suggest_name(table, names)}")
    rules = [rule.value for rule in Rule]
    known = rules if table else ["default", *TABLES, *rules]
    if rule not in known:
        raise UsageError(f"tolerance: {name!r} is neither a table nor a rule; {suggest_name(rule, known)}")
