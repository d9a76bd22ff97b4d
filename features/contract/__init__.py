"""The data contract as data: the tables that Rescue reads, with every property of each.

A property of a table is declared in its entry (``customer_tables``, ``event_tables``) and read from there, never from
a list of table names elsewhere. All instants are UTC and stored without a zone (DuckDB ``TIMESTAMP``, Arrow
``timestamp[us]``). A *cutoff* is a ``datetime.date``: its first instant is the ``T`` before which a row has to be known
(``known_at < T``). Nothing here imports DuckDB or Arrow.
"""

from collections.abc import Mapping

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
    "Column",
    "ColumnType",
    "Metric",
    "Period",
    "Reference",
    "Table",
]

TABLES: Mapping[str, Table] = {
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
"""Every table by its name; a table comes after its parent."""

PARENTS: Mapping[str, str] = {table.parent.table: table.parent.column for table in TABLES.values() if table.parent}
"""The tables that rows of others belong to, and the column that identifies their rows."""
