"""The policy's table of candidates: each account known at a cutoff, its money, contracts, risks and features.

Unknown is not zero: revenue, renewal and ends are null where the data do not say them. A replay needs this for many
nights, so the accounts are read for all cutoffs at once: each row of a table is valid from the day after it became
known until a newer version is, and one join with the cutoffs selects the valid rows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from features.succession.contract_status import LEAVING, LEFT, RUNNING
from features.succession.succession import succession_by_cutoff
from pipelines.night.evidence_columns import evidence_columns
from pipelines.night.known_rows import known_rows
from pipelines.night.ticket_counts import ticket_count_columns

if TYPE_CHECKING:
    from features.history.history import History
    from serving.policy.definition.tickets.ticket_filter import TicketFilter

ACCOUNT_COLUMNS = ("parent_id", "type", "name", "segment", "industry", "region", "owner")
"""Columns of the account itself, which win over a feature of the same name."""

CONTRACT_COLUMNS = {
    "contract_status": "status",
    "arr": "revenue",
    "currency": "currency",
    "renews_in": "renewal_date",
    "renewal_overdue_days": "renewal_overdue_days",
    "leaves_in": "leaves_on",
    "leaving_arr": "ending_revenue",
    "cancellation_known_in": "leaving_known_at",
    "notice_withdrawn_in": "withdrawn_on",
    "partial_loss_in": "partial_loss_on",
    "partial_loss_known_in": "partial_loss_known_at",
    "partial_loss_arr": "ending_revenue",
    "partial_loss_share": "partial_loss_share",
}
"""By column: what it is in the succession of contracts (:func:`features.succession.succession.succession_at`). Dates
and times become days from the cutoff."""

MONEY = ("arr", "leaving_arr", "partial_loss_arr")
"""Columns that are null where the account's money is in another currency than that of most accounts."""

OF_STATUS = {"leaving_arr": (LEAVING, LEFT), "partial_loss_arr": (RUNNING,)}
"""Columns that are null unless the account has one of these statuses."""

INVOICED_YEAR = """SELECT account_id, as_of, greatest(sum(amount), 0) AS arr,
    CASE WHEN min(currency) = max(currency) THEN min(currency) END AS currency
    FROM known WHERE issued_at >= as_of - INTERVAL 365 DAY AND coalesce(status, '') NOT IN ('void', 'draft')
    GROUP BY account_id, as_of"""
"""Without contracts, the invoices of the year before are the revenue."""


def build_candidates(
    history: History,
    frame: pa.Table,
    scores: pa.Table,
    competitors: Sequence[str] = (),
    *,
    needed: Collection[str] | None = None,
    tickets: Sequence[TicketFilter] = (),
) -> pa.Table:
    """One row an account and cutoff of the frame, in its order, as :func:`serving.policy.decision.decide.decide`
    reads it.

    Args:
        history: where the accounts, their contracts and their tickets come from, each as known at the row's cutoff.
        frame: the features, one row an account and cutoff.
        scores: the scores (``SCORES``), one row an account, cutoff and risk.
        competitors: names of the settings that tickets are searched for.
        needed: the columns that the policy's conditions read; tickets are searched for evidence only if it is among
            these. None stands for all.
        tickets: the kinds of tickets that the policy's conditions count.
    """
    cutoffs = pc.unique(frame["as_of"]).to_pylist()
    known = {**_accounts(history, cutoffs, frame), **_tickets(history, cutoffs, frame)}
    known |= _contracts(history, cutoffs, frame)
    known |= evidence_columns(history, frame, competitors, needed=needed)
    known |= ticket_count_columns(history, frame, [it for it in tickets if needed is None or it.column in needed])
    features = {name: frame[name] for name in frame.column_names if name not in known}
    return pa.table({**_first(features, "account_id", "as_of"), **known, **features, **_risks(frame, scores)})


def row_keys(rows: pa.Table) -> pa.ChunkedArray:
    """Cutoff and account of each row as one text."""
    return pc.binary_join_element_wise(rows["as_of"].cast(pa.string()), rows["account_id"].cast(pa.string()), " ")


def _first(columns: dict[str, pa.ChunkedArray], *names: str) -> dict[str, pa.ChunkedArray]:
    return {name: columns[name] for name in names}


