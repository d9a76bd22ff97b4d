"""Stretches of usage: the files that share days with one another, and with no other file.

A row of usage is known by its account, day, feature and user. Files that have no day in common can therefore not hold
two versions of one row, nor one row twice: what is said of a stretch stays true whatever comes in the files of others.
Usually each file, a month or a day, is a stretch of its own; a file of late rows joins those whose days it touches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

DAY = 86_400_000_000
"""Microseconds."""

Days = tuple[int, int]
"""The first day and the last, since 1970."""


@dataclass(frozen=True)
class Scanned:
    """What one scan tells of a file.

    ``bad`` rows break a rule by themselves, and ``days`` are those of the others. ``known`` is the newest ``known_at``
    of any row in microseconds since 1970, ``waiting`` the newest day of a row that has none: when such a row was known,
    and so whether it breaks a rule, is for the whole source to say.
    """

    rows: int = 0
    bad: int = 0
    days: Days | None = None
    known: int | None = None
    waiting: int | None = None


@dataclass(frozen=True)
class Partition:
    """What was found in the files of a stretch.

    ``files`` are their labels and fingerprints; ``orphans`` the ids that no account had, ``delivered`` what came when:
    for each day on which accepted rows were known, the first and last day that they tell of.
    """

    files: tuple[tuple[str, str], ...]
    rows: int
    days: Days | None
    known: int | None
    waiting: int | None
    orphans: tuple[str, ...]
    delivered: tuple[tuple[int, int, int], ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """What a person calls its files."""
        return tuple(label for label, _ in self.files)

    @property
    def known_on(self) -> int:
        """The last day on which a row of it was known; before all days where it has none."""
        return max((known for known, _, _ in self.delivered), default=-DAY)

    @property
    def accepted_days(self) -> Days | None:
        """The days of its accepted rows."""
        if not self.delivered:
            return None
        return min(first for _, first, _ in self.delivered), max(last for _, _, last in self.delivered)

    def stands(self, prints: Mapping[str, str], arrived: frozenset[str]) -> bool:
        """Whether its files are as they were, and none of the accounts that came is one that its rows had lacked."""
        return all(prints.get(label) == told for label, told in self.files) and arrived.isdisjoint(self.orphans)

    def bears(self, before: int | None, now: int | None) -> bool:
        """Whether its rows are judged alike by two newest ``known_at`` of the source (microseconds)."""
        if before == now or self.waiting is None:
            return True
        earliest = min((clock for clock in (before, now) if clock is not None), default=0)
        return self.waiting * DAY <= earliest

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Partition:
        """The stretch as it was written."""
        return cls(**{field.name: _frozen(told[field.name]) for field in fields(cls)})


@dataclass(frozen=True, eq=False)
class ValidatedPartitions:
    """The partitions of a table whose rows were validated, and how to read the accepted rows of each.

    ``folder`` is where results about a partition are cached from night to night, ``key`` identifies the rules by which
    rows were accepted, ``files`` counts all files and ``read`` those that had to be read. ``rows_of`` gives SQL of the
    accepted rows of a partition; ``rejected`` tells, by file, how many rows were rejected and a number that identifies
    them.
    """

    partitions: Sequence[Partition]
    folder: Path
    key: str
    files: int
    read: int
    rows_of: Callable[[Partition], str]
    rejected: Callable[[], Mapping[str, tuple[int, int]]]

    @cached_property
    def days(self) -> Days | None:
        """The first and last day of all accepted rows."""
        spans = [partition.accepted_days for partition in self.partitions if partition.accepted_days]
        return (min(first for first, _ in spans), max(last for _, last in spans)) if spans else None

    @cached_property
    def delivered(self) -> list[tuple[int, int]]:
        """For each day on which rows were known, ascending, the newest day that they describe."""
        newest: dict[int, int] = {}
        for partition in self.partitions:
            for known, _, last in partition.delivered:
                newest[known] = max(newest.get(known, last), last)
        return sorted(newest.items())


def together(scanned: Mapping[str, Scanned]) -> list[list[str]]:
    """The files by stretch; within one in the order given."""
    place = {file: number for number, file in enumerate(scanned)}
    found: list[list[str]] = []
    end: int | None = None
    for file in sorted(scanned, key=lambda file: (scanned[file].days or (-DAY, -DAY), place[file])):
        days = scanned[file].days
        if days is None or end is None or days[0] > end:
            found.append([file])
        else:
            found[-1].append(file)
        end = None if days is None else max(days[1], days[1] if end is None else end)
    return [sorted(files, key=place.__getitem__) for files in found]


def touched(stretches: Iterable[Partition], scanned: Iterable[Scanned]) -> list[Partition]:
    """The stretches that share a day with any of the files."""
    spans = [one.days for one in scanned if one.days]
    return [stretch for stretch in stretches if stretch.days and any(meet(stretch.days, span) for span in spans)]


def meet(one: Days, other: Days) -> bool:
    """Whether two spans have a day in common."""
    return one[0] <= other[1] and other[0] <= one[1]


def _frozen(value: Any) -> Any:
    return tuple(_frozen(part) for part in value) if isinstance(value, list) else value
