"""The time span of a source: from its oldest row to the last day on which it plausibly learned anything.

The end decides much: which night is the default, and which labels are mature. A single row with a wrong timestamp,
known in 2027 where all others were known in 2026, would move both a year ahead, and an account would count as safe for
a year that has not happened yet. So the last days of a source are *timestamp outliers* where nothing at all was known
for a long time before them, or for a while and they have next to no rows. These are accepted, and count from the day of
their ``known_at``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import TYPE_CHECKING

from features.history.days_known import usage_days
from features.history.versions import EPOCH

if TYPE_CHECKING:
    import pyarrow as pa

    from features.history.partitions import ValidatedPartitions

MAX_GAP_PER_DAY = 31
"""Days without any row, for each day after them, above which the days after them are outliers."""

SHORT_GAP, FEW_ROWS = 14, 0.1
"""Days without any row above which the days after them are outliers, too, where all of these together have less than
this share of the rows of a usual day: rows with a wrong clock are spread over months."""

MIN_ACTIVE_DAYS, ACTIVITY_PERIOD = 31, 365
"""Days with rows that a source needs in the days before the gap; a source with fewer may well have long gaps."""


@dataclass(frozen=True)
class Span:
    """The day of the oldest row, the first day after the newest that is no outlier, and whether there are outliers."""

    first: date
    until: date
    has_outliers: bool = False


def measure_span(counts: Callable[[str], pa.Table], present: frozenset[str], usage: ValidatedPartitions | None) -> Span:
    """The span of a source with these tables, from the ``counts`` of each table's rows by day
    (:mod:`features.history.days_known`); those of ``usage`` are not asked for where it has partitions.
    """
    oldest: list[int] = []
    known: Counter[int] = Counter()
    for name in sorted(present - {"usage_daily" if usage else ""}):
        rows = counts(name)
        for day, number in zip(rows["known"].to_pylist(), rows["rows"].to_pylist(), strict=True):
            if day is not None:
                known[day] += number
        oldest += rows["oldest"].drop_null().to_pylist()
    if usage and usage.days:
        oldest.append(usage.days[0])
        known.update(usage_days(usage))
    if not known:
        return Span(EPOCH, EPOCH)
    days = sorted(known)
    count = count_trusted_days(days, [known[day] for day in days])
    return Span(_date(min(oldest)), _date(days[count - 1] + 1), has_outliers=count < len(days))


def _date(day: int) -> date:
    return EPOCH + timedelta(days=day)


def count_trusted_days(days: Sequence[int], rows: Sequence[int]) -> int:
    """How many of the ascending days on which something became known are trusted; those after them are outliers.

    Days at the end are outliers where the gap before them is longer than ``MAX_GAP_PER_DAY`` days for each of them, or
    than ``SHORT_GAP`` days where they have few of the ``rows`` (``FEW_ROWS``); and there were ``MIN_ACTIVE_DAYS`` days
    with rows in the ``ACTIVITY_PERIOD`` before it.
    """
    count = len(days)
    for position in range(count - 1, MIN_ACTIVE_DAYS - 1, -1):
        gap = days[position] - days[position - 1]
        if gap <= SHORT_GAP or days[position - 1] - days[position - MIN_ACTIVE_DAYS] >= ACTIVITY_PERIOD:
            continue
        few = sum(rows[position:count]) < FEW_ROWS * median(rows[position - MIN_ACTIVE_DAYS : position])
        if few or gap > MAX_GAP_PER_DAY * (count - position):
            count = position
    return count
