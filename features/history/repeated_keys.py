"""Keys that occur more than once: nearly every key occurs once, so one 64-bit hash a row is compared, sorted.

The caller gets the hashes of the repeated keys and looks only at the rows of those. Two keys that happen to have one
hash are then distinguished by their values, so a hash decides nothing by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import duckdb
import numpy as np
from numpy.typing import NDArray

from features.arrow import CHUNK_ROWS, to_numpy
from features.contract import Table

MAX_HASHES = 32_000_000
"""Hashes that are held in memory at once: of more rows a part is read at a time."""

FEW = 0.02
"""The share of repeated keys below which their rows are best handled separately."""


@dataclass(frozen=True)
class RepeatedKeys:
    """The hashes of the keys that occur more than once among so many rows."""

    hashes: NDArray[np.uint64]
    rows: int

    @property
    def few(self) -> bool:
        """Whether hardly any key is repeated."""
        return len(self.hashes) < FEW * self.rows


def key_hash(table: Table, column: Callable[[str], str], *, own_ids: bool = False) -> str:
    """SQL of the hash of a row's key: the contract's key, or the row's own id where it has one.

    ``column`` gives the SQL of a column; with ``own_ids`` every row has an id, and nothing else needs to be read.
    """
    key = f"hash({', '.join(column(part) for part in table.key)})"
    if table.own_id is None:
        return key
    own = column(table.own_id)
    return f"hash({own})" if own_ids else f"CASE WHEN {own} IS NULL THEN {key} ELSE hash({own}) END"


def all_have_own_ids(cursor: duckdb.DuckDBPyConnection, own: str, rows: str) -> bool:
    """Whether every row has an id of its own, of which ``own`` is the SQL."""
    return bool(cursor.sql(f"SELECT count(*) = count({own}) FROM {rows}").fetchall()[0][0])


def find_repeated_keys(cursor: duckdb.DuckDBPyConnection, hash_sql: str, rows: str, count: int) -> RepeatedKeys:
    """The hashes that occur more than once in ``rows`` (SQL for ``FROM``), of which there are about ``count``."""
    parts = count // MAX_HASHES + 1
    repeated = []
    for part in range(parts):
        condition = f" WHERE key % {parts} = {part}" if parts > 1 else ""
        keys = cursor.sql(f"SELECT key FROM (SELECT {hash_sql} AS key FROM {rows}){condition}").to_arrow_table(
            CHUNK_ROWS
        )
        repeated.append(select_repeated(to_numpy(keys.column("key"))))
    return RepeatedKeys(np.concatenate(repeated), count)


def select_repeated(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The values that occur more than once, ascending: each half of all values is sorted on a processor of its own."""
    high = hashes >= np.uint64(2**63)
    with ThreadPoolExecutor(2) as pool:
        halves = [half[1:][half[1:] == half[:-1]] for half in pool.map(np.sort, (hashes[~high], hashes[high]))]
    repeated = np.concatenate(halves)  # ascending: the lower half, then the higher
    unique: NDArray[np.uint64] = repeated[np.append(True, repeated[1:] != repeated[:-1])[: len(repeated)]]
    return unique
