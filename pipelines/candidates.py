"""The policy's table of candidates: every account known tonight, its money, its renewal, its risks and its features."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

if TYPE_CHECKING:
    from features.history import Snapshot

REVENUE = {
    # a year's recurring revenue and the next renewal, over the subscriptions that are running at the cutoff
    "subscriptions": """
        SELECT account_id, sum(arr) AS arr, CAST(min(date_diff('day', $as_of, renews_at)) AS DOUBLE) AS renews_in
        FROM source WHERE ended_at IS NULL OR ended_at >= $as_of GROUP BY account_id""",
    # without contracts, what was invoiced in the year before stands for it
    "invoices": """
        SELECT account_id, greatest(sum(amount), 0) AS arr, CAST(NULL AS DOUBLE) AS renews_in
        FROM source WHERE issued_at >= $as_of - INTERVAL 365 DAY GROUP BY account_id""",
}


OWN = ("parent_id", "name", "segment", "industry", "region", "owner")
"""Columns of the account itself, which win over a feature of the same name."""

NO_MONEY = pa.schema([("account_id", pa.string()), ("arr", pa.float64()), ("renews_in", pa.float64())]).empty_table()


def candidates(snapshot: Snapshot, frame: pa.Table, scores: pa.Table) -> pa.Table:
    """One row an account of the frame, as :func:`serving.policy.decide` reads it.

    Args:
        snapshot: what was known at the night's cutoff.
        frame: the night's features, one row an account.
        scores: the night's scores (``SCORES``), one row an account and risk.
    """
    risks = sorted(set(scores.column("risk").to_pylist()))
    given = {"frame": frame, "accounts": snapshot.rows("accounts"), "money": _money(snapshot), "scores": scores}
    taken = {"account_id", "as_of", "arr", "renews_in", *OWN}
    columns = [
        "frame.account_id",
        *(f"accounts.{name}" for name in OWN),
        "money.arr, money.renews_in, asked.ticket_category",
        *(f'frame."{name}"' for name in frame.column_names if name not in taken),
        *(f'"{risk}".probability AS "probability_{risk}", "{risk}".rank_score AS "rank_{risk}"' for risk in risks),
    ]
    joins = [f"(FROM scores WHERE risk = '{risk}') AS \"{risk}\"" for risk in risks]
    joined = "".join(f" LEFT JOIN {other} USING (account_id)" for other in ("accounts", "money", "asked", *joins))
    with duckdb.connect() as connection:
        for name, table in {**given, "asked": _last_category(snapshot)}.items():
            connection.register(name, table)
        return connection.sql(f"SELECT {', '.join(columns)} FROM frame{joined} ORDER BY account_id").to_arrow_table()


def _money(snapshot: Snapshot) -> pa.Table:
    for table, sql in REVENUE.items():
        if table in snapshot.history.present:
            return _asked(snapshot, table, sql, {"as_of": snapshot.cutoff})
    return NO_MONEY


def _last_category(snapshot: Snapshot) -> pa.Table:
    newest = "SELECT account_id, arg_max(category, opened_at) AS ticket_category FROM source GROUP BY account_id"
    return _asked(snapshot, "tickets", newest, {})


def _asked(snapshot: Snapshot, table: str, sql: str, parameters: Mapping[str, date]) -> pa.Table:
    with duckdb.connect() as connection:
        connection.register("source", snapshot.rows(table))
        return connection.sql(sql, params=dict(parameters)).to_arrow_table()
