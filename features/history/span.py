"""How far a source reaches: from its oldest row to the last day on which it is believed to have learned anything.

The end decides much: which night is the default, and which labels are settled. A single row of a broken clock, known in
2027 where all others were known in 2026, would carry both a year ahead, and an account would be safe for a year that
nobody has seen yet. So the last days of a source are not believed where nothing at all was known for a long time before
them. Their rows are kept, and count from the day on which they say that they were known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from features.contract import SIGNED_AHEAD, TABLES
from features.history.versions import EPOCH, known_on

if TYPE_CHECKING:
    import pyarrow as pa

    from features.history.partitions import ValidatedPartitions

OURS = {"outcomes": "false", "health_scores": "source IS DISTINCT FROM 'rescue'"}
"""Rows that the rescue team wrote say nothing of how far the source reaches: a verdict of today ripens no label."""

SILENCE = 31
"""Days without anything for each day that comes after them, above which these days are astray."""

OFTEN, YEAR = 31, 365
"""On how many days of the year before its silence a source has to have learned something for that to be a wonder."""


@dataclass(frozen=True)
class Span:
    """The day of the oldest row, the first after the newest that is believed, and whether there are later ones."""

    first: date
    until: date
    ends_early: bool = False


def span_of(query: Callable[[str], pa.Table], present: frozenset[str], usage: ValidatedPartitions | None) -> Span:
    """How far a source reaches of which these tables are there; of ``usage`` by stretches no row need be read."""
    parts = [_by_day(name, present) for name in sorted(present - {"usage_daily" if usage else ""})]
    parts += ["SELECT NULL AS known, NULL AS oldest WHERE false"]
    found = query(f"SELECT known, min(oldest) AS oldest FROM ({' UNION ALL '.join(parts)}) GROUP BY known")
    oldest, known = ([day for day in found.column(name).to_pylist() if day is not None] for name in ("oldest", "known"))
    if usage and usage.days:
        oldest.append(usage.days[0])
        known += [day for day, _ in usage.delivered]
    if not known:
        return Span(EPOCH, EPOCH)
    days = sorted(set(known))
    count = believed(days)
    return Span(_day(min(oldest)), _day(days[count - 1] + 1), ends_early=count < len(days))


def _by_day(name: str, present: frozenset[str]) -> str:
    """SQL of the days on which rows of a table became known, and by them the day of the oldest row, since 1970."""
    known, oldest = (
        f"({day} - DATE '{EPOCH}')" for day in (known_on(TABLES[name]), f"CAST({TABLES[name].event_time} AS DATE)")
    )
    return (
        f"SELECT CASE WHEN {telling(name, present)} THEN {known} END AS known, min({oldest}) AS oldest "
        f"FROM {name} WHERE {OURS.get(name, 'true')} GROUP BY ALL"
    )


def _day(number: int) -> date:
    return EPOCH + timedelta(days=number)


def believed(days: Sequence[int]) -> int:
    """How many of the ascending days on which something became known are believed; those after them are astray.

    Days at the end are astray where the silence before them is longer than ``SILENCE`` days for each of them, and the
    source had learned something on ``OFTEN`` days of the year before it.
    """
    count = len(days)
    for place in range(count - 1, OFTEN - 1, -1):
        before = days[place - 1]
        silent = days[place] - before > SILENCE * (count - place)
        if silent and before - days[place - OFTEN] < YEAR:
            count = place
    return count


def telling(name: str, present: frozenset[str]) -> str:
    """SQL that is true of rows that tell how far the source reaches: not of a start that was signed ahead."""
    others = present - SIGNED_AHEAD - {"accounts"}
    return "known_at IS NOT NULL" if name in SIGNED_AHEAD and others else "true"
