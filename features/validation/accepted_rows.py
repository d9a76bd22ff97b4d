"""What a report says of accepted rows: their number, their first and last day, and their empty values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from features.contract import Table
from features.validation.incoming_table import IncomingTable


@dataclass(frozen=True)
class AcceptedRows:
    """The first and last day of some rows, and their number.

    ``empty`` is how many have no value, by column in which that has a meaning.
    """

    first: date | None = None
    last: date | None = None
    count: int = 0
    empty: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> list[Any]:
        """Plain JSON values."""
        return [*(day and day.isoformat() for day in (self.first, self.last)), self.count, dict(self.empty)]

    @classmethod
    def from_json(cls, values: Sequence[Any]) -> AcceptedRows:
        """The rows from their JSON values."""
        first, last, count, empty = values
        begin, end = (date.fromisoformat(day) if day else None for day in (first, last))
        return cls(begin, end, count, empty)

    @classmethod
    def of_row(cls, table: Table, row: Sequence[Any]) -> AcceptedRows:
        """The result of :func:`described_rows`."""
        first, last, count, *empty = row
        return cls(first, last, count, dict(zip(_with_empty(table), empty, strict=True)))

    @classmethod
    def together(cls, rows: Iterable[AcceptedRows]) -> AcceptedRows:
        """All of these rows."""
        some = list(rows)
        empty: dict[str, int] = {}
        for part in some:
            for column, count in part.empty.items():
                empty[column] = empty.get(column, 0) + count
        first = min((part.first for part in some if part.first), default=None)
        last = max((part.last for part in some if part.last), default=None)
        return cls(first, last, sum(part.count for part in some), empty)


def described_rows(incoming: IncomingTable, condition: str = "") -> str:
    """The select list that describes the rows ``s`` (that meet a condition) as :class:`AcceptedRows`."""
    columns, table = incoming.columns, incoming.table
    event = columns[table.event_time] if table.event_time else "NULL"
    only = f" FILTER ({condition})" if condition else ""
    counts = [f"count(*){only} - count({columns[name]}){only}" for name in _with_empty(table)]
    days = [f"CAST({bound}({event}){only} AS DATE)" for bound in ("min", "max")]
    return ", ".join([*days, f"count(*){only}", *counts])


def _with_empty(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.empty_means]
