"""Keys that come more than once: nearly every key comes once, so what tells is one number a row, sorted.

Who asks gets the numbers of the keys that come again, and looks at the rows of those alone. Two keys that happen to
have one number are then told apart by what they say, so a number decides nothing by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import duckdb
import numpy as np
from numpy.typing import NDArray

from features.arrow import TOGETHER, array
from features.contract import Table

AT_ONCE = 32_000_000
"""Numbers that are held in memory at once: of more rows a part is asked for at a time."""

FEW = 0.02
"""The share of repeated keys below which their rows are best looked at by themselves."""


@dataclass(frozen=True)
class Repeats:
    """The numbers of the keys that come more than once among so many rows."""

    keys: NDArray[np.uint64]
    rows: int

    @property
    def few(self) -> bool:
        """Whether hardly any key comes again."""
        return len(self.keys) < FEW * self.rows


def number_of_key(table: Table, column: Callable[[str], str], *, own_ids: bool = False) -> str:
    """SQL of the number of a row's key: the contract's, or the event's own id where it has one.

    ``column`` gives the SQL of a column; with ``own_ids`` every event has an id, and nothing else needs to be read.
    """
    key = f"hash({', '.join(column(part) for part in table.key)})"
    if table.name != "ticket_events":
        return key
    own = column("event_id")
    return f"hash({own})" if own_ids else f"CASE WHEN {own} IS NULL THEN {key} ELSE hash({own}) END"


def all_have_ids(cursor: duckdb.DuckDBPyConnection, own: str, rows: str) -> bool:
    """Whether every event has an id of its own, of which ``own`` is the SQL."""
    return bool(cursor.sql(f"SELECT count(*) = count({own}) FROM {rows}").fetchall()[0][0])


def repeats(cursor: duckdb.DuckDBPyConnection, number: str, rows: str, count: int) -> Repeats:
    """The numbers that come more than once; ``rows`` stands after ``FROM``, and there are about ``count`` of them."""
    parts = count // AT_ONCE + 1
    found = []
    for part in range(parts):
        some = f" WHERE key % {parts} = {part}" if parts > 1 else ""
        keys = cursor.sql(f"SELECT key FROM (SELECT {number} AS key FROM {rows}){some}").to_arrow_table(TOGETHER)
        found.append(repeated(array(keys.column("key"))))
    return Repeats(np.concatenate(found), count)


def repeated(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The keys that come more than once: each half of all keys is sorted on a processor of its own."""
    high = keys >= np.uint64(2**63)
    with ThreadPoolExecutor(2) as pool:
        halves = [half[1:][half[1:] == half[:-1]] for half in pool.map(np.sort, (keys[~high], keys[high]))]
    found = np.concatenate(halves)  # in order: the lower half, then the higher
    once_each: NDArray[np.uint64] = found[np.append(True, found[1:] != found[:-1])[: len(found)]]
    return once_each
