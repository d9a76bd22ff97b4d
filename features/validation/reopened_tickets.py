"""Tickets that are opened again, where the help desk only writes down each new status.

Such a system has no event "reopened": after "solved" follows a status "open". Which of these events reopened a ticket
depends on the events before it, so it is decided once all rows are accepted. Only what our copy knew when it learned
the event is looked at: a row that arrives later changes no earlier one.
"""

from pathlib import Path

import duckdb

from features.contract import TICKET_EVENTS
from features.history.versions import known_instant
from features.quoting import quote_text
from features.validation.incoming_table import IncomingTable

WORKING = ("new", "open", "pending", "on_hold")
"""Values of status events of a ticket that is not solved."""

_IN = ", ".join(map(quote_text, WORKING))


def may_reopen(incoming: IncomingTable) -> bool:
    """Whether any row is a status event of a ticket that is being worked on."""
    if "value" not in incoming.types:
        return False
    kind, value = incoming.columns["kind"], incoming.columns["value"]
    return bool(
        incoming.number(f"SELECT count_if({kind} = 'status' AND {value} IN ({_IN})) FROM {incoming.source.relation} s")
    )


def mark_reopened(cursor: duckdb.DuckDBPyConnection, rows: str, target: Path) -> str:
    """Write the events to a file, with the kind ``reopened`` where one reopens its ticket; SQL of the rows in it."""
    known, file = known_instant(TICKET_EVENTS), quote_text(str(target))
    numbered = f"SELECT *, row_number() OVER () AS place, {known} AS known FROM ({rows})"
    states = f"kind IN ('reopened', 'solved', 'closed') OR (kind = 'status' AND value IN ({_IN}))"
    order = "(earlier.occurred_at, earlier.kind IN ('solved', 'closed'))"
    cursor.execute(
        f"""COPY (
        WITH event AS MATERIALIZED ({numbered}),
        state AS (SELECT ticket_id, occurred_at, kind, known FROM event WHERE {states}),
        reopening AS (
            SELECT place FROM event JOIN state AS earlier USING (ticket_id)
            WHERE event.kind = 'status' AND event.value IN ({_IN})
                AND earlier.occurred_at < event.occurred_at AND earlier.known <= event.known
            GROUP BY place HAVING arg_max(earlier.kind, {order}) IN ('solved', 'closed')
        )
        SELECT event.* EXCLUDE (place, known)
            REPLACE (CASE WHEN reopening.place IS NULL THEN event.kind ELSE 'reopened' END AS kind)
        FROM event LEFT JOIN reopening USING (place)
        ) TO {file} (FORMAT parquet)"""
    )
    return f"SELECT * FROM read_parquet({file})"
