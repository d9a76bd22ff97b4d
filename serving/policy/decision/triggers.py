"""Which accounts fire which conditions: every condition over every candidate at once.

The conditions were rebuilt from checked parts (:mod:`serving.policy.definition.conditions`); they run in a private
DuckDB that has
nothing but the candidates, may open nothing and cannot be configured any further. A condition that is unknown for an
account does not fire.
"""

from collections.abc import Mapping
from functools import cache

import duckdb
import numpy as np
import pyarrow as pa

from serving.policy.decision.candidates import Candidates, Flags
from serving.policy.definition.conditions import Condition, Kind, quote_name

SEALED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "threads": "1",
}
"""Settings of the engine: no file, no network, no extension; one thread keeps the order of the rows."""


def fired(candidates: Candidates, conditions: Mapping[str, Condition]) -> dict[str, Flags]:
    """For each condition the accounts for which it is true: bool[n], in the candidates' order.

    A column that the candidates lack (a source that is missing tonight) is unknown for every account.
    """
    if not conditions or not len(candidates):
        return {name: np.zeros(len(candidates), dtype=np.bool_) for name in conditions}
    needed = {name: kind for condition in conditions.values() for name, kind in condition.columns.items()}
    answers = ", ".join(
        f"COALESCE({condition.sql}, FALSE) AS {quote_name(f'c{place}')}"
        for place, condition in enumerate(conditions.values())
    )
    with _sealed().cursor() as connection:  # what is registered on a cursor is gone with it
        connection.register("candidates", _columns(candidates.table, needed))
        table: pa.Table = connection.sql(f"SELECT {answers} FROM candidates").to_arrow_table()
    return {name: np.asarray(table.column(place).to_numpy(), dtype=np.bool_) for place, name in enumerate(conditions)}


@cache
def _sealed() -> duckdb.DuckDBPyConnection:
    """The engine, made once a process: making one costs more than most questions."""
    connection = duckdb.connect(":memory:", config=SEALED)
    connection.execute("SET lock_configuration = true")
    return connection


def _columns(table: pa.Table, needed: Mapping[str, Kind]) -> pa.Table:
    """The needed columns as text or double, with unknowns where the table has none; one row an account always."""
    columns: dict[str, pa.ChunkedArray | pa.Array] = {"account_id": table["account_id"]}
    for name, kind in needed.items():
        stored = pa.string() if kind == "text" else pa.float64()
        has = name in table.column_names
        columns[name] = table[name].cast(stored) if has else pa.nulls(table.num_rows, stored)
    return pa.table(columns)
