"""The timeline of tickets: each is opened, and then things happen to it.

Whatever a row says of its ticket (its account, when it was opened, on which days that version of it held) is read once
a ticket and looked up by the ticket's place: only what tells of the event itself is read for every event.
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
from features.engine.corrections import version_intervals
from features.engine.expressions import columns_in, select_list
from features.engine.relations import EVER_HELD_TOGETHER, event_rows, join_accounts, opened_rows
from features.engine.rows import RowColumn, Rows, any_replaced
from features.engine.text_combinations import RowClasses
from features.engine.windows import Ints
from features.history.history import History

EVENT_ONLY = frozenset(TICKET_EVENTS.names) - frozenset(TICKETS.names)
"""Columns of which a ticket knows nothing."""

DAYS = ("known", "replaced", "class")
"""Whole numbers that every row has."""

TICKET_NUMBER = "ticket"
"""What an expression calls the number of a ticket."""

_tables = count()


def read_timeline(history: History, scope: Scope, asked: Sequence[str], classes: RowClasses) -> Rows:
    """The rows of some accounts with what is asked of each: those that begin a ticket, then what happened."""
    of_events = [text for text in asked if columns_in("timeline", text) & EVENT_ONLY]
    of_tickets = [text for text in asked if text not in of_events and text != TICKET_NUMBER]
    with _tickets(history, scope, classes) as tickets:
        begun = _begun(history, tickets, of_events + of_tickets)
        seen = _seen(history, tickets, of_events, classes, several=any_replaced(begun))
    ticket = np.concatenate((np.arange(len(begun)), to_numpy(seen.column("place"))))
    columns = {TICKET_NUMBER: RowColumn(_numbers(begun)[ticket])} | _days(begun, seen, ticket)
    for place, text in enumerate(of_events):
        columns[text] = RowColumn.of(_together(begun.column(f"c{place}"), seen.column(f"c{place}")))
    for place, text in enumerate(of_tickets, start=len(of_events)):
        told = RowColumn.of(begun.column(f"c{place}"))
        columns[text] = replace(told, values=told.values[ticket])
    event = np.concatenate((np.full(len(begun), classes.opened, np.int32), to_numpy(seen.column("class"))))
    code = classes.of_timeline(event, to_numpy(begun.column("class"))[ticket])
    return Rows(columns, scope.places(to_numpy(begun.column("account")))[ticket], code)


@contextmanager
def _tickets(history: History, scope: Scope, classes: RowClasses) -> Iterator[str]:
    """The name of a table of every version of the accounts' tickets, by account and id, each with its place."""
    name, cursor = f"timeline_tickets_{next(_tables)}", history.connection.cursor()
    told = join_accounts("tickets", history, classes.joined("tickets", version_intervals("tickets", history)))
    columns = "account, ticket_id, opened_at, priority, category, channel, known, replaced, class"
    ordered = f"SELECT {columns} FROM ({told}) WHERE {scope.condition} ORDER BY account, ticket_id"
    cursor.execute(
        f"CREATE TABLE {name} AS SELECT CAST(row_number() OVER () - 1 AS INTEGER) AS place, * FROM ({ordered})"
    )
    try:
        yield name
    finally:
        cursor.execute(f"DROP TABLE {name}")


def _begun(history: History, tickets: str, asked: Sequence[str]) -> pa.Table:
    """The row that each version of a ticket begins with, by its place."""
    rows = opened_rows("place, ticket_id AS id, known, replaced, class", tickets)
    return history.query(f"SELECT place, account, id, {select_list(asked, DAYS)} FROM ({rows}) ORDER BY place")


def _seen(history: History, tickets: str, asked: Sequence[str], classes: RowClasses, *, several: bool) -> pa.Table:
    """What happened, each with its ticket's place; of a ticket's several versions only those that ever hold with it."""
    events = classes.joined("ticket_events", version_intervals("ticket_events", history))
    rows = event_rows(events, "t.place, e.known, e.replaced, e.class", tickets)
    return history.query(
        f"SELECT place, {select_list(asked, DAYS)} FROM ({rows}{f' WHERE {EVER_HELD_TOGETHER}' if several else ''})"
    )


def _numbers(begun: pa.Table) -> Ints:
    """A number for each ticket of an account, in the order of accounts: all its versions have one."""
    account, ids = to_numpy(begun.column("account")), combine_chunks(begun.column("id"))
    if not len(ids):
        return np.empty(0, np.int32)
    other = to_numpy(pc.not_equal(ids[1:], ids[:-1])) | (np.diff(account) != 0)
    return np.concatenate(([0], np.cumsum(other))).astype(np.int32)


def _days(begun: pa.Table, seen: pa.Table, ticket: Ints) -> dict[str, RowColumn]:
    """Between which days each row and its ticket both held; without ``replaced`` where all hold for ever."""
    told: dict[str, np.ufunc] = {"known": np.maximum}
    if any_replaced(begun) or any_replaced(seen):
        told["replaced"] = np.minimum
    found = {}
    for name, nearer in told.items():
        days = to_numpy(begun.column(name))[ticket]
        of_seen = days[len(begun) :]
        nearer(of_seen, to_numpy(seen.column(name)), out=of_seen)
        found[name] = RowColumn(days)
    return found


def _together(begun: pa.ChunkedArray, seen: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array(begun.chunks + seen.chunks, begun.type)
