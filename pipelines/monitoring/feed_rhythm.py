"""The rhythm of each feed, from its own history: which weekdays deliver rows, how many, and how old they get.

A fixed limit of two weeks says nothing about a feed that delivers every night, and cries at one that delivers monthly.
So the age of the newest row is compared with its ages on the same weekday of the last half year: a feed without rows on
weekends is three days old on every Monday, and late with three days on a Thursday.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import TYPE_CHECKING

from features.history.days_known import days_known, usage_days
from features.history.versions import EPOCH

if TYPE_CHECKING:
    from features.history.history import History

LOOKBACK = timedelta(days=182)
LEAST_WEEKS = 8
"""Weeks of history below which nothing is said."""
QUANTILE = 0.99
RECENT_WEEKS = 8
"""Weeks whose rows are the usual number of a weekday."""


@dataclass(frozen=True)
class FeedRhythm:
    """What is usual for a feed on the weekday of a night.

    Attributes:
        newest_on: the day before the night on which its newest row became known.
        late_after_days: the age that it exceeds on at most 1% of these weekdays; ``None`` with too little history.
        newest_rows: the rows of the newest day.
        expected_rows: the median of that weekday in the last weeks, days without rows included.
    """

    newest_on: date | None = None
    late_after_days: int | None = None
    newest_rows: int | None = None
    expected_rows: int | None = None

    def is_late(self, age_days: int | None) -> bool:
        """Whether the age of the newest row is beyond what is usual."""
        return age_days is not None and self.late_after_days is not None and age_days > self.late_after_days


def feed_rhythms(history: History, as_of: date, tables: Iterable[str]) -> dict[str, FeedRhythm]:
    """The rhythm of each table that the source has, as of a night."""
    return {
        table: rhythm_of(_rows_by_day(history, as_of, table), as_of, lag=0 if table in history.versioned else 1)
        for table in tables
        if table in history.present
    }


def rhythm_of(rows: Mapping[date, int], as_of: date, *, lag: int = 0) -> FeedRhythm:
    """The rhythm of a feed with these rows by the day on which they became known, all before ``as_of``.

    ``lag`` are days that are added to the limit: a table without ``known_at`` does not say when its rows arrived, and
    its earlier rows look as if they had been there on their own day.
    """
    if not rows:
        return FeedRhythm()
    days = sorted(rows)
    newest = days[-1]
    ages = _ages_on_weekday(days, as_of)
    limit = ages[math.ceil(QUANTILE * len(ages)) - 1] + lag if len(ages) >= LEAST_WEEKS else None
    earlier = [newest - timedelta(weeks=week) for week in range(1, RECENT_WEEKS + 1)]
    usual = [rows.get(day, 0) for day in earlier if day >= days[0]]
    expected = round(median(usual)) if len(usual) == RECENT_WEEKS else None
    return FeedRhythm(newest, limit, rows[newest], expected)


def _ages_on_weekday(days: list[date], as_of: date) -> list[int]:
    """The age of the newest row on each earlier night of the same weekday, ascending."""
    ages = []
    night = as_of - timedelta(weeks=1)
    place = len(days) - 1
    while night > days[0]:
        while days[place] >= night:
            place -= 1
        ages.append((night - days[place]).days)
        night -= timedelta(weeks=1)
    return sorted(ages)


def _rows_by_day(history: History, as_of: date, table: str) -> dict[date, int]:
    first, end = ((day - EPOCH).days for day in (as_of - LOOKBACK, as_of))
    if table == "usage_daily" and history.usage:
        counts = list(usage_days(history.usage, as_of - LOOKBACK).items())
    else:
        known = days_known(history, table)
        counts = list(zip(known["day"].to_pylist(), known["rows"].to_pylist(), strict=True))
    rows: dict[date, int] = {}
    for number, count in counts:
        if number is not None and first <= number < end:
            day = EPOCH + timedelta(days=number)
            rows[day] = rows.get(day, 0) + count
    return rows
