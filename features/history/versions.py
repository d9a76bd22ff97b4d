"""Versions of a record in SQL: what identifies it, which version is newest, and on which day each was known."""

from collections.abc import Sequence
from datetime import date

from features.contract import Table

EPOCH = date(1970, 1, 1)
"""The day from which days are counted."""

ALWAYS = "TIMESTAMP '1970-01-01'"
"""When a row was known that has neither ``known_at`` nor an event time: before every cutoff."""

FOREVER = 2**30
"""A day number after every other: the version is still the newest."""


def date_literal(day: date) -> str:
    """A day as SQL."""
    return f"DATE '{day.isoformat()}'"


def contract_columns(table: Table, given: frozenset[str]) -> str:
    """The select list of the contract's columns in their types; NULL for those that are not ``given``."""
    return ", ".join(
        f'CAST({_quoted(column.name) if column.name in given else "NULL"} AS {column.kind}) AS "{column.name}"'
        for column in table.columns
    )


def version_key(table: Table) -> str:
    """What identifies a record: the contract's key, or the row's own id where it has one."""
    key = [_quoted(part) for part in table.key]
    if table.own_id is None:
        return ", ".join(key)
    own = _quoted(table.own_id)
    return ", ".join([own, *(f"CASE WHEN {own} IS NULL THEN {part} END" for part in key)])


def known_day(table: Table) -> str:
    """The day on which a row was known: it counts at cutoffs after that day, so ``known_day < cutoff``."""
    known = f"CAST(coalesce(known_at, {table.event_time or ALWAYS}) AS DATE)"
    return f"greatest(day, {known})" if table.by_day else known


def known_instant(table: Table) -> str:
    """The instant at which a row was known: its ``known_at``, else when it happened."""
    return f"coalesce(known_at, CAST({table.event_time or ALWAYS} AS TIMESTAMP))"


def version_order(table: Table, names: Sequence[str] | None = None) -> str:
    """The order from the oldest version of a record to its newest; ties at one instant are broken by the rows' values.

    ``names`` are the columns that are read, where not all are.
    """
    return f"row({known_instant(table)}, {', '.join(_quoted(name) for name in names or table.names)})"


def _quoted(name: str) -> str:
    return f'"{name}"'
