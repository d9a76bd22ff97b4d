"""The accounts of one cube, by their dense numbers, and the ranges of accounts that are computed one after another.

Where not all accounts fit into memory, a range at a time is computed. What is kept for the next night is kept by range,
so the ranges stay the same from night to night as accounts come and go: each begins at the same id.
"""

from __future__ import annotations

from bisect import bisect_left
from contextlib import suppress
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from features.engine.windows import Ints
from features.history.cache_files import CachedFile, read_cache_file, write_cache_file
from features.history.history import History
from features.quoting import quote_text

MOST_GROWTH = 1.1
"""A range may have so many times the accounts of its width before all ranges begin anew."""

RANGES_FILE = "account.ranges"
"""The file in the folder of what is kept, with the ids at which ranges begin."""

ROWS_SUFFIX = ".rows"
"""The end of the names of files with kept rows, which begin with the name of their range."""

_folders = count()


@dataclass(frozen=True)
class Scope:
    """The dense numbers of the accounts, ascending.

    ``name`` is that of their range, where all accounts are computed by ranges: their rows are kept under it.
    ``begins`` are the dense numbers at which all ranges begin, where there are several.
    """

    codes: Ints
    name: str = ""
    begins: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def condition(self) -> str:
        """SQL that is true of their rows."""
        if not len(self):
            return "false"
        low, high = int(self.codes[0]), int(self.codes[-1])
        if high - low + 1 == len(self.codes):
            return f"account BETWEEN {low} AND {high}"
        return f"account IN ({', '.join(map(str, self.codes.tolist()))})"

    def places(self, account: Ints) -> Ints:
        """The position in this scope of each account's dense number."""
        if len(self) and self.codes[-1] - self.codes[0] + 1 == len(self):
            low: int = int(self.codes[0])
            return account - low
        return np.searchsorted(self.codes, account)


def account_ranges(history: History, width: int, *, keep: bool = False) -> list[Scope]:
    """All accounts of a history, at most about ``width`` at a time; one range without accounts where there are none.

    With ``keep`` they are those of the night before, as far as there were any.
    """
    state = history.state if keep else None
    total = len(history.accounts)
    if total <= width:
        if state and (state / RANGES_FILE).is_file():
            _forget_ranges(state)
        return [Scope(np.arange(total, dtype=np.int64), "0")]
    begins = (state and _kept_begins(history, state, width)) or list(range(0, total, width))
    return [
        Scope(np.arange(first, end, dtype=np.int64), str(place), tuple(begins))
        for place, (first, end) in enumerate(pairwise([*begins, total]))
    ]


def _kept_begins(history: History, state: Path, width: int) -> list[int] | None:
    """Where the ranges of the night before begin tonight; ``None`` where they do not fit, and new ones are kept."""
    path, total = state / RANGES_FILE, len(history.accounts)
    kept = read_cache_file(path)
    if kept is not None and kept.values.get("width") == width:
        _, *others = kept.tables[0]["account_id"].to_pylist()
        begins = [0, *(bisect_left(history.accounts, other, key=lambda it: it.as_py()) for other in others)]
        sizes = np.diff(begins, append=total)
        if sizes.min() > 0 and sizes.max() <= MOST_GROWTH * width:
            return begins
    _forget_ranges(state)
    ids = history.accounts.take(pa.array(range(0, total, width)))
    write_cache_file(path, CachedFile({"width": width}, [pa.table({"account_id": ids})]))
    return None


def _forget_ranges(state: Path) -> None:
    """Remove the ranges and all rows that are kept by range: others will be kept, and nobody would use these."""
    with suppress(OSError):
        for file in (state / RANGES_FILE, *state.glob(f"*/*{ROWS_SUFFIX}")):
            file.unlink(missing_ok=True)


def rows_in_scope(history: History, query: str, scope: Scope) -> str:
    """SQL of the rows of a query, which has a column ``account``, that are of these accounts, in any order."""
    if not scope.begins or history.scratch is None:
        return f"SELECT * FROM ({query}) WHERE {scope.condition}"
    name = f"rows by range {scope.begins}: {query}"
    folder = history.cached(name, lambda: write_by_range(history, query, scope.begins))
    return rows_of_range(folder, scope)


def write_by_range(history: History, query: str, begins: tuple[int, ...]) -> Path:
    """Write the rows of a query, which has a column ``account``, by range into a folder of the run's scratch.

    To ask for each range would read the whole source as often as there are ranges.
    """
    folder = Path(history.scratch or "", "ranges", str(next(_folders)))
    folder.mkdir(parents=True)
    cursor = history.connection.cursor()
    place = " + ".join(f"CAST(account >= {begin} AS INTEGER)" for begin in begins[1:])
    cursor.execute(
        f"COPY (SELECT *, {place} AS part FROM ({query})) TO {quote_text(str(folder))} "
        "(FORMAT parquet, PARTITION_BY (part), COMPRESSION snappy, OVERWRITE_OR_IGNORE)"
    )
    empty = quote_text(str(folder / "none.parquet"))
    cursor.execute(f"COPY (SELECT * FROM ({query}) LIMIT 0) TO {empty} (FORMAT parquet)")
    return folder


def rows_of_range(folder: Path, scope: Scope) -> str:
    """SQL of the rows of one range in a folder of :func:`write_by_range`."""
    part = folder / f"part={scope.name}"
    part = part if part.is_dir() else folder  # no row is of these accounts: the folder itself has one file without rows
    return f"SELECT * FROM read_parquet({quote_text(str(part / '*.parquet'))}, hive_partitioning = false)"
