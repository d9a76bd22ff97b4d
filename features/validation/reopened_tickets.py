"""Tickets that are opened again, where the help desk only writes down each new status.

Such a system has no event "reopened": after "solved" follows a status "open". Which of these events reopened a ticket
depends on the events before it. Only what our copy knew when it learned the event is looked at: a row that arrives
later changes no earlier one.

A system may write down both, the new status and an event "reopened" of its own. Its own event counts, whichever of the
two comes first within a day: a ticket is reopened once after each solution.
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
    before = "other.occurred_at < working.occurred_at AND other.known <= working.known"
    rest_of_day = """other.kind IN ('reopened', 'solved', 'closed') AND other.occurred_at >= working.occurred_at
        AND CAST(other.occurred_at AS DATE) = CAST(working.occurred_at AS DATE)
        AND CAST(other.known AS DATE) <= CAST(working.known AS DATE)"""
    incoming.cursor.execute(
        f"""CREATE OR REPLACE TABLE {REOPENING} AS
        WITH event AS ({event}),
        working AS (SELECT *, coalesce(known_at, occurred_at) AS known FROM event WHERE {is_working}),
        state AS (
            SELECT ticket_id, occurred_at, kind, coalesce(known_at, occurred_at) AS known FROM event
            WHERE kind IN ('reopened', 'solved', 'closed') OR ({is_working})
        )
        SELECT working.file, working.n FROM working JOIN state AS other USING (ticket_id)
        WHERE ({before}) OR ({rest_of_day})
        GROUP BY ALL
        HAVING arg_max(other.kind, row(other.occurred_at, other.kind IN ('solved', 'closed'))) FILTER ({before})
            IN ('solved', 'closed')
        AND arg_min(other.kind, row(other.occurred_at, other.kind <> 'reopened')) FILTER ({rest_of_day})
            IS DISTINCT FROM 'reopened'"""
    )
    return bool(incoming.number(f"SELECT count(*) FROM {REOPENING}"))


def with_reopening(rows: str) -> str:
    """SQL for ``FROM`` of the source's rows ``s`` beside ``REOPENING`` (``o``), once that is filled."""
    return f"{rows} LEFT JOIN {REOPENING} o ON o.file = s.filename AND o.n = s.file_row_number"


def reopened_kind(kind: str) -> str:
    """SQL of the kind of an event in these rows."""
    return f"CASE WHEN o.file IS NOT NULL THEN 'reopened' ELSE {kind} END"
