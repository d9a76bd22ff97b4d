"""Sizes of memory as an operator writes them. DuckDB is not imported here: the settings of every command read this."""

import re

from features.errors import UsageError

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)i?B", re.IGNORECASE)
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}

MIN_DUCKDB_BYTES = 512 * 2**20
"""Bytes that DuckDB needs to read a file of many columns on two threads."""


def parse_size(memory: str) -> int:
    """A size like ``4GiB`` in bytes.

    Raises:
        UsageError: the text is no size.
    """
    match = _SIZE.fullmatch(memory.strip())
    if not match:
        raise UsageError(f"{memory!r} is no size of memory: write it as 4GiB or 512MiB.")
    return int(float(match[1]) * _UNITS[match[2].upper()])
