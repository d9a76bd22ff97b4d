"""Usage by stretches of files, as a history holds it: when it was delivered, and its sums by day.

The sums of a stretch are made when a cutoff first looks at its days, and kept beside the judgements: the next night
adds up what it finds there, and reads only the files that are new or changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock

from features.contract import USAGE_DAILY
from features.engine.daily_usage.day_sums import UsageDays, made_of
from features.history import cache_files
from features.history.history import History
from features.history.partitions import Partition, ValidatedPartitions, meet
from features.history.versions import key_of, known_on, order_of

ENDING = ".days"

KEPT = 400
"""Days before the newest row within which sums are kept: further back no window of a night looks."""


def usage_partitions(history: History) -> UsageStretches | None:
    """The sums of a history's usage by partition, where usage was delivered in several files."""
    validated = history.usage
    return None if validated is None else history.derived("usage_partitions", lambda: _opened(history, validated))


def _opened(history: History, validated: ValidatedPartitions) -> UsageStretches:
    found = UsageStretches(history, validated)
    found.tidy()
    return found


@dataclass(frozen=True, eq=False)
class UsageStretches:
    """The partitions of one night with their sums by day, which are cached in the folder of the validated rows."""

    history: History
    validated: ValidatedPartitions
    _sums: dict[Partition, UsageDays] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def known_before(self, cutoff: int, first: int, end: int) -> list[UsageDays]:
        """The sums of what was known before a cutoff, by the stretches that have any of the days ``[first, end)``."""
        with_days = [(one.accepted_days, one) for one in self.validated.partitions if one.accepted_days]
        wanted = [one for days, one in sorted(with_days, key=lambda pair: pair[0]) if meet(days, (first, end - 1))]
        with self._lock:
            return [self._of(one, cutoff) for one in wanted]

    def tidy(self) -> None:
        """Drop the sums of files that the source no longer has as they were, and of days long ago."""
        names = {self._name(one) for one in self.validated.partitions if self._is_recent(one)}
        cache_files.keep_only(self.validated.folder, names, ENDING)

    def _is_recent(self, stretch: Partition) -> bool:
        own, all_days = stretch.accepted_days, self.validated.days
        return own is not None and all_days is not None and own[1] >= all_days[1] - KEPT

    def _of(self, stretch: Partition, cutoff: int) -> UsageDays:
        if "usage_daily" in self.history.versioned and stretch.known_on >= cutoff:
            return self._made(stretch, cutoff)  # as it then stood, of no use to other nights
        if stretch not in self._sums:
            self._sums[stretch] = self._lasting(stretch)
        return self._sums[stretch]

    def _lasting(self, stretch: Partition) -> UsageDays:
        name = self._name(stretch)
        found = UsageDays.of(cache_files.read(self.validated.folder / name), name)
        if found is None:
            found = self._made(stretch, None)
            if self._is_recent(stretch) and cache_files.write(self.validated.folder / name, found.kept(name)):
                cached = UsageDays.of(cache_files.read(self.validated.folder / name), name)
                return cached or found  # need not stay in memory
        return found

    def _made(self, stretch: Partition, cutoff: int | None) -> UsageDays:
        days = stretch.accepted_days or (0, 0)
        return made_of(self.history, self._rows(stretch, cutoff), days, stretch.rows)

    def _rows(self, stretch: Partition, cutoff: int | None) -> str:
        """SQL of the accepted rows of a stretch, of each the newest version (that was known before the cutoff)."""
        rows, table = self.validated.rows_of(stretch), USAGE_DAILY
        if "usage_daily" not in self.history.versioned:
            return rows
        if cutoff is not None:
            rows = f"SELECT * FROM ({rows}) WHERE {known_on(table)} < DATE '1970-01-01' + {cutoff}"
        key = f"hash({key_of(table)})"
        twice = f"SELECT {key} FROM ({rows}) GROUP BY 1 HAVING count(*) > 1"
        newest = f"row_number() OVER (PARTITION BY {key_of(table)} ORDER BY {order_of(table)} DESC) = 1"
        return (
            f"SELECT * FROM ({rows}) WHERE {key} NOT IN ({twice}) UNION ALL "
            f"SELECT * FROM ({rows}) WHERE {key} IN ({twice}) QUALIFY {newest}"
        )

    def _name(self, stretch: Partition) -> str:
        """The file of a stretch's sums: named after all that they depend on."""
        rejected = [self._rejected.get(label) for label in stretch.labels]
        return cache_files.cache_key(self.validated.key, stretch.files, rejected)[:32] + ENDING

    @cached_property
    def _rejected(self) -> Mapping[str, tuple[int, int]]:
        """By file: how many rows are not accepted, and a number that tells which."""
        return self.validated.rejected()
