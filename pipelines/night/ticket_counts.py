"""Columns of the policy's candidates that count tickets of a kind: unresolved ones of an issue type or of a launch.

A kind is defined by what was known when a ticket was opened, so the first version of a ticket decides, and a later
change of its priority or group changes nothing. To whom the ticket belongs, and whether it is resolved, is what was
known at the cutoff. A ticket is resolved by a `solved` or `closed` event until it is reopened or the customer writes
again, as in the feature `tickets_open`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from features.contract import TABLES
from features.history.versions import known_day, version_key, version_order
from features.quoting import quote_name
from pipelines.night.known_rows import known_rows

if TYPE_CHECKING:
    from features.history.history import History
    from serving.policy.definition.tickets.ticket_filter import TicketFilter

MATCHED = "tickets_of_kinds"
STATES = "kind IN ('reopened', 'solved', 'closed', 'merged') OR (kind = 'comment' AND {actor} = 'customer')"
RESOLVED = ("solved", "closed", "merged")


def opened_tickets(history: History, columns: Sequence[str]) -> str:
    """The SQL of tickets as they were opened: their first version, with these columns and ``folded``.

    ``folded`` is subject and body in lower case without accents. A column that the source does not have, or whose value
    at the time is not known, is null.
    """
    table = TABLES["tickets"]
    given = {name: quote_name(name) if history.has_column("tickets", name) else "NULL" for name in table.names}
    selected = ", ".join(
        f"CAST({given[name]} AS {table.column(name).kind}) AS {quote_name(name)}"
        for name in dict.fromkeys(("ticket_id", "account_id", "opened_at", *columns))
    )
    text = f"concat_ws(' ', CAST({given['subject']} AS VARCHAR), CAST({given['body']} AS VARCHAR))"
    return (
        f"SELECT {selected}, strip_accents(lower({text})) AS folded, {known_day(table)} AS known_on, "
        "CAST(extract(hour FROM opened_at) AS DOUBLE) AS opened_hour, "
        "CAST(extract(isodow FROM opened_at) AS DOUBLE) AS opened_weekday FROM tickets "
        f"QUALIFY row_number() OVER (PARTITION BY {version_key(table)} ORDER BY {version_order(table)}) = 1"
    )


def ticket_count_columns(
    history: History, frame: pa.Table, filters: Sequence[TicketFilter]
) -> dict[str, pa.ChunkedArray | pa.Array]:
    """One column a kind, for the rows of the frame (``account_id``, ``as_of``); null if the source has no tickets."""
    if not filters:
        return {}
    if "tickets" not in history.present:
        return {it.column: pa.nulls(frame.num_rows, pa.float64()) for it in filters}
    cutoffs: list[date] = pc.unique(frame["as_of"]).to_pylist()
    counts = _counts(history, cutoffs, filters)
    keys = list(zip(frame["account_id"].to_pylist(), frame["as_of"].to_pylist(), strict=True))
    return {
        it.column: pa.array([float(counts[(*key, place)]) for key in keys], pa.float64())
        for place, it in enumerate(filters)
    }


def _counts(
    history: History, cutoffs: Sequence[date], filters: Sequence[TicketFilter]
) -> Counter[tuple[str, date, int]]:
    """How many unresolved tickets of each kind (its place) an account has at each cutoff."""
    columns = sorted(set().union(*(it.columns for it in filters)))
    kinds = ", ".join(f"({it.sql()}) AS k{place}" for place, it in enumerate(filters))
    marks = " OR ".join(f"k{place}" for place in range(len(filters)))
    opened = opened_tickets(history, columns)
    until = max(cutoffs).isoformat()
    matched = history.query(
        f"SELECT * FROM (SELECT ticket_id, opened_at, known_on, {kinds} FROM ({opened}) "
        f"WHERE opened_at < DATE '{until}') WHERE {marks}"
    )
    counts: Counter[tuple[str, date, int]] = Counter()
    if not matched.num_rows:
        return counts
    with history.temporary_table(MATCHED, matched.select(["ticket_id"])):
        resolved = _resolved(history, cutoffs)
        owners = known_rows(
            history,
            cutoffs,
            "tickets",
            ("ticket_id", "account_id", "merged_into"),
            "SELECT ticket_id, account_id, as_of FROM known WHERE merged_into IS NULL AND account_id IS NOT NULL",
            where=f"ticket_id IN (SELECT ticket_id FROM {MATCHED})",
        )
    rows = {row["ticket_id"]: row for row in matched.to_pylist()}
    for owner in owners.to_pylist():
        ticket, as_of = rows.get(owner["ticket_id"]), owner["as_of"]
        if ticket is None or (owner["ticket_id"], as_of) in resolved or ticket["opened_at"].date() >= as_of:
            continue
        for place, it in enumerate(filters):
            if ticket[f"k{place}"] and counts_at(it, ticket["opened_at"], as_of):
                counts[owner["account_id"], as_of, place] += 1
    return counts


def counts_at(kind: TicketFilter, opened_at: datetime, as_of: date) -> bool:
    """Whether an unresolved ticket of the kind that was opened then still counts at a cutoff."""
    if kind.ends is not None and datetime.combine(as_of, time.min, UTC) >= kind.ends:
        return False
    days = kind.opened_within_days
    return days is None or opened_at >= datetime.combine(as_of, time.min) - timedelta(days=days)


def _resolved(history: History, cutoffs: Sequence[date]) -> set[tuple[str, date]]:
    """The matched tickets that were resolved at each cutoff."""
    if "ticket_events" not in history.present:
        return set()
    has_actor = "actor" in history.columns["ticket_events"]
    states = STATES.format(actor="actor" if has_actor else "NULL")
    rows = known_rows(
        history,
        cutoffs,
        "ticket_events",
        ("ticket_id", "occurred_at", "kind", *(("actor",) if has_actor else ())),
        f"SELECT ticket_id, as_of FROM known WHERE occurred_at < as_of AND ({states}) GROUP BY ticket_id, as_of "
        f"HAVING arg_max(kind, row(occurred_at, kind)) IN {RESOLVED}",
        where=f"ticket_id IN (SELECT ticket_id FROM {MATCHED})",
    )
    return {(row["ticket_id"], row["as_of"]) for row in rows.to_pylist()}