def _beside(frame: pa.Table, rows: pa.Table, names: Sequence[str]) -> dict[str, pa.ChunkedArray]:
    """These columns of ``rows`` for the rows of the frame that have the same cutoff and account, null elsewhere."""
    keys, wanted = (table["account_id"].cast(pa.string()) for table in (rows, frame))
    if not _of_one_cutoff(frame, rows):
        keys, wanted = row_keys(rows), row_keys(frame)
    place = pc.index_in(wanted, value_set=keys.combine_chunks())
    return {name: rows[name].take(place) for name in names}


def _of_one_cutoff(*tables: pa.Table) -> bool:
    """Whether all rows have the same cutoff, as those of a night: then the account alone is a key."""
    ends = [pc.min_max(table["as_of"]).as_py() for table in tables if table.num_rows]
    return len({day for end in ends for day in end.values()}) < 2


def _risks(frame: pa.Table, scores: pa.Table) -> dict[str, pa.ChunkedArray]:
    columns: dict[str, pa.ChunkedArray] = {}
    for risk in sorted(pc.unique(scores["risk"]).to_pylist()):
        own = scores.filter(pc.equal(scores["risk"], risk))
        values = _beside(frame, own, ("probability", "rank_score"))
        columns |= {f"probability_{risk}": values["probability"], f"rank_{risk}": values["rank_score"]}
    return columns


def _accounts(history: History, cutoffs: Sequence[date], frame: pa.Table) -> dict[str, pa.ChunkedArray]:
    columns = ", ".join(ACCOUNT_COLUMNS)
    rows = known_rows(
        history,
        cutoffs,
        "accounts",
        ("account_id", *ACCOUNT_COLUMNS),
        f"SELECT account_id, as_of, {columns} FROM known",
    )
    return _beside(frame, rows, ACCOUNT_COLUMNS)


def _tickets(history: History, cutoffs: Sequence[date], frame: pa.Table) -> dict[str, pa.ChunkedArray]:
    """The category of each account's last ticket."""
    last = "arg_max(category, opened_at) AS ticket_category"
    columns = ("account_id", "category", "opened_at")
    select = f"SELECT account_id, as_of, {last} FROM known GROUP BY account_id, as_of"
    return _beside(frame, known_rows(history, cutoffs, "tickets", columns, select), ("ticket_category",))


def _contracts(history: History, cutoffs: Sequence[date], frame: pa.Table) -> dict[str, pa.ChunkedArray]:
    """What the account's contracts say; without contracts, the revenue is what was invoiced in a year."""
    if "subscriptions" in history.present:
        rows = succession_by_cutoff(history, cutoffs)
        return _beside(frame, _contract_columns(rows), tuple(CONTRACT_COLUMNS))
    if "invoices" in history.present:
        columns = ("account_id", "amount", "issued_at", "currency", "status")
        rows = known_rows(history, cutoffs, "invoices", columns, INVOICED_YEAR)
        return _beside(frame, rows, ("arr", "currency"))
    return {"arr": pa.chunked_array([pa.nulls(frame.num_rows, pa.float64())])}


def _contract_columns(rows: pa.Table) -> pa.Table:
    columns, comparable = {name: rows[name] for name in ("account_id", "as_of")}, _comparable(rows["currency"])
    for name, source in CONTRACT_COLUMNS.items():
        values = rows[source]
        if pa.types.is_temporal(values.type):
            values = pc.cast(values, pa.date32(), safe=False)
            values = pc.cast(pc.days_between(rows["as_of"], values), pa.float64())
        if name in OF_STATUS:
            holds = pc.is_in(rows["status"], value_set=pa.array(OF_STATUS[name]))
            values = pc.if_else(holds, values, pa.scalar(None, values.type))
        if name in MONEY:
            values = pc.if_else(comparable, values, pa.scalar(None, values.type))
        columns[name] = values
    return pa.table(columns)


def _comparable(currency: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whether money is in the currency that most rows have: amounts in another one cannot be compared with it."""
    counts = pc.value_counts(pc.utf8_upper(currency.drop_null())).to_pylist()
    if len(counts) < 2:
        return pa.chunked_array([pa.array([True] * len(currency))])
    most = min(counts, key=lambda it: (-it["counts"], it["values"]))["values"]
    return pc.fill_null(pc.equal(pc.utf8_upper(currency), most), fill_value=True)
