"""The timeline of tickets: each is opened, and then events happen to it.

Everything about the ticket of a row (its account, when it was opened, on which days that version of it held) is read
once for each ticket and looked up by the ticket's position: only the columns of the event are read for every event.
At one cutoff most events are replaced by later ones of their ticket, or out of every window: they are left out before
their columns are computed (``countable_events``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import CHUNK_ROWS, combine_chunks, dictionary_codes, number_array, to_numpy
from features.contract import TICKET_EVENTS, TICKETS
from features.engine.account_range import Scope, rows_of_range, write_by_range
from features.engine.table_rows.corrections import repeated_keys, version_intervals
from features.engine.table_rows.countable_events import CountableEvents, EventBlock
from features.engine.table_rows.countable_rows import Selection
from features.engine.table_rows.expressions import columns_in, select_list, uses_row
from features.engine.table_rows.key_lookup import KeyLookup
from features.engine.table_rows.relations import EVER_HELD_TOGETHER, event_rows, join_accounts, opened_rows
from features.engine.table_rows.rows import BLOCK, RowColumn, Rows, any_replaced
from features.engine.table_rows.text_combinations import RowClasses
from features.engine.windows import Ints
from features.history.history import History
from features.history.versions import FOREVER

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
    history: History,
    scope: Scope,
    expressions: Sequence[str],
    classes: RowClasses,
    begun: pa.Array | None = None,
    countable: CountableEvents | None = None,
) -> tuple[Rows, dict[Selection, Ints]]:
    """The rows of some accounts with some columns: first those that begin a ticket, then the events.

    Of the tickets ``begun`` (ids) only the events are wanted. ``countable`` selects those that are needed, and says of
    some selections which ones may count.
    """
    of_events = [text for text in expressions if columns_in("timeline", text) & EVENT_ONLY]
    of_tickets = [text for text in expressions if text not in of_events and text != TICKET_NUMBER]
    read = _read_ranges if scope.begins and history.scratch else _read
    condition = countable.condition if countable else "true"
    own = sorted({"occurred_at"}.union(*(columns_in("timeline", text) for text in of_events)))
    opened, events = read(history, scope, own, of_tickets, classes, condition)
    tickets, selected = _Tickets.of(opened, scope, of_tickets, classes), dict[Selection, Ints]()
    begins = opened if begun is None else opened.filter(pc.invert(pc.is_in(opened["id"], value_set=begun)))
    blocks = [_as_events(begins, own, classes.opened), *events]
    if countable:
        row, selected = countable.select([tickets.block(it, countable.first) for it in blocks])
        blocks = _take(blocks, row)
    values = _values(history, pa.concat_tables(blocks), opened, own, of_events)
    del opened, events, blocks  # their memory is needed for the columns
    return tickets.rows(values, of_events), selected


def _as_events(opened: pa.Table, own: Sequence[str], code: int) -> pa.Table:
    """The rows with which tickets begin in the form of events."""
    columns = opened.select([*DAYS, *(name for name in own if name in EVENT_ONLY), "place"])
    of_opening = number_array(np.full(len(opened), code, np.int32))
    return columns.set_column(columns.schema.get_field_index("class"), "class", of_opening)


def _take(blocks: Sequence[pa.Table], row: Ints) -> list[pa.Table]:
    """The rows of several tables at some positions, ascending, counted over all of them."""
    ends = np.cumsum([len(block) for block in blocks])
    parts = zip(blocks, ends, np.split(row, np.searchsorted(row, ends[:-1])), strict=True)
    return [block.take(number_array(part - end + len(block))) for block, end, part in parts]


def _values(
    history: History, rows: pa.Table, opened: pa.Table, own: Sequence[str], expressions: Sequence[str]
) -> pa.Table:
    """Some rows of the timeline with the values of expressions, which may use columns of events and of tickets."""
    place = number_array(to_numpy(rows.column("place")))
    of_ticket = [name for name in own if name not in EVENT_ONLY]
    if any(map(uses_row, expressions)):
        of_ticket.append("account")
    for name in of_ticket:
        rows = rows.append_column(name, combine_chunks(opened.column(name)).take(place))
    cursor = history.connection.cursor()
    cursor.register("rows_of_timeline", rows)
    query = f"SELECT place, {select_list(expressions, DAYS)} FROM rows_of_timeline"
    return cursor.sql(query).to_arrow_table(CHUNK_ROWS)


@dataclass(frozen=True)
class _Tickets:
    """Every version of some accounts' tickets, by position, and the columns of their rows that follow from them."""

    number: Ints
    account: Ints
    opened: Ints
    known: Ints
    replaced: Ints
    code: Ints
    columns: Mapping[str, RowColumn]
    ids: RowColumn
    classes: RowClasses

    @classmethod
    def of(cls, opened: pa.Table, scope: Scope, of_tickets: Sequence[str], classes: RowClasses) -> _Tickets:
        number, account = _ticket_numbers(opened), scope.places(to_numpy(opened.column("account")))
        head, ids = np.flatnonzero(np.diff(number, prepend=-1)), combine_chunks(opened.column("id"))
        return cls(
            number,
            account,
            to_numpy(opened.column("opened")),
            to_numpy(opened.column("known")),
            to_numpy(opened.column("replaced")),
            to_numpy(opened.column("class")),
            {text: RowColumn.of(opened.column(f"c{place}")) for place, text in enumerate(of_tickets)},
            RowColumn(account[head], of_classes=True, words=ids.take(number_array(head))),
            classes,
        )

    def block(self, rows: pa.Table, first: int) -> EventBlock:
        """Some rows for the decision which of them are needed."""
        ticket = to_numpy(rows.column("place"))
        known, replaced = self._days(rows, ticket)
        occurred = to_numpy(rows.column("occurred_at").cast(pa.int64()))
        instant, lasting = np.maximum(occurred, self.opened[ticket]), (known < first) & (replaced >= FOREVER)
        code = to_numpy(rows.column("class"))
        return EventBlock(self.number[ticket], self.account[ticket], code, occurred, instant, lasting)

    def _days(self, rows: pa.Table, ticket: Ints) -> tuple[Ints, Ints]:
        """Between which days both each row and its ticket held."""
        known = np.maximum(to_numpy(rows.column("known")), self.known[ticket])
        return known, np.minimum(to_numpy(rows.column("replaced")), self.replaced[ticket])

    def rows(self, values: pa.Table, of_events: Sequence[str]) -> Rows:
        """Rows with their columns."""
        ticket = to_numpy(values.column("place"))
        known, replaced = self._days(values, ticket)
        columns = {TICKET_NUMBER: RowColumn(self.number[ticket]), "known": RowColumn(known)}
        if (replaced < FOREVER).any():
            columns["replaced"] = RowColumn(replaced)
        for place, text in enumerate(of_events):
            columns[text] = RowColumn.of(values.column(f"c{place}"))
        for text, column in self.columns.items():
            columns[text] = replace(column, values=column.values[ticket])
        columns[TICKET_IDS] = self.ids
        code = self.classes.of_timeline(to_numpy(values.column("class")), self.code[ticket])
        return self.classes.add_columns(Rows(columns, self.account[ticket], code))


