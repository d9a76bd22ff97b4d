"""The data contract as data: the tables Rescue reads, their columns, keys and clocks.

Every other module asks here instead of naming columns twice. All instants are UTC and stored without a zone
(DuckDB ``TIMESTAMP``, Arrow ``timestamp[us]``). A *cutoff* is a ``datetime.date``: its first instant is the ``T``
before which a row has to be known (``known_at < T``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a column is stored once admitted; the value is DuckDB's name of the type."""

    TEXT = "VARCHAR"
    NUMBER = "DOUBLE"
    WHOLE = "BIGINT"
    FLAG = "BOOLEAN"
    INSTANT = "TIMESTAMP"
    DAY = "DATE"


@dataclass(frozen=True)
class Column:
    """One column: its type, whether a row without it is bad, and its closed range where it has one."""

    name: str
    kind: Kind
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None


SIGNED_AHEAD = frozenset({"subscriptions"})
"""Tables whose event may lie after ``known_at``: next month's subscription is known when it is signed."""


@dataclass(frozen=True)
class Table:
    """One canonical table.

    ``key`` names what one thing is; several rows of one key are versions of it, told apart by ``known_at``.
    ``event_time`` is when the thing happened, and stands in for ``known_at`` where the source has none.
    ``future_times`` are the columns that may lie after the row's own ``known_at`` (terms, due dates, ends): in a
    current-state source they are read as null while they are not before the cutoff, unless they are in ``scheduled``
    (a due date is known when the invoice is issued).
    """

    name: str
    key: tuple[str, ...]
    event_time: str
    columns: tuple[Column, ...]
    future_times: tuple[str, ...] = ()
    scheduled: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every column name, in the contract's order."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """The columns without which a row is bad and the table is unusable."""
        return tuple(column.name for column in self.columns if column.required)

    def column(self, name: str) -> Column:
        """The column of that name; ``KeyError`` where the contract has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name!r}")


def _text(name: str, required: bool = False) -> Column:
    return Column(name, Kind.TEXT, required)


def _instant(name: str, required: bool = False) -> Column:
    return Column(name, Kind.INSTANT, required)


KNOWN_AT = _instant("known_at")

ACCOUNTS = Table(
    "accounts",
    key=("account_id",),
    event_time="created_at",
    columns=(
        _text("account_id", required=True),
        _text("parent_id"),
        _text("name"),
        _text("segment"),
        _text("industry"),
        _text("region"),
        _text("owner"),
        _instant("created_at", required=True),
        KNOWN_AT,
    ),
)

SUBSCRIPTIONS = Table(
    "subscriptions",
    key=("subscription_id",),
    event_time="started_at",
    columns=(
        _text("subscription_id", required=True),
        _text("account_id", required=True),
        _text("plan"),
        Column("seats", Kind.WHOLE, minimum=0),
        Column("arr", Kind.NUMBER, minimum=0),
        Column("auto_renew", Kind.FLAG),
        _instant("started_at", required=True),
        _instant("renews_at"),
        _instant("ended_at"),
        KNOWN_AT,
    ),
    future_times=("renews_at", "ended_at"),
    scheduled=("renews_at",),
)

HEALTH_SCORES = Table(
    "health_scores",
    key=("account_id", "measured_at"),
    event_time="measured_at",
    columns=(
        _text("account_id", required=True),
        _instant("measured_at", required=True),
        Column("score", Kind.NUMBER, required=True, minimum=0, maximum=100),
        _text("source"),
        KNOWN_AT,
    ),
)

TICKETS = Table(
    "tickets",
    key=("ticket_id",),
    event_time="opened_at",
    columns=(
        _text("ticket_id", required=True),
        _text("account_id", required=True),
        _instant("opened_at", required=True),
        _text("channel"),
        _text("category"),
        _text("priority"),
        _text("group"),
        _text("subject"),
        _text("body"),
        KNOWN_AT,
    ),
)

TICKET_EVENTS = Table(
    "ticket_events",
    key=("ticket_id", "occurred_at", "kind", "value"),
    event_time="occurred_at",
    columns=(
        _text("ticket_id", required=True),
        _instant("occurred_at", required=True),
        _text("kind", required=True),
        _text("value"),
        _text("actor"),
        _text("group"),
        _text("event_id"),
        KNOWN_AT,
    ),
)

USAGE_DAILY = Table(
    "usage_daily",
    key=("account_id", "day", "feature", "user_id"),
    event_time="day",
    columns=(
        _text("account_id", required=True),
        Column("day", Kind.DAY, required=True),
        _text("feature", required=True),
        _text("user_id"),
        Column("events", Kind.WHOLE, required=True, minimum=0),
        Column("users", Kind.WHOLE, minimum=0),
        Column("minutes", Kind.NUMBER, minimum=0),
        KNOWN_AT,
    ),
)

INVOICES = Table(
    "invoices",
    key=("invoice_id",),
    event_time="issued_at",
    columns=(
        _text("invoice_id", required=True),
        _text("account_id", required=True),
        _instant("issued_at", required=True),
        _instant("due_at"),
        _instant("paid_at"),
        Column("amount", Kind.NUMBER, required=True),
        KNOWN_AT,
    ),
    future_times=("due_at", "paid_at"),
    scheduled=("due_at",),
)

OUTCOMES = Table(
    "outcomes",
    key=("account_id", "risk", "decided_at"),
    event_time="decided_at",
    columns=(
        _text("account_id", required=True),
        _text("risk", required=True),
        _text("action", required=True),
        _text("verdict"),
        _instant("decided_at", required=True),
        Column("holdout", Kind.FLAG),
        KNOWN_AT,
    ),
)

TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        ACCOUNTS,
        SUBSCRIPTIONS,
        HEALTH_SCORES,
        TICKETS,
        TICKET_EVENTS,
        USAGE_DAILY,
        INVOICES,
        OUTCOMES,
    )
}

TICKET_EVENT_KINDS = (
    "comment",
    "status",
    "priority",
    "assigned",
    "escalated",
    "deescalated",
    "reopened",
    "solved",
    "closed",
    "sla_breached",
    "csat",
)
"""The kinds the contract knows; any other is kept and counted as ``other``."""
