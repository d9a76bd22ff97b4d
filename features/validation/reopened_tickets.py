"""Tickets that are opened again, where the help desk only writes down each new status.

Such a system has no event "reopened": after "solved" follows a status "open". Which of these events reopened a ticket
depends on the events before it. Only what our copy knew when it learned the event is looked at: a row that arrives
later changes no earlier one.
"""

from features.contract import TICKET_EVENTS
from features.quoting import quote_text
from features.validation.incoming_table import IncomingTable

WORKING = ("new", "open", "pending", "on_hold")
"""Values of status events of a ticket that is not solved."""

REOPENING = "reopening_events"
"""The table of the events that reopen their ticket, by file and row number."""


def find_reopening(incoming: IncomingTable) -> bool:
    """Fill the table ``REOPENING`` with the accepted status events that reopen a ticket; whether there are any."""
    if incoming.table.name != TICKET_EVENTS.name or "value" not in incoming.types:
        return False
    columns, working = incoming.columns, ", ".join(map(quote_text, WORKING))
    is_working = f"kind = 'status' AND value IN ({working})"
    if not incoming.number(
        f"SELECT count_if({is_working}) FROM (SELECT {columns['kind']} AS kind, {columns['value']} AS value "
        f"FROM {incoming.source.relation} s)"
    ):
        return False
    rows = ", ".join(f"{columns[name]} AS {name}" for name in ("ticket_id", "occurred_at", "kind", "value", "known_at"))
    event = f"SELECT s.filename AS file, s.file_row_number AS n, {rows} FROM {incoming.remaining}"
    order = "row(earlier.occurred_at, earlier.kind IN ('solved', 'closed'))"
    incoming.cursor.execute(
        f"""CREATE OR REPLACE TABLE {REOPENING} AS
        WITH event AS ({event}),
        working AS (SELECT *, coalesce(known_at, occurred_at) AS known FROM event WHERE {is_working}),
        state AS (
            SELECT ticket_id, occurred_at, kind, coalesce(known_at, occurred_at) AS known FROM event
            WHERE kind IN ('reopened', 'solved', 'closed') OR ({is_working})
        )
        SELECT working.file, working.n FROM working JOIN state AS earlier USING (ticket_id)
        WHERE earlier.occurred_at < working.occurred_at AND earlier.known <= working.known
        GROUP BY ALL HAVING arg_max(earlier.kind, {order}) IN ('solved', 'closed')"""
    )
    return bool(incoming.number(f"SELECT count(*) FROM {REOPENING}"))


def reopened_kind(kind: str) -> str:
    """SQL of the kind of an event of the source's row ``s``, once ``REOPENING`` is filled."""
    reopens = f"(s.filename, s.file_row_number) IN (SELECT (file, n) FROM {REOPENING})"
    return f"CASE WHEN {reopens} THEN 'reopened' ELSE {kind} END"
