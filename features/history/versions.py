"""The contract's clocks in SQL: what one thing is, which of its versions is newest, and on which day we knew it."""

from collections.abc import Sequence
from datetime import date

from features.contract import Table

EPOCH = date(1970, 1, 1)
"""The day from which days are counted."""

FOREVER = 2**30
"""A day number after every other: the version is still the newest."""


def literal(day: date) -> str:
    """A day as SQL."""
    return f"DATE '{day.isoformat()}'"


def as_columns(table: Table, given: frozenset[str]) -> str:
    """The select list that brings given columns to the contract's names and types, and the others to NULL."""
    return ", ".join(
        f'CAST({_quoted(column.name) if column.name in given else "NULL"} AS {column.kind}) AS "{column.name}"'
        for column in table.columns
    )


def key_of(table: Table) -> str:
    """What tells one thing from another: the contract's key, or the event's own id where it has one."""
    if table.name != "ticket_events":
        return ", ".join(_quoted(part) for part in table.key)
    return ", ".join(["event_id", *(f"CASE WHEN event_id IS NULL THEN {_quoted(part)} END" for part in table.key)])


def known_on(table: Table) -> str:
    """The day on which a row was known: it counts at cutoffs after that day, so ``known_on < cutoff``."""
    known = f"CAST(coalesce(known_at, {table.event_time}) AS DATE)"
    return f"greatest(day, {known})" if table.name == "usage_daily" else known


def known_moment(table: Table) -> str:
    """The instant at which a row was known: its ``known_at``, else when it happened."""
    return f"coalesce(known_at, CAST({table.event_time} AS TIMESTAMP))"


def order_of(table: Table, names: Sequence[str] | None = None) -> str:
    """From the oldest version of a thing to its newest; one instant's ties are settled by the rows' own content.

    ``names`` are the columns that are read, where not all are.
    """
    return f"row({known_moment(table)}, {', '.join(_quoted(name) for name in names or table.names)})"


def _quoted(name: str) -> str:
    return f'"{name}"'
