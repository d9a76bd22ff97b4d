"""The rhythm of each feed, from its own history: which weekdays deliver rows, how many, and how old they get.

A fixed limit of two weeks says nothing about a feed that delivers every night, and cries at one that delivers monthly.
So the age of the newest row is compared with its ages on the same weekday of the last half year: a feed without rows on
weekends is three days old on every Monday, and late with three days on a Thursday.

A feed that has stopped may still deliver a stray row, of one account or of a date that was wrong. Days with far fewer
rows than usual are no deliveries: see :func:`_full_days`.

Of the days since its newest row a late feed says nothing. They must not be read as silence: see :func:`days_behind`.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from operator import itemgetter
from statistics import median
from typing import TYPE_CHECKING

from features.contract import TABLES
from features.history.days_known import days_known, usage_days
from features.history.versions import EPOCH

if TYPE_CHECKING:
    from features.history.history import History

LOOKBACK = timedelta(days=182)
LEAST_WEEKS = 8
"""Weeks of history below which nothing is said."""
LEAST_DELIVERIES = 4
"""Days with rows in the lookback below which a feed has no rhythm."""
QUANTILE = 0.99
RECENT_WEEKS = 8
"""Weeks whose rows are the usual number of a weekday."""
STRAY_PART = 25
"""A day is no delivery with less than one part in this many of the usual rows; on holidays there is more than that."""


@dataclass(frozen=True)
class FeedRhythm:
    """What is usual for a feed on the weekday of a night.

    Attributes:
        newest_on: the newest day before the night with a usual number of rows, by when they became known.
        late_after_days: the age that it exceeds on at most 1% of these weekdays; ``None`` with too little history.
        newest_rows: the rows of that day.
        expected_rows: the median of its weekday in the weeks before, days without rows included.
        rows_since: the few rows of later days.
    """

    newest_on: date | None = None
    late_after_days: int | None = None
    newest_rows: int | None = None
    expected_rows: int | None = None
    rows_since: int = 0

    def is_late(self, as_of: date) -> bool:
        """Whether the newest delivery is older on the night than is usual."""
        if self.newest_on is None or self.late_after_days is None:
            return False
        return (as_of - self.newest_on).days > self.late_after_days


def feed_rhythms(history: History, as_of: date, tables: Iterable[str]) -> dict[str, FeedRhythm]:
    """The rhythm of each table that the source has, as of a night."""
    return {table: _rhythm(history, as_of, table) for table in tables if table in history.present}


def days_behind(history: History, as_of: date, table: str) -> int:
    """How many days before a cutoff the last one lies that saw all of a table, the day after its newest delivery.

    0 where the feed is not late; one that may rest for any time (without ``stopped_after``) never is.
    """
    if table not in history.present or not TABLES[table].stopped_after:
        return 0
    rhythm = _rhythm(history, as_of, table)
    return (as_of - rhythm.newest_on).days - 1 if rhythm.newest_on and rhythm.is_late(as_of) else 0


def _rhythm(history: History, as_of: date, table: str) -> FeedRhythm:
    days = history.cached(f"rows_by_day_{table}", lambda: _rows_by_day(history, table))
    first, end = (bisect_left(days, day, key=itemgetter(0)) for day in (as_of - LOOKBACK, as_of))
    return rhythm_of(dict(days[first:end]), as_of, lag=0 if table in history.versioned else 1)


def rhythm_of(rows: Mapping[date, int], as_of: date, *, lag: int = 0) -> FeedRhythm:
    """The rhythm of a feed with these rows by the day on which they became known, all before ``as_of``.

    ``lag`` are days that are added to the limit: a table without ``known_at`` does not say when its rows arrived, and
    its earlier rows look as if they had been there on their own day.
    """
    if not rows:
        return FeedRhythm()
    days = _full_days(rows)
    newest = days[-1]
    ages = _ages_on_weekday(days, as_of)
    has_rhythm = len(ages) >= LEAST_WEEKS and len(days) >= LEAST_DELIVERIES
    # Nights since the newest delivery are part of the delay that is to be judged.
    usual_ages = sorted(age for night, age in ages.items() if night <= newest) or sorted(ages.values())
    limit = usual_ages[math.ceil(QUANTILE * len(usual_ages)) - 1] + lag if has_rhythm else None
    first = min(rows)
    earlier = [newest - timedelta(weeks=week) for week in range(1, RECENT_WEEKS + 1)]
    usual = [rows.get(day, 0) for day in earlier if day >= first]
    expected = round(median(usual)) if len(usual) == RECENT_WEEKS else None
    rows_since = sum(count for day, count in rows.items() if day > newest)
    return FeedRhythm(newest, limit, rows[newest], expected, rows_since)


def _full_days(rows: Mapping[date, int]) -> list[date]:
    """The days with a usual number of rows, ascending; all of them where a usual day has few.

    A day is compared with its weekday: weekends may have far fewer rows. A weekday with so few rows that a stray row
    looks the same is left out as a whole: if its days changed sides from one week to the next, that would look like a
    delay. Half of the usual rows are a delivery on any weekday: a feed may catch up on a Sunday.
    """
    usual = median(rows.values())
    days = sorted(rows)
    if usual < STRAY_PART:
        return days
    of_weekday: dict[int, list[int]] = defaultdict(list)
    for day in days:
        of_weekday[day.weekday()].append(rows[day])
    medians = {weekday: median(counts) for weekday, counts in of_weekday.items()}
    least = min(usual / 2, STRAY_PART)

    def is_full(day: date) -> bool:
        its = medians[day.weekday()]
        return rows[day] * 2 >= usual or (its >= least and rows[day] * STRAY_PART >= its)

    return list(filter(is_full, days))


def _ages_on_weekday(days: list[date], as_of: date) -> dict[date, int]:
    """The age of the newest delivery on each earlier night of the same weekday."""
    ages = {}
    night = as_of - timedelta(weeks=1)
    place = len(days) - 1
    while night > days[0]:
        while days[place] >= night:
            place -= 1
        ages[night] = (night - days[place]).days
        night -= timedelta(weeks=1)
    return ages


def _rows_by_day(history: History, table: str) -> list[tuple[date, int]]:
    """How many rows became known on each day, ascending."""
    if table == "usage_daily" and history.usage:
        rows = usage_days(history.usage)
    else:
        rows = {}
        known = days_known(history, table)
        for number, count in zip(known["day"].to_pylist(), known["rows"].to_pylist(), strict=True):
            if number is not None:
                rows[number] = rows.get(number, 0) + count
    return [(EPOCH + timedelta(days=number), rows[number]) for number in sorted(rows)]
