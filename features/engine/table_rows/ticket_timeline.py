"""The timeline of tickets: each is opened, and then events happen to it.

Everything about the ticket of a row (its account, when it was opened, on which days that version of it held) is read
once for each ticket and looked up by the ticket's position: only the columns of the event are read for every event.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import combine_chunks, number_array, to_numpy
from features.contract import TICKET_EVENTS, TICKETS
from features.engine.account_range import Scope, rows_of_range, write_by_range
from features.engine.table_rows.corrections import repeated_keys, version_intervals
from features.engine.table_rows.expressions import columns_in, select_list
from features.engine.table_rows.relations import EVER_HELD_TOGETHER, SAME_TICKET, event_rows, join_accounts, opened_rows
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

TICKET_IDS = "ticket ids"
"""The name of the column with the account and the id of each number of a ticket, which is of no row."""

ID_HASH = "hash(ticket_id)"
"""The hash of a ticket's id, which is compared several times faster than the id."""

_tables = count()


def ids_differ_in_hash(history: History) -> bool:
    """Whether no two tickets of the source have one hash: then the hash of an event's ticket says which it is.

    Each event has its ticket in the source, as validation sees to.
    """
    return history.cached("ticket ids differ in hash", lambda: _differ(history))


def _differ(history: History) -> bool:
    repeated = repeated_keys("tickets", history)
    if not len(repeated.hashes):
        return True
    with history.temporary_table("repeated_tickets_ids", pa.table({"key": number_array(repeated.hashes)})):
        counts = history.query(
            f"SELECT count(DISTINCT ticket_id) AS ids, count(DISTINCT {ID_HASH}) AS hashes FROM tickets "
            f"WHERE {ID_HASH} IN (SELECT key FROM repeated_tickets_ids)"
        )
    return bool(counts["ids"][0].as_py() == counts["hashes"][0].as_py())


def read_timeline(
    history: History, scope: Scope, expressions: Sequence[str], classes: RowClasses, begun: pa.Array | None = None
) -> Rows:
    """The rows of some accounts with some columns: first those that begin a ticket, then the events.

    Of the tickets ``begun`` (ids) only the events are wanted.
    """
    of_events = [text for text in expressions if columns_in("timeline", text) & EVENT_ONLY]
    of_tickets = [text for text in expressions if text not in of_events and text != TICKET_NUMBER]
    read = _read_ranges if scope.begins and history.scratch else _read
    opened, events = read(history, scope, of_events, of_events + of_tickets, classes)
    ticket = np.concatenate((np.arange(len(opened), dtype=np.int32), to_numpy(events.column("place"))))
    number, account = _ticket_numbers(opened), scope.places(to_numpy(opened.column("account")))
    columns = {TICKET_NUMBER: RowColumn(number[ticket])} | _days(opened, events, ticket)
    for place, text in enumerate(of_events):
        columns[text] = RowColumn.of(_concatenate(opened.column(f"c{place}"), events.column(f"c{place}")))
    for place, text in enumerate(of_tickets, start=len(of_events)):
        column = RowColumn.of(opened.column(f"c{place}"))
        columns[text] = replace(column, values=column.values[ticket])
    event = np.concatenate((np.full(len(opened), classes.opened, np.int32), to_numpy(events.column("class"))))
    code = classes.of_timeline(event, to_numpy(opened.column("class"))[ticket])
    head, ids = np.flatnonzero(np.diff(number, prepend=-1)), combine_chunks(opened.column("id"))
    columns[TICKET_IDS] = RowColumn(account[head], of_classes=True, words=ids.take(number_array(head)))
    rows = Rows(columns, account[ticket], code)
    if begun is None:
        return rows
    wanted = np.flatnonzero(~to_numpy(pc.is_in(ids, value_set=begun)))
    return rows.take_rows(np.append(wanted, np.arange(len(opened), len(rows))), None)


def _read(
    history: History, scope: Scope, of_events: Sequence[str], of_all: Sequence[str], classes: RowClasses
) -> tuple[pa.Table, pa.Table]:
    """The row that each version of a ticket begins with, by position, and the events, with their ticket's position."""
    with _tickets(history, scope.condition, classes) as tickets:
        opened = history.query(f"{_opened_rows(tickets, of_all)} ORDER BY place")
        events = _event_rows(history, tickets, of_events, classes, several=any_replaced(opened))
        return opened, history.query(f"SELECT * EXCLUDE (account) FROM ({events})")


def _read_ranges(
    history: History, scope: Scope, of_events: Sequence[str], of_all: Sequence[str], classes: RowClasses
) -> tuple[pa.Table, pa.Table]:
    """The same of one of several ranges: the rows of all of them are read once, and written by range."""

    def write() -> tuple[Path, Path]:
        with _tickets(history, "true", classes) as tickets:
            replaced = history.query(f"SELECT DISTINCT replaced FROM {tickets}")
            opened = write_by_range(history, _opened_rows(tickets, of_all), scope.begins)
            events = _event_rows(history, tickets, of_events, classes, several=any_replaced(replaced))
            return opened, write_by_range(history, events, scope.begins)

    name = repr(("timeline by range", scope.begins, of_events, of_all, classes.expressions))
    of_opened, of_event = (rows_of_range(folder, scope) for folder in history.cached(name, write))
    opened = history.query(f"{of_opened} ORDER BY place")
    first = opened.column("place")[0].as_py() if len(opened) else 0
    return opened, history.query(f"SELECT * REPLACE (place - {first} AS place) FROM ({of_event})")


@contextmanager
def _tickets(history: History, condition: str, classes: RowClasses) -> Iterator[str]:
    """The name of a table of every version of some accounts' tickets, by account and id, each with its position."""
    name, cursor = f"timeline_tickets_{next(_tables)}", history.connection.cursor()
    versions = join_accounts("tickets", history, classes.join("tickets", version_intervals("tickets", history)))
    columns = "account, ticket_id, opened_at, priority, category, channel, known, replaced, class"
    columns += f", {ID_HASH} AS id_hash"
    ordered = f"SELECT {columns} FROM ({versions}) WHERE {condition} ORDER BY account, ticket_id"
    cursor.execute(
        f"CREATE TABLE {name} AS SELECT CAST(row_number() OVER () - 1 AS INTEGER) AS place, * FROM ({ordered})"
    )
    try:
        yield name
    finally:
        cursor.execute(f"DROP TABLE {name}")


def _opened_rows(tickets: str, expressions: Sequence[str]) -> str:
    """SQL of the row that each version of a ticket begins with."""
    rows = opened_rows("place, ticket_id AS id, known, replaced, class", tickets)
    return f"SELECT place, account, id, {select_list(expressions, DAYS)} FROM ({rows})"


def _event_rows(
    history: History, tickets: str, expressions: Sequence[str], classes: RowClasses, *, several: bool
) -> str:
    """SQL of the events, each with its ticket's position; of a ticket's versions only those that hold when it does."""
    versions = classes.join("ticket_events", version_intervals("ticket_events", history))
    same = f"{ID_HASH.replace('ticket_id', 'e.ticket_id')} = t.id_hash"
    rows = event_rows(
        versions, "t.place, e.known, e.replaced, e.class", tickets, same if ids_differ_in_hash(history) else SAME_TICKET
    )
    condition = EVER_HELD_TOGETHER if several else "true"
    return f"SELECT place, account, {select_list(expressions, DAYS)} FROM ({rows} WHERE {condition})"


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
