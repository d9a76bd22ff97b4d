"""Columns of the policy's candidates about evidence in tickets: how many of four weeks ask to cancel, and so on.

They are independent of the models, and of the optional features about text. Nearly every policy reads none of them, so
only those that a condition reads are computed. The texts are searched in two steps: the database selects those that may
have evidence, which is a small part of all; the phrases are then looked for in these. Text is read here and never
logged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from features.history.versions import date_literal
from features.quoting import quote_text
from models.contracts import EvidenceKind
from models.explain.ticket_evidence import evidence_gate, find_kinds
from pipelines.night.known_rows import known_rows

if TYPE_CHECKING:
    from features.history.history import History

DAYS = 28
EVIDENCE_COLUMNS: Mapping[EvidenceKind, str] = {kind: f"ticket_{kind.value}_{DAYS}d" for kind in EvidenceKind}
"""By kind of evidence, the column with the number of tickets; null where the source has no ticket texts."""

_Tickets = Mapping[tuple[str, date, EvidenceKind], set[str]]


def evidence_columns(
    history: History, frame: pa.Table, competitors: Sequence[str] = (), *, needed: Collection[str] | None = None
) -> dict[str, pa.ChunkedArray | pa.Array]:
    """One column for each kind of evidence, for the rows of the frame (``account_id``, ``as_of``).

    Args:
        history: where the tickets come from.
        frame: the rows.
        competitors: names that are evidence wherever a customer uses them.
        needed: the columns that conditions read; others of evidence are left out. None stands for all.
    """
    columns = {kind: name for kind, name in EVIDENCE_COLUMNS.items() if needed is None or name in needed}
    if not columns:
        return {}
    if "tickets" not in history.present or not {"subject", "body"} & set(history.columns["tickets"]):
        return {name: pa.nulls(frame.num_rows, pa.float64()) for name in columns.values()}
    tickets = _tickets_by_kind(history, pc.unique(frame["as_of"]).to_pylist(), competitors)
    keys = list(zip(frame["account_id"].to_pylist(), frame["as_of"].to_pylist(), strict=True))
    return {
        name: pa.array([float(len(tickets.get((*key, kind), ()))) for key in keys], pa.float64())
        for kind, name in columns.items()
    }


def _tickets_by_kind(history: History, cutoffs: Sequence[date], competitors: Sequence[str]) -> _Tickets:
    """The ids of the tickets with evidence, by account, cutoff and kind; a text is searched once for all cutoffs."""
    rows = list(_texts(history, cutoffs, competitors))
    texts = list(dict.fromkeys(text for *_, text in rows))
    kinds = dict(zip(texts, find_kinds(texts, competitors), strict=True))
    tickets: dict[tuple[str, date, EvidenceKind], set[str]] = defaultdict(set)
    for account, as_of, ticket, text in rows:
        for kind in kinds[text]:
            tickets[account, as_of, kind].add(ticket)
    return tickets


def _texts(
    history: History, cutoffs: Sequence[date], competitors: Sequence[str]
) -> Iterator[tuple[str, date, str, str]]:
    """Account, cutoff, ticket and text of what customers wrote in the window before each cutoff."""
    gate = quote_text(evidence_gate(competitors))
    parts = [name for name in ("subject", "body") if name in history.columns["tickets"]]
    opening = f"concat_ws(chr(10) || chr(10), {', '.join(parts)})"
    columns = ("account_id", "ticket_id", "opened_at", *parts)
    select = f"SELECT account_id, as_of, ticket_id, {opening} AS text FROM known WHERE {_written('opened_at')}"
    where = f"{_in_any_window('opened_at', cutoffs)} AND {_matches(opening, gate)}"
    matching = f"{select} AND {_matches(opening, gate)}"
    yield from _rows(known_rows(history, cutoffs, "tickets", columns, matching, where=where))
    if "ticket_events" in history.present and "value" in history.columns["ticket_events"]:
        yield from _comments(history, cutoffs, gate)


def _comments(history: History, cutoffs: Sequence[date], gate: str) -> Iterator[tuple[str, date, str, str]]:
    """Account, cutoff, ticket and text of customers' comments; their account is that of the ticket at the cutoff."""
    actor = "actor" if "actor" in history.columns["ticket_events"] else "NULL"
    selected = f"kind = 'comment' AND coalesce({actor}, 'customer') = 'customer' AND {_matches('value', gate)}"
    select = f"SELECT ticket_id, as_of, value AS text FROM known WHERE {_written('occurred_at')} AND {selected}"
    where = f"{_in_any_window('occurred_at', cutoffs)} AND {selected}"
    columns = ("ticket_id", "occurred_at", "kind", "value", *(() if actor == "NULL" else ("actor",)))
    comments = known_rows(history, cutoffs, "ticket_events", columns, select, where=where)
    if not comments.num_rows:
        return
    select = "SELECT account_id, as_of, ticket_id FROM known"
    commented = f"ticket_id IN (SELECT ticket_id FROM ticket_events WHERE {where})"
    owners = known_rows(history, cutoffs, "tickets", ("account_id", "ticket_id"), select, where=commented)
    accounts = {(row["ticket_id"], row["as_of"]): row["account_id"] for row in owners.to_pylist()}
    for row in comments.to_pylist():
        if account := accounts.get((row["ticket_id"], row["as_of"])):
            yield account, row["as_of"], row["ticket_id"], row["text"]


def _rows(table: pa.Table) -> Iterator[tuple[str, date, str, str]]:
    for row in table.to_pylist():
        yield row["account_id"], row["as_of"], row["ticket_id"], row["text"]


def _written(column: str) -> str:
    return f"{column} < as_of AND {column} >= as_of - INTERVAL {DAYS} DAY"


def _in_any_window(column: str, cutoffs: Sequence[date]) -> str:
    first = min(cutoffs) - timedelta(days=DAYS)
    return f"{column} < {date_literal(max(cutoffs))} AND {column} >= {date_literal(first)}"


def _matches(text: str, gate: str) -> str:
    return f"regexp_matches(lower({text}), {gate})"
