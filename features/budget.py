"""How many accounts are worked at once, so that a frame of any size is built within the memory it may take."""

import re
from dataclasses import dataclass

from features.errors import UsageError

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)i?B", re.IGNORECASE)
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}

READ_PER_ACCOUNT = 40_000
"""Bytes that the rows of one account take once read, generously: a year of tickets, scores, bills, and usage sums."""

KEPT_PER_ACCOUNT_AND_CUTOFF = 400
"""Bucket sums of usage, and bits of users."""

NUMBERS_PER_FEATURE = 4
"""Arrays of 8 bytes for each feature while it is computed: itself, its parts, its column."""


@dataclass(frozen=True)
class Budget:
    """``read``: accounts of one pass over the sources; ``worked``: accounts evaluated at once, of those."""

    read: int
    worked: int

    @classmethod
    def of(cls, memory: str, cutoffs: int, features: int) -> "Budget":
        """The ranges that fit: a quarter of the memory for DuckDB, half for what was read, a quarter for arrays."""
        size = size_of(memory)
        read = size / 2 / (READ_PER_ACCOUNT + KEPT_PER_ACCOUNT_AND_CUTOFF * cutoffs)
        worked = size / 4 / (8 * NUMBERS_PER_FEATURE * cutoffs * max(features, 1))
        return cls(max(int(read), 1), max(int(worked), 1))


def size_of(memory: str) -> int:
    """A size like ``4GiB`` in bytes."""
    match = _SIZE.fullmatch(memory.strip())
    if not match:
        raise UsageError(f"{memory!r} is no size of memory: write it like 4GiB or 512MiB.")
    return int(float(match[1]) * _UNITS[match[2].upper()])
