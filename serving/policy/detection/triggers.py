"""Evaluate the conditions of a policy: every condition over every account at once.

The conditions were rebuilt from checked parts (:mod:`features.conditions`). They run in a private DuckDB that contains
only the accounts, cannot open files or connections, and cannot be reconfigured. A condition whose value is unknown for
an account does not hold.
"""

from collections.abc import Mapping
from functools import cache

import duckdb
import numpy as np
import pyarrow as pa

from features.conditions import Condition, Kind
from features.duckdb_connection import open_duckdb
from features.quoting import quote_name
from serving.policy.detection.account_table import AccountTable, Flags


def evaluate_conditions(accounts: AccountTable, conditions: Mapping[str, Condition]) -> dict[str, Flags]:
    """For each condition, the accounts for which it is true: bool[n], in the accounts' order.

    A column that the table does not have (its source is missing tonight) is unknown for every account.
    """
    return evaluate_rows(accounts.table, conditions)


def evaluate_rows(rows: pa.Table, conditions: Mapping[str, Condition]) -> dict[str, Flags]:
    """For each condition, the rows for which it is true: bool[n], in the order of the rows; of signals, for example."""
    if not conditions or not rows.num_rows:
        return {name: np.zeros(rows.num_rows, dtype=np.bool_) for name in conditions}
    needed = {name: kind for condition in conditions.values() for name, kind in condition.columns.items()}
    answers = ", ".join(
        f"COALESCE({condition.sql}, FALSE) AS {quote_name(f'c{place}')}"
        for place, condition in enumerate(conditions.values())
    )
    with _sealed().cursor() as connection:  # a registration ends with its cursor
        connection.register("given", _columns(rows, needed))
        table: pa.Table = connection.sql(f"SELECT {answers} FROM given").to_arrow_table()
    return {name: np.asarray(table.column(place).to_numpy(), dtype=np.bool_) for place, name in enumerate(conditions)}


@cache
def _sealed() -> duckdb.DuckDBPyConnection:
    """The engine, created once per process, because creating one takes longer than most queries."""
    return open_duckdb(threads=1)  # one thread keeps the order of the rows


def _columns(table: pa.Table, needed: Mapping[str, Kind]) -> pa.Table:
    """The needed columns as text or double, null where the table does not have them; and as many rows as it has."""
    columns: dict[str, pa.ChunkedArray | pa.Array] = {"_row": pa.nulls(table.num_rows, pa.int8())}
    for name, kind in needed.items():
        stored = pa.string() if kind == "text" else pa.float64()
        has = name in table.column_names
        columns[name] = table[name].cast(stored) if has else pa.nulls(table.num_rows, stored)
    return pa.table(columns)
