"""The timeline of tickets: each is opened, and then events happen to it.

Everything about the ticket of a row (its account, when it was opened, on which days that version of it held) is read
once for each ticket and looked up by the ticket's position: only the columns of the event are read for every event.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import combine_chunks, to_numpy
from features.contract import TICKET_EVENTS, TICKETS
from features.engine.account_range import Scope
from features.engine.table_rows.corrections import version_intervals
from features.engine.table_rows.expressions import columns_in, select_list
from features.engine.table_rows.relations import EVER_HELD_TOGETHER, event_rows, join_accounts, opened_rows
from features.engine.table_rows.rows import RowColumn, Rows, any_replaced
from features.engine.table_rows.text_combinations import RowClasses
from features.engine.windows import Ints
from features.history.history import History

EVENT_ONLY = frozenset(TICKET_EVENTS.names) - frozenset(TICKETS.names)
"""Columns that a ticket does not have."""

DAYS = ("known", "replaced", "class")
"""Whole numbers that every row has."""

TICKET_NUMBER = "ticket"
"""The name of the number of a ticket in expressions."""

_tables = count()


def read_timeline(history: History, scope: Scope, expressions: Sequence[str], classes: RowClasses) -> Rows:
    """The rows of some accounts with some columns: first those that begin a ticket, then the events."""
    of_events = [text for text in expressions if columns_in("timeline", text) & EVENT_ONLY]
    of_tickets = [text for text in expressions if text not in of_events and text != TICKET_NUMBER]
    with _tickets(history, scope, classes) as tickets:
        opened = _read_opened(history, tickets, of_events + of_tickets)
        events = _read_events(history, tickets, of_events, classes, several=any_replaced(opened))
    ticket = np.concatenate((np.arange(len(opened)), to_numpy(events.column("place"))))
    columns = {TICKET_NUMBER: RowColumn(_ticket_numbers(opened)[ticket])} | _days(opened, events, ticket)
    for place, text in enumerate(of_events):
        columns[text] = RowColumn.of(_concatenate(opened.column(f"c{place}"), events.column(f"c{place}")))
    for place, text in enumerate(of_tickets, start=len(of_events)):
        column = RowColumn.of(opened.column(f"c{place}"))
        columns[text] = replace(column, values=column.values[ticket])
    event = np.concatenate((np.full(len(opened), classes.opened, np.int32), to_numpy(events.column("class"))))
    code = classes.of_timeline(event, to_numpy(opened.column("class"))[ticket])
    return Rows(columns, scope.places(to_numpy(opened.column("account")))[ticket], code)


@contextmanager
def _tickets(history: History, scope: Scope, classes: RowClasses) -> Iterator[str]:
    """The name of a table of every version of the accounts' tickets, by account and id, each with its position."""
    name, cursor = f"timeline_tickets_{next(_tables)}", history.connection.cursor()
    versions = join_accounts("tickets", history, classes.join("tickets", version_intervals("tickets", history)))
    columns = "account, ticket_id, opened_at, priority, category, channel, known, replaced, class"
    ordered = f"SELECT {columns} FROM ({versions}) WHERE {scope.condition} ORDER BY account, ticket_id"
    cursor.execute(
        f"CREATE TABLE {name} AS SELECT CAST(row_number() OVER () - 1 AS INTEGER) AS place, * FROM ({ordered})"
    )
    try:
        yield name
    finally:
        cursor.execute(f"DROP TABLE {name}")


def _read_opened(history: History, tickets: str, expressions: Sequence[str]) -> pa.Table:
    """The row that each version of a ticket begins with, by position."""
    rows = opened_rows("place, ticket_id AS id, known, replaced, class", tickets)
    return history.query(f"SELECT place, account, id, {select_list(expressions, DAYS)} FROM ({rows}) ORDER BY place")


def _read_events(
    history: History, tickets: str, expressions: Sequence[str], classes: RowClasses, *, several: bool
) -> pa.Table:
    """The events, each with its ticket's position; of a ticket's versions only those that hold at the same time."""
    versions = classes.join("ticket_events", version_intervals("ticket_events", history))
    rows = event_rows(versions, "t.place, e.known, e.replaced, e.class", tickets)
    condition = EVER_HELD_TOGETHER if several else "true"
    return history.query(f"SELECT place, {select_list(expressions, DAYS)} FROM ({rows} WHERE {condition})")


def _ticket_numbers(opened: pa.Table) -> Ints:
    """A number for each ticket of an account, in the order of accounts: all its versions have one."""
    account, ids = to_numpy(opened.column("account")), combine_chunks(opened.column("id"))
    if not len(ids):
        return np.empty(0, np.int32)
    other = to_numpy(pc.not_equal(ids[1:], ids[:-1])) | (np.diff(account) != 0)
    return np.concatenate(([0], np.cumsum(other))).astype(np.int32)


def _days(opened: pa.Table, events: pa.Table, ticket: Ints) -> dict[str, RowColumn]:
    """Between which days each row and its ticket both held; without ``replaced`` where none was replaced."""
    operations: dict[str, np.ufunc] = {"known": np.maximum}
    if any_replaced(opened) or any_replaced(events):
        operations["replaced"] = np.minimum
    columns = {}
    for name, combine in operations.items():
        days = to_numpy(opened.column(name))[ticket]
        of_events = days[len(opened) :]
        combine(of_events, to_numpy(events.column(name)), out=of_events)
        columns[name] = RowColumn(days)
    return columns


def _concatenate(opened: pa.ChunkedArray, events: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array(opened.chunks + events.chunks, opened.type)
