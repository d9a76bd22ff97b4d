"""Tickets that are opened again, where the help desk only writes down each new status.

Such a system has no event "reopened": after "solved" follows a status "open". Which of these events reopened a ticket
depends on the events before it. Only what our copy knew when it learned the event is looked at: a row that arrives
later changes no earlier one.

A system may write down both, the new status and an event "reopened" of its own. Its own event counts, whichever of the
two comes first within a day: a ticket is reopened once after each solution.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import empty_rows, text_array
from features.contract import TICKET_EVENTS
from features.history.repeated_keys import key_hash
from features.quoting import quote_text
from features.validation.incoming_table import IncomingTable

WORKING = ("new", "open", "pending", "on_hold")
"""Values of status events of a ticket that is not solved."""

REOPENING = "reopening_events"
"""The table of the events that reopen their ticket: file, row number, ticket and, where it is asked for, the hash that
their key has then."""

_IS_WORKING = f"kind = 'status' AND value IN ({', '.join(map(quote_text, WORKING))})"
_IS_STATE = f"kind IN ('reopened', 'solved', 'closed') OR ({_IS_WORKING})"


def has_working_events(incoming: IncomingTable) -> bool:
    """Whether any row of the table may reopen a ticket."""
    rows = f"SELECT {may_reopen(incoming)} FROM {incoming.source.relation} s"
    return _has_states(incoming) and bool(incoming.number(rows))


def may_reopen(incoming: IncomingTable) -> str:
    """SQL: whether any of the rows ``s`` may reopen a ticket."""
    if not _has_states(incoming):
        return "false"
    kind, value = incoming.columns["kind"], incoming.columns["value"]
    return f"bool_or({kind} = 'status' AND {value} IN ({', '.join(map(quote_text, WORKING))}))"


@dataclass(frozen=True)
class EarlierReopening:
    """The events that reopened a ticket on an earlier night, by label of tonight's files; no row of these is gone.

    ``added`` are the labels of files that are new: other tickets than theirs are as they were.
    """

    rows: pa.Table
    added: Collection[str]


def find_reopening(
    incoming: IncomingTable, earlier: EarlierReopening | None = None, *, with_hashes: bool = False
) -> bool:
    """Fill the table ``REOPENING`` with the accepted status events that reopen a ticket; whether there are any."""
    if earlier is not None and not earlier.added:
        return restore_reopening(incoming, earlier.rows)
    event = _events(incoming, with_hashes=with_hashes)
    tickets = ""
    if earlier is not None:
        tickets = f"SELECT ticket_id FROM ({_events(incoming.with_labels(earlier.added))})"
        event = f"SELECT * FROM ({event}) WHERE ticket_id IN ({tickets})"
    places = ", ".join(f"working.{name}" for name in ("file", "n", "ticket_id", *(["hash"] if with_hashes else [])))
    before = "other.occurred_at < working.occurred_at AND other.known <= working.known"
    rest_of_day = """other.kind IN ('reopened', 'solved', 'closed') AND other.occurred_at >= working.occurred_at
        AND CAST(other.occurred_at AS DATE) = CAST(working.occurred_at AS DATE)
        AND CAST(other.known AS DATE) <= CAST(working.known AS DATE)"""
    incoming.cursor.execute(
        f"""CREATE OR REPLACE TABLE {REOPENING} AS
        WITH state AS ({event}), working AS (SELECT * FROM state WHERE {_IS_WORKING})
        SELECT {places} FROM working JOIN state AS other USING (ticket_id)
        WHERE ({before}) OR ({rest_of_day})
        GROUP BY ALL
        HAVING arg_max(other.kind, row(other.occurred_at, other.kind IN ('solved', 'closed'))) FILTER ({before})
            IN ('solved', 'closed')
        AND arg_min(other.kind, row(other.occurred_at, other.kind <> 'reopened')) FILTER ({rest_of_day})
            IS DISTINCT FROM 'reopened'"""
    )
    if earlier is not None:
        incoming.cursor.register("earlier_reopening", _with_files(incoming, earlier.rows))
        incoming.cursor.execute(
            f"INSERT INTO {REOPENING} SELECT * FROM earlier_reopening WHERE ticket_id NOT IN ({tickets})"
        )
        incoming.cursor.unregister("earlier_reopening")
    return bool(incoming.number(f"SELECT count(*) FROM {REOPENING}"))


def no_reopening(*, with_hashes: bool) -> pa.Table:
    """The rows that :func:`read_reopening` gives where no event reopens its ticket."""
    columns = {"label": pa.string(), "n": pa.int64(), "ticket_id": pa.string()} | (
        {"hash": pa.uint64()} if with_hashes else {}
    )
    return empty_rows(pa.schema(columns))


def read_reopening(incoming: IncomingTable) -> pa.Table:
    """The rows of the table ``REOPENING`` with labels instead of files."""
    rows, source = incoming.cursor.sql(f"SELECT * FROM {REOPENING}").to_arrow_table(), incoming.source
    place = pc.index_in(rows["file"], value_set=text_array(source.files))
    labels = text_array([source.labels[file] for file in source.files])
    return rows.set_column(0, "label", labels.take(place))


def restore_reopening(incoming: IncomingTable, rows: pa.Table) -> bool:
    """Fill the table ``REOPENING`` with rows that were read from it; whether there are any."""
    incoming.cursor.register("earlier_reopening", _with_files(incoming, rows))
    incoming.cursor.execute(f"CREATE OR REPLACE TABLE {REOPENING} AS SELECT * FROM earlier_reopening")
    incoming.cursor.unregister("earlier_reopening")
    return bool(rows.num_rows)


def _with_files(incoming: IncomingTable, rows: pa.Table) -> pa.Table:
    source = incoming.source
    labels = text_array([source.labels[file] for file in source.files])
    place = pc.index_in(rows["label"], value_set=labels)
    return rows.set_column(0, "file", text_array(source.files).take(place))


def _events(incoming: IncomingTable, *, with_hashes: bool = False) -> str:
    """SQL of the accepted events that open, solve or close a ticket, with their places."""
    names, columns = ("ticket_id", "occurred_at", "kind", "value", "known_at"), incoming.columns
    rows = ", ".join(f"{columns[name]} AS {name}" for name in names)
    if with_hashes:
        reopened = {**columns, "kind": "'reopened'"}
        rows += f", {key_hash(incoming.table, reopened.__getitem__)} AS hash"
    event = f"SELECT s.filename AS file, s.file_row_number AS n, {rows} FROM {incoming.remaining}"
    return f"SELECT *, coalesce(known_at, occurred_at) AS known FROM ({event}) WHERE {_IS_STATE}"


def _has_states(incoming: IncomingTable) -> bool:
    return incoming.table.name == TICKET_EVENTS.name and "value" in incoming.types


def select_accepted(incoming: IncomingTable, *, reopens: bool) -> str:
    """SQL of the accepted rows with the contract's columns; where some of them reopen their ticket, that is their kind.

    ``rejected_<table>`` is filled, and ``REOPENING`` where any event ``reopens`` its ticket.
    """
    if not reopens:
        return f"SELECT {incoming.select} FROM {incoming.remaining}"
    kind = f"CASE WHEN o.file IS NOT NULL THEN 'reopened' ELSE {incoming.columns['kind']} END"
    read = replace(incoming, replacements={**incoming.replacements, "kind": kind})
    joined = f"LEFT JOIN {REOPENING} o ON o.file = s.filename AND o.n = s.file_row_number"
    return f"SELECT {read.select} FROM {incoming.remaining} {joined}"