class _Places:
    """The positions of the versions of each ticket, by what says which ticket it is."""

    def __init__(self, opened: pa.Table) -> None:
        keys = combine_chunks(opened.column("key"))
        self._days = {name: to_numpy(opened.column(name)) for name in ("known", "replaced")}
        self._several = any_replaced(opened)
        if self._several:
            codes, keys = dictionary_codes(keys)
            self._order, self._counts = np.argsort(codes, kind="stable"), np.bincount(codes)
            self._begins = np.cumsum(self._counts) - self._counts
        self._keys = keys
        self._lookup = KeyLookup(to_numpy(keys)) if keys.type == pa.uint64() else None

    def add_to(self, events: pa.Table) -> pa.Table:
        """The events with the position of their ticket: of each of its versions that holds when they do."""
        event, place = self._find(combine_chunks(events.column("key")))
        events = events.drop_columns("key")
        if self._several:
            since = np.maximum(to_numpy(events.column("known"))[event], self._days["known"][place])
            until = np.minimum(to_numpy(events.column("replaced"))[event], self._days["replaced"][place])
            event, place = event[since < until], place[since < until]
        if self._several or len(event) < len(events):
            events = events.take(number_array(event))
        return events.append_column("place", number_array(place))

    def _find(self, keys: pa.Array) -> tuple[Ints, Ints]:
        """Positions among the keys of events, and the position of a version of their ticket for each."""
        found = self._lookup.find(to_numpy(keys)) if self._lookup else self._codes(keys)
        event = np.flatnonzero(found >= 0)
        found = found if len(event) == len(found) else found[event]
        if not self._several:
            return event, found
        counts = self._counts[found]
        ends = np.cumsum(counts)
        version = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts - self._begins[found], counts)
        return np.repeat(event, counts), self._order[version].astype(np.int32)

    def _codes(self, keys: pa.Array) -> Ints:
        return to_numpy(pc.index_in(keys, value_set=self._keys).fill_null(-1))


def _read(
    history: History,
    scope: Scope,
    own: Sequence[str],
    of_tickets: Sequence[str],
    classes: RowClasses,
    condition: str,
) -> tuple[pa.Table, Iterable[pa.Table]]:
    """The row that each version of a ticket begins with, by position, and the events, with their ticket's position."""
    tickets = _ticket_versions(history, scope.condition, classes)
    opened = history.query(f"{_opened_rows(f'({tickets})', of_tickets, own)} ORDER BY account, id")
    opened = opened.append_column("place", number_array(np.arange(len(opened), dtype=np.int32)))
    days = [f"CAST({day} AS INTEGER) AS {day}" for day in DAYS]
    columns = [f"{_key(history)} AS key", *days, *(name for name in own if name in EVENT_ONLY)]
    rows = f"SELECT {', '.join(columns)} FROM ({_class_rows(history, classes, condition)})"
    places = _Places(opened)
    return opened, [places.add_to(block) for block in history.query_blocks(rows, BLOCK)]


