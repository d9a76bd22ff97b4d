"""Which columns of tickets were known when a ticket was opened.

A column that is overwritten later (the final priority, the group that solved it) separates escalated tickets from
others perfectly, and tells a reader of a new ticket nothing. So a column is used only where its value at the opening is
known:

- In a table with ``known_at``, the first version of a ticket shows it, if that was known within a day of the opening.
- In a table without ``known_at``, a row shows the present state. Channel, subject, body and category are what the
  customer sent. Priority and group are used only if the ticket events show that the table does not follow them: of the
  tickets with a change, most differ from their last value. A company's own column is used if it is declared constant.
- Nothing else is used: no events, no resolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from features.contract import TABLES, TICKETS, ColumnType
from pipelines.night.ticket_counts import opened_tickets

if TYPE_CHECKING:
    from features.history.history import History

OF_THE_CUSTOMER = ("channel", "category")
CHANGED_BY_EVENTS = {"priority": "priority", "group": "assigned"}
"""Columns that a help desk overwrites, and the events that say so."""

TIMELY_DAYS = 1
LEAST_TIMELY = 0.8
LEAST_CHANGES = 20
OVERWRITTEN = 0.5
"""Share of changed tickets that show their last value, from which a column counts as overwritten."""


@dataclass(frozen=True)
class OpeningColumn:
    """A column of tickets: whether it was known at the opening, and why or why not, as a clause."""

    name: str
    title: str
    used: bool
    reason: str
    number: bool = False


def find_opening_columns(history: History) -> tuple[OpeningColumn, ...]:
    """Every column of tickets that could be a criterion, with the decision about it."""
    given = [name for name in _candidates() if name in history.columns.get("tickets", ())]
    versioned = "tickets" in history.versioned
    late = versioned and _timely_share(history) < LEAST_TIMELY
    found = [_of_versions(name, late) if versioned else _of_present_state(history, name) for name in given]
    hours = [
        OpeningColumn(name, title, used=True, reason="it follows from when the ticket was opened, in UTC", number=True)
        for name, title in (("opened_hour", "hour of opening, UTC"), ("opened_weekday", "weekday of opening"))
    ]
    return (*found, *hours)


def _candidates() -> tuple[str, ...]:
    own = [column.name for column in TABLES["tickets"].columns if column.name not in TICKETS.names]
    return (*OF_THE_CUSTOMER, *CHANGED_BY_EVENTS, *own)


def _title(name: str) -> str:
    column = TABLES["tickets"].column(name)
    return column.meaning if column.meaning and name not in TICKETS.names else name


def _is_number(name: str) -> bool:
    return TABLES["tickets"].column(name).kind in (ColumnType.NUMBER, ColumnType.WHOLE)


def _of_versions(name: str, late: bool) -> OpeningColumn:
    reason = "the first version of each ticket shows it"
    if late:
        reason = "most tickets became known more than a day after they were opened"
    return OpeningColumn(name, _title(name), not late, reason, _is_number(name))


def _of_present_state(history: History, name: str) -> OpeningColumn:
    column = TABLES["tickets"].column(name)
    if name in OF_THE_CUSTOMER:
        return OpeningColumn(name, _title(name), used=True, reason="it is taken as what the customer sent")
    if name in CHANGED_BY_EVENTS:
        used, reason = _not_overwritten(history, name, CHANGED_BY_EVENTS[name])
        return OpeningColumn(name, _title(name), used, reason)
    if column.changing:
        reason = "the table has no known_at, and the column is not declared constant"
        return OpeningColumn(name, _title(name), used=False, reason=reason)
    return OpeningColumn(name, _title(name), used=True, reason="it is declared constant", number=_is_number(name))


def _timely_share(history: History) -> float:
    """The share of tickets whose first version was known within a day of the opening."""
    days = f"known_on - CAST(opened_at AS DATE) <= {TIMELY_DAYS}"
    rows = history.query(f"SELECT avg(({days})::INT) AS share FROM ({opened_tickets(history, ())})")
    return float(rows["share"][0].as_py() or 0.0)


def _not_overwritten(history: History, name: str, kind: str) -> tuple[bool, str]:
    """Whether the present value of changed tickets is mostly another one than that of the last change."""
    if "ticket_events" not in history.present:
        return False, "the table has no known_at, and no events show whether it is overwritten"
    last = '"group"' if name == "group" and "group" in history.columns["ticket_events"] else "value"
    rows = history.query(
        f"WITH change AS (SELECT ticket_id, arg_max({last}, occurred_at) AS last FROM ticket_events "
        f"WHERE kind = '{kind}' AND {last} IS NOT NULL GROUP BY ticket_id) "
        f'SELECT count(*) AS n, avg((tickets."{name}" = last)::INT) AS same FROM change '
        f'JOIN tickets USING (ticket_id) WHERE tickets."{name}" IS NOT NULL'
    ).to_pylist()[0]
    if rows["n"] < LEAST_CHANGES:
        return (
            False,
            f"the table has no known_at, and only {rows['n']} tickets have changes that would show overwriting",
        )
    if rows["same"] > OVERWRITTEN:
        return False, f"it is overwritten: {rows['same']:.0%} of the tickets with a change show their last value"
    return True, f"it is not overwritten: only {rows['same']:.0%} of the tickets with a change show their last value"
