"""Columns of the policy's candidates about evidence in tickets: how many of four weeks ask to cancel, and so on.

They are independent of the models, and of the optional features about text. The texts are searched in two steps: the
database selects those that may have evidence, which is a small part of all; the phrases are then looked for in these.
Text is read here and never logged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from features.quoting import quote_text
from models.contracts import EvidenceKind
from models.explain.ticket_evidence import TicketText, evidence_gate, find_evidence
from pipelines.night.known_rows import known_rows

if TYPE_CHECKING:
    from features.history.history import History

DAYS = 28
EVIDENCE_COLUMNS: Mapping[EvidenceKind, str] = {kind: f"ticket_{kind.value}_{DAYS}d" for kind in EvidenceKind}
"""By kind of evidence, the column with the number of tickets; null where the source has no ticket texts."""

_Tickets = Mapping[tuple[str, date, EvidenceKind], set[str]]


def evidence_columns(
    history: History, frame: pa.Table, competitors: Sequence[str] = ()
) -> dict[str, pa.ChunkedArray | pa.Array]:
    """One column for each kind of evidence, for the rows of the frame (``account_id``, ``as_of``)."""
    if "tickets" not in history.present or not {"subject", "body"} & set(history.columns["tickets"]):
        return {name: pa.nulls(frame.num_rows, pa.float64()) for name in EVIDENCE_COLUMNS.values()}
    cutoffs = pc.unique(frame["as_of"]).to_pylist()
    tickets = _tickets_by_kind(history, cutoffs, competitors)
    keys = list(zip(frame["account_id"].to_pylist(), frame["as_of"].to_pylist(), strict=True))
    return {
        name: pa.array([float(len(tickets.get((*key, kind), ()))) for key in keys], pa.float64())
        for kind, name in EVIDENCE_COLUMNS.items()
    }


def _tickets_by_kind(history: History, cutoffs: Sequence[date], competitors: Sequence[str]) -> _Tickets:
    """The ids of the tickets with evidence, by account, cutoff and kind; a text is searched once for all cutoffs."""
    kinds: dict[str, set[EvidenceKind]] = {}
    tickets: dict[tuple[str, date, EvidenceKind], set[str]] = defaultdict(set)
    for account, as_of, ticket, text in _texts(history, cutoffs, competitors):
        if text not in kinds:
            found = find_evidence([TicketText(ticket, as_of, text)], competitors)
            kinds[text] = {evidence.kind for evidence in found}
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
    yield from _rows(known_rows(history, cutoffs, "tickets", columns, f"{select} AND {_matches(opening, gate)}"))
    if "ticket_events" not in history.present or "value" not in history.columns["ticket_events"]:
        return
    actor = "actor" if "actor" in history.columns["ticket_events"] else "NULL"
    select = f"""SELECT ticket_id, as_of, value AS text FROM known WHERE kind = 'comment'
        AND coalesce({actor}, 'customer') = 'customer' AND {_written("occurred_at")} AND {_matches("value", gate)}"""
    columns = ("ticket_id", "occurred_at", "kind", "value", *(() if actor == "NULL" else ("actor",)))
    comments = known_rows(history, cutoffs, "ticket_events", columns, select)
    if not comments.num_rows:
        return
    select = "SELECT account_id, as_of, ticket_id FROM known"
    owners = known_rows(history, cutoffs, "tickets", ("account_id", "ticket_id"), select)
    accounts = {(row["ticket_id"], row["as_of"]): row["account_id"] for row in owners.to_pylist()}
    for row in comments.to_pylist():
        if account := accounts.get((row["ticket_id"], row["as_of"])):
            yield account, row["as_of"], row["ticket_id"], row["text"]


def _rows(table: pa.Table) -> Iterator[tuple[str, date, str, str]]:
    for row in table.to_pylist():
        yield row["account_id"], row["as_of"], row["ticket_id"], row["text"]


def _written(column: str) -> str:
    return f"{column} < as_of AND {column} >= as_of - INTERVAL {DAYS} DAY"


def _matches(text: str, gate: str) -> str:
    return f"regexp_matches(lower({text}), {gate})"