def _read_ranges(
    history: History,
    scope: Scope,
    own: Sequence[str],
    of_tickets: Sequence[str],
    classes: RowClasses,
    condition: str,
) -> tuple[pa.Table, Iterable[pa.Table]]:
    """The same of one of several ranges: the rows of all of them are read once, and written by range."""

    def write() -> tuple[Path, Path]:
        with _tickets(history, classes) as tickets:
            replaced = history.query(f"SELECT DISTINCT replaced FROM {tickets}")
            opened = write_by_range(history, _opened_rows(tickets, of_tickets, [*own, "place"]), scope.begins)
            rows = _class_rows(history, classes, condition)
            events = _event_rows(history, tickets, own, rows, several=any_replaced(replaced))
            return opened, write_by_range(history, events, scope.begins)

    name = repr(("timeline by range", scope.begins, own, of_tickets, classes.expressions, condition))
    of_opened, of_event = (rows_of_range(folder, scope) for folder in history.cached(name, write))
    opened = history.query(f"{of_opened} ORDER BY place")
    first = opened.column("place")[0].as_py() if len(opened) else 0
    place = number_array(np.arange(len(opened), dtype=np.int32))
    opened = opened.set_column(opened.schema.get_field_index("place"), "place", place)
    events = f"SELECT * EXCLUDE (account) REPLACE (CAST(place - {first} AS INTEGER) AS place) FROM ({of_event})"
    return opened, history.query_blocks(events, BLOCK)


@contextmanager
def _tickets(history: History, classes: RowClasses) -> Iterator[str]:
    """The name of a table of every version of all tickets, by account and id, each with its position."""
    name, cursor = f"timeline_tickets_{next(_tables)}", history.connection.cursor()
    ordered = f"{_ticket_versions(history, 'true', classes)} ORDER BY account, ticket_id"
    cursor.execute(
        f"CREATE TABLE {name} AS SELECT CAST(row_number() OVER () - 1 AS INTEGER) AS place, * FROM ({ordered})"
    )
    try:
        yield name
    finally:
        cursor.execute(f"DROP TABLE {name}")


def _ticket_versions(history: History, condition: str, classes: RowClasses) -> str:
    """SQL of every version of some accounts' tickets."""
    versions = join_accounts("tickets", history, classes.join("tickets", version_intervals("tickets", history)))
    columns = "account, ticket_id, opened_at, priority, category, channel, known, replaced, class"
    return f"SELECT {columns}, {_key(history)} AS key FROM ({versions}) WHERE {condition}"


def _key(history: History) -> str:
    """What says of which ticket an event is: the hash of the ticket's id, unless two ids have one."""
    return ID_HASH if ids_differ_in_hash(history) else "ticket_id"


def _opened_rows(tickets: str, expressions: Sequence[str], more: Sequence[str]) -> str:
    """SQL of the row that each version of a ticket begins with; ``more`` are further columns."""
    place = ", place" if "place" in more else ""
    rows = opened_rows(f"ticket_id AS id, known, replaced, class, key{place}", tickets)
    columns = ", ".join(["account", "id", "key", "epoch_us(opened_at) AS opened", *more])
    return f"SELECT {columns}, {select_list(expressions, DAYS)} FROM ({rows})"


def _class_rows(history: History, classes: RowClasses, condition: str) -> str:
    """SQL of the versions of events with their class for which a condition is true."""
    versions = classes.join("ticket_events", version_intervals("ticket_events", history))
    return f"SELECT * FROM ({versions}) WHERE {condition}"


def _event_rows(history: History, tickets: str, own: Sequence[str], events: str, *, several: bool) -> str:
    """SQL of the events, each with its ticket's position; of a ticket's versions only those that hold when it does."""
    same = f"{_key(history).replace('ticket_id', 'e.ticket_id')} = t.key"
    rows = event_rows(events, "t.place, e.known, e.replaced, e.class", tickets, same)
    days = [f"CAST({day} AS INTEGER) AS {day}" for day in DAYS]
    columns = ["account", *days, *(name for name in own if name in EVENT_ONLY), "place"]
    condition = EVER_HELD_TOGETHER if several else "true"
    return f"SELECT {', '.join(columns)} FROM ({rows} WHERE {condition})"


def _ticket_numbers(opened: pa.Table) -> Ints:
    """A number for each ticket of an account, in the order of accounts: all its versions have one."""
    account, ids = to_numpy(opened.column("account")), combine_chunks(opened.column("id"))
    if not len(ids):
        return np.empty(0, np.int32)
    other = to_numpy(pc.not_equal(ids[1:], ids[:-1])) | (np.diff(account) != 0)
    return np.concatenate(([0], np.cumsum(other))).astype(np.int32)
