"""The data contract as data: the tables that Rescue reads, with every property of each.

A property of a table is declared in its entry (``customer_tables``, ``event_tables``) and read from there, never from
a list of table names elsewhere. All instants are UTC and stored without a zone (DuckDB ``TIMESTAMP``, Arrow
``timestamp[us]``). A *cutoff* is a ``datetime.date``: its first instant is the ``T`` before which a row has to be known
(``known_at < T``). Nothing here imports DuckDB or Arrow.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from features.contract.attribute import Attribute
from features.contract.customer_tables import ACCOUNTS, CONTACTS, INVOICES, LINKS, SUBSCRIPTIONS
from features.contract.event_tables import (
    HEALTH_SCORES,
    METRICS,
    OUTCOMES,
    TICKET_EVENT_KINDS,
    TICKET_EVENTS,
    TICKETS,
    USAGE_DAILY,
)
from features.contract.metric import Metric
from features.contract.table_schema import OF_ACCOUNT, Column, ColumnType, Period, Reference, Table

__all__ = [
    "ACCOUNTS",
    "CONTACTS",
    "HEALTH_SCORES",
    "INVOICES",
    "LINKS",
    "METRICS",
    "OF_ACCOUNT",
    "OUTCOMES",
    "PARENTS",
    "SUBSCRIPTIONS",
    "TABLES",
    "TICKETS",
    "TICKET_EVENTS",
    "TICKET_EVENT_KINDS",
    "USAGE_DAILY",
    "Attribute",
    "Column",
    "ColumnType",
    "Metric",
    "Period",
    "Reference",
    "Table",
    "declare_attributes",
    "declare_tables",
    "declare_ticket_columns",
]

_TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        ACCOUNTS,
        CONTACTS,
        LINKS,
        SUBSCRIPTIONS,
        HEALTH_SCORES,
        METRICS,
        TICKETS,
        TICKET_EVENTS,
        USAGE_DAILY,
        INVOICES,
        OUTCOMES,
    )
}
TABLES: Mapping[str, Table] = _TABLES
"""Every table by its name; a table comes after its parent. A company's own are added by `declare_tables`."""

PARENTS: Mapping[str, str] = {table.parent.table: table.parent.column for table in TABLES.values() if table.parent}
"""The tables that rows of others belong to, and the column that identifies their rows."""


def declare_tables(tables: Iterable[Table]) -> None:
    """Add a company's own tables to the contract of this process; one of the same name is replaced.

    A table is never taken away again, because a history that was opened with it may still be read.
    """
    _TABLES.update({table.name: table for table in tables})


def declare_ticket_columns(own: Iterable[Column]) -> None:
    """Set a company's own columns of the table ``tickets``, in place of those that were declared before."""
    names = frozenset(TICKETS.names)
    _TABLES[TICKETS.name] = replace(TICKETS, columns=(*TICKETS.columns, *(it for it in own if it.name not in names)))


def declare_attributes(attributes: Iterable[Attribute]) -> None:
    """Add a company's own columns to the table ``accounts``; one of the same name is replaced."""
    own = {attribute.column: attribute.entry for attribute in attributes}
    present = _TABLES[ACCOUNTS.name]
    others = tuple(column for column in present.columns if column.name not in own)
    _TABLES[ACCOUNTS.name] = replace(present, columns=(*others, *own.values()))
