"""How much disk a run needs, found out before it writes anything: what is kept for the next night, and scratch.

Both grow with the rows of the source. A large company has to know them beforehand: a disk that becomes full after an
hour costs the night. A small one sees nothing of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from tempfile import gettempdir

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.catalogue import FEATURES
from features.definitions.measures import relations
from features.engine.memory_budget import Budget
from features.engine.memory_size import parse_size
from features.errors import RescueError, UsageError
from features.progress import report_line
from features.source_table import SourceTable
from features.unit_text import size_text

KEPT_BYTES, KEPT_BYTES_OF_USAGE = 48, 6
"""Bytes that are kept for the next night for each row of a table, and of usage: with 10,000 to 1,000,000 accounts the
peak was 75 to 90% of them."""

QUEUE_BYTES = 1_200
"""Bytes of the queue's database, with its log, for each row of accounts after the first nights."""

TRAINING_BYTES, MODEL_BYTES = 12, 100 * 10**6
"""Bytes that a training keeps for each row of a table, as hashes of its files, and for its models."""

TRAINING_CUTOFFS = 100
"""Weeks of which a training computes features together, so that fewer accounts fit into memory."""

SCRATCH_BYTES, FRAME_BYTES = 20, 1_400
"""Bytes of scratch for each row, and for the features of each account, where accounts are computed by ranges."""

MOST_RANGES = 100
"""Ranges of accounts that are written at once: each has buffers of its own, which have to fit into memory, too."""

MOST_FOOTERS = 30
"""Of a table in many more files, about so many footers are read: every night reads those of all files once already."""

SHOWN_FROM = 2**30
"""Bytes from which the need is said."""


@dataclass(frozen=True)
class DiskNeed:
    """Bytes that a run will write into the home folder and into its scratch folder."""

    home: int
    scratch: int

    @classmethod
    def of(cls, rows: Mapping[str, int], *, by_ranges: bool, kept: int = 0, training: bool = False) -> DiskNeed:
        """The need of a source with so many rows by table, of which ``kept`` bytes are in the home folder already."""
        usage, accounts = rows.get("usage_daily", 0), rows.get("accounts", 0)
        others = sum(rows.values()) - usage
        if training:  # keeps no rows, and its frame is in memory
            return cls(max(0, TRAINING_BYTES * others + MODEL_BYTES - kept), SCRATCH_BYTES * others if by_ranges else 0)
        whole = KEPT_BYTES * others + KEPT_BYTES_OF_USAGE * usage + QUEUE_BYTES * accounts
        scratch = SCRATCH_BYTES * others + FRAME_BYTES * accounts if by_ranges else 0
        return cls(max(0, whole - kept), scratch)

    @classmethod
    def of_tables(cls, tables: Iterable[SourceTable], memory: str, state: Path, *, training: bool = False) -> DiskNeed:
        """The need of a run on these tables within this memory; how many rows they have, their footers say.

        Raises:
            UsageError: so little memory would compute them in too many ranges.
        """
        files = {table.name: table.files for table in tables}
        rows = {name: _about_rows(paths) for name, paths in files.items()}
        used = relations(feature.measure for feature in FEATURES)
        cutoffs = TRAINING_CUTOFFS if training else 1
        accounts, at_once = rows.get("accounts", 0), Budget.of(memory, cutoffs, len(FEATURES), used).accounts_read
        if accounts > MOST_RANGES * at_once:
            least = accounts / (MOST_RANGES * at_once) * parse_size(memory)
            raise UsageError(
                f"The setting memory is {memory}, which is too little for {accounts:,} rows of accounts: set at least "
                f"{ceil(least / 2**20):,}MiB."
            )
        by_ranges = accounts > at_once and _count_accounts(files["accounts"], accounts) > at_once
        return cls.of(rows, by_ranges=by_ranges, kept=_folder_size(state), training=training)


def check_disk(need: DiskNeed, home: Path, scratch: Path) -> bool:
    """Say how much disk is needed and free, where it is much; whether the home folder can hold what is to be kept.

    Raises:
        RescueError: the disk of the scratch folder cannot hold what a run needs there.
    """
    free, free_for_scratch = (shutil.disk_usage(folder).free for folder in (home, scratch))
    together = home.stat().st_dev == scratch.stat().st_dev
    if need.scratch > free_for_scratch:
        raise RescueError(
            f"The disk of {gettempdir()} has {size_text(free_for_scratch)} free, and this source needs about "
            f"{size_text(need.scratch)} there: nothing was written. Free as much, set TMPDIR to a folder on another "
            "disk, or give the setting memory more."
        )
    fits = need.home <= free - (need.scratch if together else 0)
    if need.home + need.scratch >= SHOWN_FROM:
        where = f"{size_text(free)} free" if together else (f"{size_text(free)} and {size_text(free_for_scratch)} free")
        report_line(
            f"Disk: about {size_text(need.home)} in {home} and {size_text(need.scratch)} in {gettempdir()} until the "
            f"run ends; {where}"
        )
    if not fits:
        report_line(
            f"Warning: {home} has not enough disk for what the next night could use again: nothing is kept, and the "
            "next night reads all rows."
        )
    return fits


def _about_rows(files: Sequence[str]) -> int:
    """About how many rows the files have: of many, some footers are read, and the others count by their sizes."""
    some = files[:: max(1, len(files) // MOST_FOOTERS)]
    rows: int = sum(pq.read_metadata(file).num_rows for file in some)
    sizes = (sum(Path(file).stat().st_size for file in chosen) for chosen in (files, some))
    return rows if len(some) == len(files) else round(rows * next(sizes) / max(next(sizes), 1))


def _count_accounts(files: Sequence[str], rows: int) -> int:
    """How many accounts the rows of accounts are: most have several versions. One column is read."""
    if any("account_id" not in pq.read_schema(file).names for file in files):
        return rows
    ids = [column.cast(pa.string()) for file in files for column in pq.read_table(file, columns=["account_id"]).columns]
    return pc.count_distinct(pa.chunked_array([chunk for column in ids for chunk in column.chunks])).as_py() or 0


def _folder_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
