"""Dense sums of usage by bucket of time and account, of which every window is a difference.

A bucket is the time between two neighbours among all first and last days of all windows of all cutoffs. Rows are added
in any order, so that nothing has to be sorted. An array is laid out by bucket, then by feature, then by account: a
value of all accounts is then a run of memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.engine.windows import Floats, Ints, accumulate, split_exact

DAYS_PER_BYTE = 255
"""Days of use that are counted in one byte."""

MAX_INT32 = 2**31 - 1
"""The largest sum of events in four bytes."""


Window = tuple[int, int]
"""Days since 1970, ``[first, end)``."""


@dataclass(frozen=True)
class Buckets:
    """``edges[i]`` is the first day of bucket ``i``; the last edge is the first day after all buckets."""

    edges: Ints

    @classmethod
    def from_windows(cls, windows: Iterable[Window]) -> Buckets:
        """The fewest buckets of which every window is a run."""
        return cls(np.unique(np.array([day for window in windows for day in window], dtype=np.int64)))

    def __len__(self) -> int:
        return max(len(self.edges) - 1, 0)

    @property
    def first(self) -> int:
        """The first day of the first bucket."""
        return int(self.edges[0])

    @property
    def days(self) -> int:
        """The number of days in all buckets."""
        return int(self.edges[-1] - self.edges[0])

    def span(self, window: Window) -> tuple[int, int]:
        """The buckets of a window, ``[first, end)``."""
        first, end = np.searchsorted(self.edges, window).tolist()
        return first, end

    def by_day(self) -> Ints:
        """The bucket of each day, counted from the first."""
        return np.repeat(np.arange(len(self)), np.diff(self.edges))


@dataclass
class BucketSums:
    """The sums of the rows added so far; ``users`` has no bucket where no measure needs it."""

    buckets: Buckets
    events: Ints  # [edge, feature, account]: the sum of all buckets before the edge, once closed; int32 while it fits
    minutes: Floats  # [bucket, account]: multiples of a quantum (see ``windows.split_exact``)
    remainders: Floats  # [bucket, account]: the remainders of the minutes
    active: NDArray[np.bool_]  # [day, account]
    users: Floats  # [bucket, account]: the most users of a row, −1 where no row has a number
    used: Ints  # [edge, account]: days of use before the edge, once closed
    bound: float = 0  # no sum of events is further from zero
    exact: bool = True  # there are no remainders

    @classmethod
    def empty(cls, buckets: Buckets, accounts: int, features: int, *, users: bool) -> BucketSums:
        """The sums of no rows."""
        count = len(buckets)
        return cls(
            buckets,
            events=np.zeros((count + 1, max(features, 1), accounts), np.int32),
            minutes=np.zeros((count, accounts)),
            remainders=np.zeros((count, accounts)),
            active=np.zeros((buckets.days, accounts), np.bool_),
            users=np.full((count if users else 0, accounts), -1.0),
            used=np.zeros((count + 1, accounts), np.int32),
        )

    def add(self, rows: Mapping[str, NDArray[Any]]) -> None:
        """Add rows; days are counted from the first, accounts and features are positions in the arrays."""
        day, account, events = rows["day"], rows["account"], rows["events"].astype(np.int64, copy=False)
        features, accounts = self.events.shape[1:]
        bucket = self.buckets.by_day()[day]
        place = bucket * accounts + account
        after = ((bucket + 1) * features + rows["code"]) * accounts + account  # a sum counts from the edge after it
        self._widen(events)
        np.add.at(self.events.reshape(-1), after, events.astype(self.events.dtype, copy=False))
        minutes, remainders = split_exact(rows["minutes"].astype(np.float64, copy=False))
        np.add.at(self.minutes.reshape(-1), place, minutes)
        if remainders.any():
            np.add.at(self.remainders.reshape(-1), place, remainders)
            self.exact = False
        if len(self.users):
            np.maximum.at(self.users.reshape(-1), place, rows["users"].astype(np.float64))
        used = events > 0
        cells = day.astype(np.int64) * accounts + account
        self.active.reshape(-1)[cells if used.all() else cells[used]] = True

    def _widen(self, events: Ints) -> None:
        """Use eight bytes for the sums of events before four could overflow."""
        self.bound += float(np.abs(events).sum(dtype=np.float64))
        if self.bound > MAX_INT32 and self.events.dtype == np.int32:
            self.events = self.events.astype(np.int64)

    def close(self) -> None:
        """Turn the sums into prefix sums, when all rows have been added."""
        accumulate(self.events)
        edges = (self.buckets.edges - self.buckets.first).tolist()
        for place, (begin, end) in enumerate(pairwise(edges)):
            np.add(self.used[place], self._days_of_use(begin, end), out=self.used[place + 1])

    def _days_of_use(self, begin: int, end: int) -> Ints:
        days = np.zeros(self.active.shape[1], np.int32)
        for first in range(begin, end, DAYS_PER_BYTE):
            some = self.active[first : min(first + DAYS_PER_BYTE, end)].view(np.uint8)
            days += np.add.reduce(some, axis=0, dtype=np.uint8)
        return days

    def slice_accounts(self, first: int, end: int) -> BucketSums:
        """The sums, once closed, of the accounts at the positions ``[first, end)``: a view."""
        return BucketSums(
            self.buckets,
            events=self.events[:, :, first:end],
            minutes=self.minutes[:, first:end],
            remainders=self.remainders[:, first:end],
            active=self.active[:, first:end],
            users=self.users[:, first:end],
            used=self.used[:, first:end],
            bound=self.bound,
            exact=self.exact,
        )

    def events_in(self, first: int, end: int) -> Ints:
        """Events in the buckets ``[first, end)``, by account."""
        events: Ints = self._by_feature(first, end).sum(axis=0)
        return events

    def most_events_in(self, first: int, end: int) -> Ints:
        """Events of the feature that had most of them."""
        events: Ints = self._by_feature(first, end).max(axis=0, initial=0)
        return events

    def features_in(self, first: int, end: int) -> Ints:
        """Features with any event."""
        features: Ints = (self._by_feature(first, end) > 0).sum(axis=0)
        return features

    def days_in(self, first: int, end: int) -> Ints:
        """Days with any event."""
        days: Ints = self.used[end] - self.used[first]
        return days

    def minutes_in(self, first: int, end: int) -> Floats:
        """Minutes."""
        minutes: Floats = self.minutes[first:end].sum(axis=0)
        return minutes if self.exact else minutes + self.remainders[first:end].sum(axis=0)

    def most_users_in(self, first: int, end: int) -> Floats:
        """The most users of any row; NaN where no row has a number."""
        most = self.users[first:end].max(axis=0, initial=-1.0)
        users: Floats = np.where(most < 0, np.nan, most)
        return users

    def _by_feature(self, first: int, end: int) -> Ints:
        events: Ints = self.events[end] - self.events[first]
        return events
