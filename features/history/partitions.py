"""Partitions of daily usage: the files that share days with one another, and with no other file.

A row of usage is identified by its account, day, feature and user. Files that have no day in common can therefore not
hold two versions of one row, nor the same row twice: results about a partition stay valid whatever arrives in the files
of other partitions. Usually each file, a month or a day, is a partition of its own; a file of late rows joins the
partitions whose days it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

DAY_MICROSECONDS = 86_400_000_000

DayRange = tuple[int, int]
"""The first and the last day, counted since 1970."""

Delivery = tuple[int, int, int]
"""A day on which rows were known, a day that they describe (both since 1970), and how many rows there are."""


@dataclass(frozen=True)
class FileScan:
    """The result of one scan of a file.

    ``bad`` counts rows that break a rule by themselves; ``days`` are the days of all others.
    """

    rows: int = 0
    bad: int = 0
    days: DayRange | None = None


@dataclass(frozen=True)
class Partition:
    """The validation result of the files of one partition.

    ``files`` are their labels and fingerprints, ``unknown_accounts`` the ids that no account had, ``deliveries`` the
    days on which its accepted rows were known. ``name`` is new whenever its rows were read; accounts may have vanished
    since then. The other fields are those of its scans, put together.
    """

    files: tuple[tuple[str, str], ...]
    rows: int
    days: DayRange | None
    unknown_accounts: tuple[str, ...]
    deliveries: tuple[Delivery, ...]
    name: str

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of its files in messages."""
        return tuple(label for label, _ in self.files)

    @property
    def known_day(self) -> int:
        """The last day on which an accepted row was known; before all days where there is none."""
        return max((known for known, _, _ in self.deliveries), default=-DAY_MICROSECONDS)

    @property
    def accepted_days(self) -> DayRange | None:
        """The first and last day of its accepted rows."""
        if not self.deliveries:
            return None
        days = [day for _, day, _ in self.deliveries]
        return min(days), max(days)

    def is_valid(self, fingerprints: Mapping[str, str], new_accounts: frozenset[str]) -> bool:
        """Whether its files are unchanged, and no new account is one that its rows had lacked."""
        unchanged = all(fingerprints.get(label) == fingerprint for label, fingerprint in self.files)
        return unchanged and new_accounts.isdisjoint(self.unknown_accounts)

    def without(self, unknown: Iterable[str], rows: Mapping[tuple[int, int], int]) -> Partition:
        """The same when some accounts have vanished, with so many accepted rows by day known and day described."""
        left = ((known, day, count - rows.get((known, day), 0)) for known, day, count in self.deliveries)
        return replace(
            self,
            unknown_accounts=tuple(sorted({*self.unknown_accounts, *unknown})),
            deliveries=tuple(delivery for delivery in left if delivery[2]),
        )

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Partition:
        """The partition from its JSON values."""
        return cls(**{field.name: _as_tuple(values[field.name]) for field in fields(cls)})


@dataclass(frozen=True, eq=False)
class ValidatedPartitions:
    """The partitions of a table whose rows were validated, and how to read the accepted rows of each.

    ``folder`` is where results about a partition are cached from night to night, ``key`` identifies the rules by which
    rows were accepted, ``files_read`` counts the files that had to be read. ``rows_query`` gives SQL of the accepted
    rows of a partition.
    """

    partitions: Sequence[Partition]
    folder: Path
    key: str
    files_read: int
    rows_query: Callable[[Partition], str]

    @cached_property
    def days(self) -> DayRange | None:
        """The first and last day of all accepted rows."""
        ranges = [partition.accepted_days for partition in self.partitions if partition.accepted_days]
        return (min(first for first, _ in ranges), max(last for _, last in ranges)) if ranges else None

    @cached_property
    def deliveries(self) -> list[tuple[int, int]]:
        """For each day on which rows were known, ascending, the newest day that they describe."""
        newest: dict[int, int] = {}
        for partition in self.partitions:
            for known, day, _ in partition.deliveries:
                newest[known] = max(newest.get(known, day), day)
        return sorted(newest.items())


def group_by_shared_days(scans: Mapping[str, FileScan]) -> list[list[str]]:
    """The files of each partition; within one in the order given."""
    position = {file: number for number, file in enumerate(scans)}
    before_all = (-DAY_MICROSECONDS, -DAY_MICROSECONDS)
    groups: list[list[str]] = []
    end: int | None = None
    for file in sorted(scans, key=lambda file: (scans[file].days or before_all, position[file])):
        days = scans[file].days
        if days is None or end is None or days[0] > end:
            groups.append([file])
        else:
            groups[-1].append(file)
        end = None if days is None else max(days[1], days[1] if end is None else end)
    return [sorted(files, key=position.__getitem__) for files in groups]


def find_overlapping(partitions: Iterable[Partition], scans: Iterable[FileScan]) -> list[Partition]:
    """The partitions that share a day with any of the files."""
    ranges = [scan.days for scan in scans if scan.days]
    return [
        partition
        for partition in partitions
        if partition.days and any(overlap(partition.days, days) for days in ranges)
    ]


def overlap(first: DayRange, second: DayRange) -> bool:
    """Whether two ranges have a day in common."""
    return first[0] <= second[1] and second[0] <= first[1]


def _as_tuple(value: Any) -> Any:
    return tuple(_as_tuple(part) for part in value) if isinstance(value, list) else value
