"""What the pass over usage adds up: dense sums by bucket and account, of which every window is a difference.

Rows come in any order, so that nothing has to be sorted. An array lies by bucket, then by what it tells of, then by
account: what is asked of all accounts at once is then a run of memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.engine.daily_usage.buckets import Buckets
from features.engine.windows import Floats, Ints, adding_up, parted

LONGEST = 255
"""Days of use that are counted in one byte."""

NARROW = 2**31 - 1
"""The largest sum of events in four bytes."""


@dataclass
class Sums:
    """The sums of the rows that were added; ``users`` and ``moments`` have no bucket where nobody asks for them."""

    buckets: Buckets
    events: Ints  # [edge, feature, account]: the sum of all buckets before the edge, once closed; narrow while it fits
    minutes: Floats  # [bucket, account]: multiples of a quantum (see ``windows.parted``)
    rests: Floats  # [bucket, account]: what is left of the minutes
    active: NDArray[np.bool_]  # [day, account]
    users: Floats  # [bucket, account]: the most users of a row, −1 where no row tells
    moments: Ints  # [edge, account]: events × day, like events
    used: Ints  # [edge, account]: days of use before the edge, once closed
    most: float = 0  # no sum of events is further from zero
    whole: bool = True  # there are no rests

    @classmethod
    def none(cls, buckets: Buckets, accounts: int, features: int, *, users: bool, moments: bool) -> Sums:
        """The sums of no rows yet."""
        count = len(buckets)
        return cls(
            buckets,
            events=np.zeros((count + 1, max(features, 1), accounts), np.int32),
            minutes=np.zeros((count, accounts)),
            rests=np.zeros((count, accounts)),
            active=np.zeros((buckets.days, accounts), np.bool_),
            users=np.full((count if users else 0, accounts), -1.0),
            moments=np.zeros((count + 1 if moments else 0, accounts), np.int64),
            used=np.zeros((count + 1, accounts), np.int32),
        )

    def add(self, read: Mapping[str, NDArray[Any]]) -> None:
        """Add rows: their days counted from the first, their accounts and features by their places."""
        day, account, events = read["day"], read["account"], read["events"].astype(np.int64, copy=False)
        features, accounts = self.events.shape[1:]
        bucket = self.buckets.of_days()[day]
        place = bucket * accounts + account
        after = ((bucket + 1) * features + read["code"]) * accounts + account  # a sum counts from the edge after it
        self._widen(events)
        np.add.at(self.events.reshape(-1), after, events.astype(self.events.dtype, copy=False))
        minutes, rests = parted(read["minutes"].astype(np.float64, copy=False))
        np.add.at(self.minutes.reshape(-1), place, minutes)
        if rests.any():
            np.add.at(self.rests.reshape(-1), place, rests)
            self.whole = False
        if len(self.moments):
            np.add.at(self.moments.reshape(-1), place + accounts, events * day)
        if len(self.users):
            np.maximum.at(self.users.reshape(-1), place, read["users"].astype(np.float64))
        used = events > 0
        happened = day.astype(np.int64) * accounts + account
        self.active.reshape(-1)[happened if used.all() else happened[used]] = True

    def _widen(self, events: Ints) -> None:
        """Give the sums of events eight bytes before there are events that four may not hold."""
        self.most += float(np.abs(events).sum(dtype=np.float64))
        if self.most > NARROW and self.events.dtype == np.int32:
            self.events = self.events.astype(np.int64)

    def close(self) -> None:
        """Add the buckets up, when all rows have been added."""
        adding_up(self.events)
        adding_up(self.moments)
        edges = (self.buckets.edges - self.buckets.first).tolist()
        for place, (begin, end) in enumerate(pairwise(edges)):
            np.add(self.used[place], self._days_of_use(begin, end), out=self.used[place + 1])

    def _days_of_use(self, begin: int, end: int) -> Ints:
        days = np.zeros(self.active.shape[1], np.int32)
        for first in range(begin, end, LONGEST):
            some = self.active[first : min(first + LONGEST, end)].view(np.uint8)
            days += np.add.reduce(some, axis=0, dtype=np.uint8)
        return days

    def of_accounts(self, first: int, end: int) -> Sums:
        """The sums, once closed, of the accounts at the places ``[first, end)``: a view."""
        return Sums(
            self.buckets,
            events=self.events[:, :, first:end],
            minutes=self.minutes[:, first:end],
            rests=self.rests[:, first:end],
            active=self.active[:, first:end],
            users=self.users[:, first:end],
            moments=self.moments[:, first:end],
            used=self.used[:, first:end],
            most=self.most,
            whole=self.whole,
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
        return minutes if self.whole else minutes + self.rests[first:end].sum(axis=0)

    def moments_in(self, first: int, end: int) -> Ints:
        """Each event's day, counted from the first, added up."""
        moments: Ints = self.moments[end] - self.moments[first]
        return moments

    def most_users_in(self, first: int, end: int) -> Floats:
        """The most users that any row tells of; NaN where none does."""
        found = self.users[first:end].max(axis=0, initial=-1.0)
        users: Floats = np.where(found < 0, np.nan, found)
        return users

    def _by_feature(self, first: int, end: int) -> Ints:
        events: Ints = self.events[end] - self.events[first]
        return events
