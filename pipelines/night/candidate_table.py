"""The policy's table of candidates: each account known at a cutoff, its money, renewal, risks and features.

A replay needs this for many nights, so the accounts are read for all cutoffs at once: each row of a table is valid from
the day after it became known until a newer version is, and one join with the cutoffs selects the valid rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from features.contract import TABLES
from features.history.versions import known_day, version_key, version_order

if TYPE_CHECKING:
    from features.history.history import History

ACCOUNT_COLUMNS = ("parent_id", "name", "segment", "industry", "region", "owner")
"""Columns of the account itself, which win over a feature of the same name."""

REVENUE_SOURCES = {
    # a year's recurring revenue and the next renewal, over the subscriptions that are running at the cutoff
    "subscriptions": (
        ("account_id", "arr", "renews_at", "ended_at"),
        "sum(arr) AS arr, CAST(min(date_diff('day', as_of, renews_at)) AS DOUBLE) AS renews_in",
        "ended_at IS NULL OR ended_at >= as_of",
    ),
    # without contracts, the invoices of the year before are used
    "invoices": (
        ("account_id", "amount", "issued_at"),
        "greatest(sum(amount), 0) AS arr, CAST(NULL AS DOUBLE) AS renews_in",
        "issued_at >= as_of - INTERVAL 365 DAY",
    ),
}
"""By table: the columns that are read, the select of an account, and which rows count."""

NO_REVENUE = pa.schema(
    [("account_id", pa.string()), ("as_of", pa.date32()), ("arr", pa.float64()), ("renews_in", pa.float64())]
).empty_table()


def build_candidates(history: History, frame: pa.Table, scores: pa.Table) -> pa.Table:
    """One row an account and cutoff of the frame, in its order, as :func:`serving.policy.decision.decide.decide`
    reads it.

    Args:
        history: where the accounts, their money and their tickets come from, each as known at the row's cutoff.
        frame: the features, one row an account and cutoff.
        scores: the scores (``SCORES``), one row an account, cutoff and risk.
    """
    cutoffs = pc.unique(frame["as_of"]).to_pylist()
    known = {**_accounts(history, cutoffs, frame), **_tickets(history, cutoffs, frame)}
    known |= _beside(frame, _money(history, cutoffs), ("arr", "renews_in"))
    features = {name: frame[name] for name in frame.column_names if name not in known}
    return pa.table({**_first(features, "account_id", "as_of"), **known, **features, **_risks(frame, scores)})


def row_keys(rows: pa.Table) -> pa.ChunkedArray:
    """Cutoff and account of each row as one text."""
    return pc.binary_join_element_wise(rows["as_of"].cast(pa.string()), rows["account_id"].cast(pa.string()), " ")


def _first(columns: dict[str, pa.ChunkedArray], *names: str) -> dict[str, pa.ChunkedArray]:
    return {name: columns[name] for name in names}


def _beside(frame: pa.Table, rows: pa.Table, names: Sequence[str]) -> dict[str, pa.ChunkedArray]:
    """These columns of ``rows`` for the rows of the frame that have the same cutoff and account, null elsewhere."""
    place = pc.index_in(row_keys(frame), value_set=row_keys(rows).combine_chunks())
    return {name: rows[name].take(place) for name in names}


def _risks(frame: pa.Table, scores: pa.Table) -> dict[str, pa.ChunkedArray]:
    columns: dict[str, pa.ChunkedArray] = {}
    for risk in sorted(pc.unique(scores["risk"]).to_pylist()):
        own = scores.filter(pc.equal(scores["risk"], risk))
        values = _beside(frame, own, ("probability", "rank_score"))
        columns |= {f"probability_{risk}": values["probability"], f"rank_{risk}": values["rank_score"]}
    return columns


def _accounts(history: History, cutoffs: Sequence[date], frame: pa.Table) -> dict[str, pa.ChunkedArray]:
    columns = ", ".join(ACCOUNT_COLUMNS)
    rows = _asked(
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
    return _beside(frame, _asked(history, cutoffs, "tickets", columns, select), ("ticket_category",))


def _money(history: History, cutoffs: Sequence[date]) -> pa.Table:
    for table, (columns, values, counts) in REVENUE_SOURCES.items():
        if table in history.present:
            select = f"SELECT account_id, as_of, {values} FROM known WHERE {counts} GROUP BY account_id, as_of"
            return _asked(history, cutoffs, table, columns, select)
    return NO_REVENUE


def _asked(history: History, cutoffs: Sequence[date], name: str, columns: Sequence[str], select: str) -> pa.Table:
    """The answer to a select from ``known``: the rows of a table, as known at each cutoff (``as_of``)."""
    table, read = TABLES[name], ", ".join(columns)
    days = ", ".join(f"(DATE '{day.isoformat()}')" for day in cutoffs)
    newer = (
        f"lead({known_day(table)}) OVER (PARTITION BY {version_key(table)} ORDER BY {version_order(table, columns)})"
    )
    return history.query(f"""
        WITH version AS (SELECT {read}, {known_day(table)} AS known_on, {newer} AS newer_on FROM {name}),
        known AS (
            SELECT as_of, {read} FROM version JOIN (VALUES {days}) AS cutoff(as_of)
            ON known_on < as_of AND (newer_on IS NULL OR newer_on >= as_of)
        )
        {select}
    """)
