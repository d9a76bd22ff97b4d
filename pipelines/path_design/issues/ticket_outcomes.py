"""Tickets as they were opened, and what became of each within some days.

A ticket that was opened too recently has no outcome yet and is left out: it is unknown, not "not escalated".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

import numpy as np

from features.quoting import quote_name
from pipelines.night.ticket_counts import opened_tickets

if TYPE_CHECKING:
    from features.history.history import History
    from pipelines.path_design.issues.opening_columns import OpeningColumn

TicketFlags = np.ndarray[tuple[int], np.dtype[np.bool_]]
TicketNumbers = np.ndarray[tuple[int], np.dtype[np.float64]]
Texts = np.ndarray[tuple[int], np.dtype[np.object_]]

NUMBERS_OF_ID = "list_transform(regexp_extract_all(event_id, '[0-9]+'), lambda x: TRY_CAST(x AS HUGEINT))"
"""The order of events of one instant: by the numbers in their ids, so that 2 comes before 10. Another order would let a
ticket move to and fro between its groups."""

EMPTY = ""
"""A text that is missing."""

DEFINITIONS: Mapping[str, str] = {
    "escalated": "an escalation was recorded",
    "moved": "moved to another group",
    "moved_twice": "moved to another group at least twice",
    "moved_three_times": "moved to another group at least three times",
    "priority_raised": "priority raised",
    "reopened": "reopened",
    "sla_missed": "SLA missed",
    "handed_on": "not resolved by its first group: moved, escalated or reopened",
}
"""What may count as the outcome to be found at the opening."""

RANKS = {"low": 0, "normal": 1, "high": 2, "urgent": 3}


@dataclass(frozen=True)
class TicketTable:
    """Tickets in the order in which they were opened, with arrays of equal length.

    Attributes:
        ids: ticket ids.
        opened_at: when each was opened (``datetime64[us]``).
        cluster: the account of each; a ticket without one is a cluster of its own. Intervals draw clusters.
        texts: the categorical columns that were known at the opening; missing is "".
        numbers: the numeric ones; missing is NaN.
        outcomes: by definition, whether it came true within the days.
        hours: from opening to the first resolution; NaN if it was not resolved within the days.
        group: the first group, and ``resolver`` the group that resolved it; missing is "".
    """

    ids: Texts
    opened_at: np.ndarray[tuple[int], np.dtype[np.datetime64]]
    cluster: np.ndarray[tuple[int], np.dtype[np.int64]]
    texts: Mapping[str, Texts]
    numbers: Mapping[str, TicketNumbers]
    outcomes: Mapping[str, TicketFlags]
    hours: TicketNumbers
    group: Texts
    resolver: Texts
    _codes: dict[str, tuple[np.ndarray[tuple[int], np.dtype[np.int64]], list[str]]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, chosen: TicketFlags) -> TicketTable:
        """The tickets that are chosen, in their order."""
        return TicketTable(
            self.ids[chosen],
            self.opened_at[chosen],
            self.cluster[chosen],
            {name: values[chosen] for name, values in self.texts.items()},
            {name: values[chosen] for name, values in self.numbers.items()},
            {name: values[chosen] for name, values in self.outcomes.items()},
            self.hours[chosen],
            self.group[chosen],
            self.resolver[chosen],
        )

    def coded(self, column: str) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], list[str]]:
        """A categorical column as places in the list of its values; computed once."""
        if column not in self._codes:
            names, places = np.unique(self.texts[column].astype(str), return_inverse=True)
            self._codes[column] = (places, names.tolist())
        return self._codes[column]

    def months(self) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
        """The calendar month of each opening."""
        return self.opened_at.astype("datetime64[M]")


@dataclass
class _Course:
    """What happened to one ticket within the days."""

    group: str
    priority: str
    moves: int = 0
    escalated: bool = False
    reopened: bool = False
    raised: bool = False
    breached: bool = False
    solved_at: datetime | None = None
    resolver: str = EMPTY

    def take(self, event: Mapping[str, object]) -> None:
        kind, value, group = str(event["kind"]), str(event["value"] or EMPTY), str(event["team"] or EMPTY)
        if group and group != self.group:
            self.moves += bool(self.group)
            self.group = group
        if kind == "priority" and value in RANKS:
            self.raised |= bool(self.priority in RANKS and RANKS[value] > RANKS[self.priority])
            self.priority = value
        self.escalated |= kind == "escalated" or (kind == "status" and value == "escalated")
        self.reopened |= kind == "reopened" or (kind == "status" and value == "reopened")
        self.breached |= kind == "sla_breached"
        if kind in ("solved", "closed") and self.solved_at is None:
            self.solved_at, self.resolver = event["occurred_at"], self.group  # type: ignore[assignment]


OUTCOMES: Mapping[str, Callable[[_Course], bool]] = {
    "escalated": lambda it: it.escalated,
    "moved": lambda it: it.moves >= 1,
    "moved_twice": lambda it: it.moves >= 2,
    "moved_three_times": lambda it: it.moves >= 3,
    "priority_raised": lambda it: it.raised,
    "reopened": lambda it: it.reopened,
    "sla_missed": lambda it: it.breached,
    "handed_on": lambda it: bool(it.moves or it.escalated or it.reopened),
}


def read_tickets(history: History, columns: Sequence[OpeningColumn], within_days: int) -> TicketTable:
    """Every ticket whose outcome is known: opened at least ``within_days`` before the end of the data."""
    used = [column for column in columns if column.used]
    names = [column.name for column in used if column.name not in ("opened_hour", "opened_weekday")]
    until = datetime.combine(history.until, time.min) - timedelta(days=within_days)
    rows = history.query(
        f"SELECT * FROM ({opened_tickets(history, ['priority', 'group', *names])}) "
        f"WHERE opened_at <= TIMESTAMP '{until}' AND ticket_id NOT IN ({_merged(history)}) "
        "ORDER BY opened_at, ticket_id"
    )
    courses = _courses(history, rows.to_pylist(), within_days)
    opened = rows["opened_at"].to_numpy().astype("datetime64[us]")
    text_names = [column.name for column in used if not column.number]
    number_names = [column.name for column in used if column.number]
    return TicketTable(
        ids=np.array(rows["ticket_id"].to_pylist(), dtype=object),
        opened_at=opened,
        cluster=_clusters(rows["account_id"].to_pylist()),
        texts={name: _texts(rows[name].to_pylist()) for name in text_names},
        numbers={name: np.array(rows[name].to_pylist(), dtype=np.float64) for name in number_names},
        outcomes={name: np.array([true(it) for it in courses], dtype=bool) for name, true in OUTCOMES.items()},
        hours=_hours(courses, rows["opened_at"].to_pylist()),
        group=_texts(rows["group"].to_pylist()),
        resolver=np.array([it.resolver for it in courses], dtype=object),
    )


def _merged(history: History) -> str:
    """The SQL of tickets that were merged into others: what became of them is known of the other ticket only."""
    rows = "SELECT ticket_id FROM tickets WHERE merged_into IS NOT NULL"
    if "ticket_events" in history.present:
        rows += " UNION SELECT ticket_id FROM ticket_events WHERE kind = 'merged'"
    return rows


def _texts(values: Sequence[str | None]) -> Texts:
    return np.array([EMPTY if value is None else value for value in values], dtype=object)


def _clusters(accounts: Sequence[str | None]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    numbers: dict[object, int] = {}
    keys = [account if account is not None else (place,) for place, account in enumerate(accounts)]
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def _courses(history: History, tickets: Sequence[Mapping[str, object]], within_days: int) -> list[_Course]:
    """What happened to each ticket within the days, in the order of the tickets."""
    by_id = {row["ticket_id"]: _Course(str(row["group"] or EMPTY), str(row["priority"] or EMPTY)) for row in tickets}
    if "ticket_events" in history.present:
        limits = {row["ticket_id"]: row["opened_at"] + timedelta(days=within_days) for row in tickets}  # type: ignore[operator]
        for event in _events(history):
            limit = limits.get(event["ticket_id"])
            if limit is not None and event["occurred_at"] <= limit:  # type: ignore[operator]
                by_id[event["ticket_id"]].take(event)
    return list(by_id.values())


def _events(history: History) -> list[dict[str, object]]:
    """The events that say what became of a ticket, in their order, with the team that had it after each."""
    given = history.columns["ticket_events"]
    value = "value" if "value" in given else "NULL"
    team = quote_name("group") if "group" in given else f"CASE WHEN kind = 'assigned' THEN {value} END"
    own = f"{NUMBERS_OF_ID}, event_id, " if "event_id" in given else ""
    rows: list[dict[str, object]] = history.query(
        f"SELECT ticket_id, occurred_at, kind, {value} AS value, {team} AS team FROM ticket_events "
        "WHERE kind IN ('assigned', 'escalated', 'reopened', 'priority', 'sla_breached', 'solved', 'closed', 'status') "
        f"ORDER BY occurred_at, ticket_id, {own}kind, value, team"
    ).to_pylist()
    return rows


def _hours(courses: Sequence[_Course], opened: Sequence[datetime]) -> TicketNumbers:
    solved = [
        (it.solved_at - at).total_seconds() / 3600 if it.solved_at else np.nan
        for it, at in zip(courses, opened, strict=True)
    ]
    return np.array(solved, dtype=np.float64)
