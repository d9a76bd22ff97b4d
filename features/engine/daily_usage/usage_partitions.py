"""Daily usage by partitions of files, with its sums by day.

The sums of a partition are computed when a cutoff first needs its days, and cached beside the validation results: the
next night adds up what is cached, and reads only files that are new or changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from features.contract import USAGE_DAILY
from features.engine.daily_usage.day_sums import DaySums, sum_by_day
from features.history.cache_files import cache_key, read_cache_file, remove_other_files, write_cache_file
from features.history.history import History
from features.history.partitions import Partition, ValidatedPartitions, overlap
from features.history.versions import known_day, version_key, version_order

SUMS_SUFFIX = ".days"

CACHED_DAYS = 400
"""Days before the newest row within which sums are cached: no window of a night needs older ones."""


def usage_partitions(history: History) -> PartitionSums | None:
    """The sums of a history's usage by partition, where usage was delivered in several files."""
    validated = history.usage
    return None if validated is None else history.cached("usage_partitions", lambda: _open_sums(history, validated))


def _open_sums(history: History, validated: ValidatedPartitions) -> PartitionSums:
    sums = PartitionSums(history, validated)
    sums.remove_old_files()
    return sums


@dataclass(frozen=True, eq=False)
class PartitionSums:
    """The partitions of one night with their sums by day, which are cached in the folder of the validation results."""

    history: History
    validated: ValidatedPartitions
    _sums: dict[Partition, DaySums] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def known_before(self, cutoff: int, first: int, end: int) -> list[DaySums]:
        """The sums of rows known before a cutoff, by the partitions that have any of the days ``[first, end)``."""
        by_days = [(part.accepted_days, part) for part in self.validated.partitions if part.accepted_days]
        ordered = sorted(by_days, key=lambda pair: pair[0])
        with self._lock:
            return [self._sums_at(part, cutoff) for days, part in ordered if overlap(days, (first, end - 1))]

    def remove_old_files(self) -> None:
        """Remove the cached sums of files that have changed or are gone, and of days long ago."""
        names = {self._file_name(partition) for partition in self.validated.partitions if self._is_recent(partition)}
        remove_other_files(self.validated.folder, names, SUMS_SUFFIX)

    def _is_recent(self, partition: Partition) -> bool:
        own, all_days = partition.accepted_days, self.validated.days
        return own is not None and all_days is not None and own[1] >= all_days[1] - CACHED_DAYS

    def _sums_at(self, partition: Partition, cutoff: int) -> DaySums:
        if "usage_daily" in self.history.versioned and partition.known_day >= cutoff:
            return self._compute(partition, cutoff)  # a state in the past, of no use to other nights
        if partition not in self._sums:
            self._sums[partition] = self._newest_sums(partition)
        return self._sums[partition]

    def _newest_sums(self, partition: Partition) -> DaySums:
        name = self._file_name(partition)
        path = self.validated.folder / name
        sums = DaySums.from_cache(read_cache_file(path), name)
        if sums is None:
            sums = self._compute(partition, None)
            if self._is_recent(partition) and write_cache_file(path, sums.to_cache(name)):
                return DaySums.from_cache(read_cache_file(path), name) or sums  # need not stay in memory
        return sums

    def _compute(self, partition: Partition, cutoff: int | None) -> DaySums:
        days = partition.accepted_days or (0, 0)
        return sum_by_day(self.history, self._rows(partition, cutoff), days, partition.rows)

    def _rows(self, partition: Partition, cutoff: int | None) -> str:
        """SQL of the accepted rows of a partition, of each the newest version (that was known before the cutoff)."""
        rows, table = self.validated.rows_query(partition), USAGE_DAILY
        if "usage_daily" not in self.history.versioned:
            return rows
        if cutoff is not None:
            rows = f"SELECT * FROM ({rows}) WHERE {known_day(table)} < DATE '1970-01-01' + {cutoff}"
        key = f"hash({version_key(table)})"
        repeated = f"SELECT {key} FROM ({rows}) GROUP BY 1 HAVING count(*) > 1"
        newest = f"row_number() OVER (PARTITION BY {version_key(table)} ORDER BY {version_order(table)} DESC) = 1"
        return (
            f"SELECT * FROM ({rows}) WHERE {key} NOT IN ({repeated}) UNION ALL "
            f"SELECT * FROM ({rows}) WHERE {key} IN ({repeated}) QUALIFY {newest}"
        )

    def _file_name(self, partition: Partition) -> str:
        """The file of a partition's sums: its name depends on everything that they depend on."""
        return cache_key(self.validated.key, partition.files, partition.name)[:32] + SUMS_SUFFIX
