"""How many accounts are processed at once, so that a frame of any size is built within the memory limit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from features.contract import TABLES
from features.engine.memory_size import MIN_DUCKDB_BYTES, parse_size
from features.engine.table_rows.expressions import tables_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BYTES_PER_ACCOUNT_AND_CUTOFF = 600
"""Bucket sums of usage, bits of users, and output that is being written, as measured at 52 cutoffs."""

ARRAYS_PER_FEATURE = 4
"""Arrays of 8 bytes for each feature while it is computed: itself, its parts, its column."""

MAX_SPILL = "32GiB"
"""Size of spilled data; without a limit DuckDB fills the disk."""


@dataclass(frozen=True)
class Budget:
    """``accounts_read`` in one pass over the sources; ``accounts_computed`` at once, of those."""

    accounts_read: int
    accounts_computed: int

    @classmethod
    def of(cls, memory: str, cutoffs: int, features: int, relations: Iterable[str]) -> Budget:
        """What fits: three fifths of the memory for rows, a quarter for arrays; DuckDB then frees its own."""
        size = parse_size(memory)
        rows = sum(TABLES[table].bytes_per_account for relation in relations for table in tables_of(relation))
        read = size * 3 / 5 / (rows + BYTES_PER_ACCOUNT_AND_CUTOFF * cutoffs)
        computed = size / 4 / (8 * ARRAYS_PER_FEATURE * cutoffs * max(features, 1))
        return cls(max(int(read), 1), max(int(computed), 1))


def limit_memory(connection: DuckDBPyConnection, memory: str) -> None:
    """Limit DuckDB to half of the memory, but at least what it needs, and limit what it spills to disk."""
    limit = max(parse_size(memory) // 2, MIN_DUCKDB_BYTES)
    connection.cursor().execute(f"SET memory_limit = '{limit} B'")
    connection.cursor().execute(f"SET max_temp_directory_size = '{MAX_SPILL}'")
