"""The newest snapshot of every account, as a night writes it for the lists and pages of accounts.

Most accounts are as they were on the night before. So each row has a fingerprint, and only rows that have another one
are written.
"""

from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy.orm import Session

from features.duckdb_connection import open_duckdb
from features.quoting import quote_name
from serving.store import bulk
from serving.store.tables import Account

_COLUMNS = ("account_id", "parent_id", "name", "segment", "industry", "region", "owner", "currency", "arr")
SEEN_NOW = date.max
"""When an account was seen last, while the newest night has it: so no night has to write all accounts."""


def save_accounts(session: Session, as_of: date, accounts: pa.Table) -> None:
    """Store the accounts of a night; ``accounts`` is the policy's table of candidates."""
    rows = _account_rows(accounts, as_of)
    rows = rows.append_column("fingerprint", _fingerprints(rows))
    rows = rows.append_column("seen_on", pa.repeat(pa.scalar(SEEN_NOW, pa.date32()), rows.num_rows))
    left = as_of - timedelta(days=1)
    bulk.renew(session, Account.__table__, rows, stamp="seen_on", left=left, fingerprint="fingerprint")


def _account_rows(accounts: pa.Table, as_of: date) -> pa.Table:
    columns = {name: _column(accounts, name, pa.float64() if name == "arr" else pa.string()) for name in _COLUMNS}
    overdue = pc.negate(_column(accounts, "renewal_overdue_days", pa.int32()))
    renews_in = pc.coalesce(overdue, _column(accounts, "renews_in", pa.int32()))
    night = pa.scalar(as_of, pa.date32()).cast(pa.int32())
    columns["renews_on"] = pc.add(pc.add(renews_in, night), pa.scalar(0, pa.int32())).cast(pa.date32())
    name = pc.fill_null(columns["name"], "")
    columns["search"] = pc.utf8_lower(pc.binary_join_element_wise(name, columns["account_id"], " "))
    return pa.table(columns).sort_by("account_id")


def _column(table: pa.Table, name: str, kind: pa.DataType) -> pa.ChunkedArray:
    if name not in table.column_names:
        return pa.chunked_array([pa.nulls(table.num_rows, kind)])
    return table.column(name).cast(kind, safe=False)


def _fingerprints(rows: pa.Table) -> pa.ChunkedArray:
    """A number for each row that all its values enter; it has 63 bits, as the databases have no unsigned numbers."""
    columns = ", ".join(quote_name(name) for name in rows.column_names)
    with open_duckdb(threads=1) as connection:
        connection.register("given", rows)
        hashed = connection.sql(f"SELECT CAST(hash({columns}) >> 1 AS BIGINT) AS fingerprint FROM given")
        return hashed.to_arrow_table()["fingerprint"]
