"""Usage by stretches of files, as a history holds it: when it was delivered, and its sums by day.

The sums of a stretch are made when a cutoff first looks at its days, and kept beside the judgements: the next night
adds up what it finds there, and reads only the files that are new or changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from threading import Lock

from features import judgements, kept
from features.admission_intake import Intake
from features.history import History
from features.stretches import Days, Stretch, meet
from features.usage_days import UsageDays, made_of
from features.versions import key_of, known_on, order_of

ENDING = ".days"

KEPT = 400
"""Days before the newest row within which sums are kept: further back no window of a night looks."""


@dataclass(frozen=True, eq=False)
class UsageStretches:
    """The stretches of one night, and the folder in which their sums by day are kept.

    ``key`` tells the rules by which rows were accepted, ``read`` how many files had to be read to judge them.
    """

    intake: Intake
    stretches: Sequence[Stretch]
    folder: Path
    key: str
    read: int
    _sums: dict[Stretch, UsageDays] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def files(self) -> int:
        """How many files there are."""
        return len(self.intake.raw.files)

    @cached_property
    def days(self) -> Days | None:
        """The first and last day of all accepted rows."""
        spans = [stretch.accepted_days for stretch in self.stretches if stretch.accepted_days]
        return (min(first for first, _ in spans), max(last for _, last in spans)) if spans else None

    @cached_property
    def delivered(self) -> list[tuple[int, int]]:
        """For each day on which rows were known, ascending, the newest day that they tell of."""
        newest: dict[int, int] = {}
        for stretch in self.stretches:
            for known, _, last in stretch.delivered:
                newest[known] = max(newest.get(known, last), last)
        return sorted(newest.items())

    def known_before(self, history: History, cutoff: int, first: int, end: int) -> list[UsageDays]:
        """The sums of what was known before a cutoff, by the stretches that have any of the days ``[first, end)``."""
        met = [one for one in self.stretches if one.accepted_days and meet(one.accepted_days, (first, end - 1))]
        with self._lock:
            return [self._of(history, one, cutoff) for one in sorted(met, key=lambda one: one.accepted_days or ())]

    def tidy(self) -> None:
        """Drop the sums of files that the source no longer has as they were, and of days long ago."""
        kept.keep_only(self.folder, {self._name(one) for one in self.stretches if self._is_recent(one)}, ENDING)

    def _is_recent(self, stretch: Stretch) -> bool:
        own, all_days = stretch.accepted_days, self.days
        return own is not None and all_days is not None and own[1] >= all_days[1] - KEPT

    def _of(self, history: History, stretch: Stretch, cutoff: int) -> UsageDays:
        if "usage_daily" in history.versioned and stretch.known_on >= cutoff:
            return self._made(history, stretch, cutoff)  # as it then stood, of no use to other nights
        if stretch not in self._sums:
            self._sums[stretch] = self._lasting(history, stretch)
        return self._sums[stretch]

    def _lasting(self, history: History, stretch: Stretch) -> UsageDays:
        name = self._name(stretch)
        found = UsageDays.of(kept.read(self.folder / name), name)
        if found is None:
            found = self._made(history, stretch, None)
            if self._is_recent(stretch) and kept.write(self.folder / name, found.kept(name)):
                return UsageDays.of(kept.read(self.folder / name), name) or found  # need not stay in memory
        return found

    def _made(self, history: History, stretch: Stretch, cutoff: int | None) -> UsageDays:
        days = stretch.accepted_days or (0, 0)
        return made_of(history, self._rows(history, stretch, cutoff), days, stretch.rows)

    def _rows(self, history: History, stretch: Stretch, cutoff: int | None) -> str:
        """SQL of the accepted rows of a stretch, of each the newest version (that was known before the cutoff)."""
        wanted = set(stretch.labels)
        raw = self.intake.raw
        files = [file for file in raw.files if raw.labels[file] in wanted]
        part = replace(self.intake, raw=raw.part(self.intake.cursor, files, self.intake.types))
        rows, table = f"SELECT {part.select} FROM {part.remaining}", part.table
        if "usage_daily" not in history.versioned:
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

    def _name(self, stretch: Stretch) -> str:
        """The file of a stretch's sums: named after all that they depend on."""
        rejected = [self._rejected.get(label) for label in stretch.labels]
        return judgements.key_of(self.key, stretch.files, rejected)[:32] + ENDING

    @cached_property
    def _rejected(self) -> dict[str, tuple[int, int]]:
        """By file: how many rows are not accepted, and a number that tells which."""
        sql = f'SELECT label, count(*), bit_xor(hash("row")) FROM {self.intake.rejected} GROUP BY label'
        return {label: (count, which) for label, count, which in self.intake.cursor.execute(sql).fetchall()}
