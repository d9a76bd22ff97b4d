"""How many accounts are worked at once, so that a frame of any size is built within the memory it may take."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from features.contract import TABLES
from features.engine.expressions import tables_of
from features.errors import UsageError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)i?B", re.IGNORECASE)
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}

KEPT_PER_ACCOUNT_AND_CUTOFF = 600
"""Bucket sums of usage, bits of users, and what is being written away, as measured at 52 cutoffs."""

NUMBERS_PER_FEATURE = 4
"""Arrays of 8 bytes for each feature while it is computed: itself, its parts, its column."""


LEAST_FOR_DUCKDB = 512 * 2**20
"""Bytes without which DuckDB cannot read a file of many columns on two threads."""

SPILL = "32GiB"
"""What may be spilled; unless it is said, DuckDB fills the disk."""


@dataclass(frozen=True)
class Budget:
    """``read``: accounts of one pass over the sources; ``worked``: accounts evaluated at once, of those."""

    read: int
    worked: int

    @classmethod
    def of(cls, memory: str, cutoffs: int, features: int, relations: Iterable[str]) -> Budget:
        """The ranges that fit: three fifths of the memory for rows, a quarter for arrays; DuckDB gives it back."""
        size = parse_size(memory)
        rows = sum(TABLES[table].bytes_per_account for relation in relations for table in tables_of(relation))
        read = size * 3 / 5 / (rows + KEPT_PER_ACCOUNT_AND_CUTOFF * cutoffs)
        worked = size / 4 / (8 * NUMBERS_PER_FEATURE * cutoffs * max(features, 1))
        return cls(max(int(read), 1), max(int(worked), 1))


def limit_memory(connection: DuckDBPyConnection, memory: str) -> None:
    """Let DuckDB take half of the memory, but what it needs to start, and spill to disk only within a bound."""
    limit = max(parse_size(memory) // 2, LEAST_FOR_DUCKDB)
    connection.cursor().execute(f"SET memory_limit = '{limit} B'")
    connection.cursor().execute(f"SET max_temp_directory_size = '{SPILL}'")


def parse_size(memory: str) -> int:
    """A size like ``4GiB`` in bytes."""
    match = _SIZE.fullmatch(memory.strip())
    if not match:
        raise UsageError(f"{memory!r} is no size of memory: write it like 4GiB or 512MiB.")
    return int(float(match[1]) * _UNITS[match[2].upper()])
