"""Is each feed alive? A feed that stopped must not read as "usage collapsed", and the report has to say so."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np

from features.contract import TABLES
from features.engine.feeds import Feeds
from features.history.feed_rhythm import feed_rhythms
from features.history.versions import EPOCH, date_literal, known_day, known_instant
from serving.night_report.report_schema import FeedReport

if TYPE_CHECKING:
    from features.history.history import History


def _limits() -> dict[str, int]:
    """By table: days without a new row after which its feed counts as stopped."""
    return {table.name: table.stopped_after for table in TABLES.values() if table.stopped_after}


def feed_ages(history: History, as_of: date) -> dict[str, int | None]:
    """Days since the newest row that each source had delivered by the cutoff; ``None`` where there is no source."""
    tables = frozenset(_limits())
    feeds = Feeds.of(history, tables)
    day = np.array([(as_of - EPOCH).days], dtype=np.int64)
    ages = {table: float(feeds.age(table, day)[0]) for table in tables}
    return {table: None if math.isnan(age) else int(age) for table, age in ages.items()}


def newest_known(history: History, as_of: date) -> datetime | None:
    """The moment at which the newest row of the customer's own that counts at the cutoff became known, UTC.

    ``None`` where none counts. What the rescue team wrote says nothing of how fresh the sources are.
    """
    moments = [
        f"SELECT max({known_instant(TABLES[name])}) AS known FROM {name} "
        f"WHERE {known_day(TABLES[name])} < {date_literal(as_of)} AND {TABLES[name].external_rows}"
        for name in sorted(history.present)
    ]
    found = history.query(f"SELECT max(known) AS known FROM ({' UNION ALL '.join(moments)})")
    newest: datetime | None = found["known"][0].as_py()
    return newest


def feed_reports(history: History, as_of: date) -> tuple[FeedReport, ...]:
    """The feeds that the source has, each with its age and whether it counts as stopped."""
    ages = feed_ages(history, as_of)
    rhythms = feed_rhythms(history, as_of, _limits())
    return tuple(
        FeedReport(
            table=table,
            age_days=age,
            max_age_days=limit,
            stale=age is None or age > limit,
            late=rhythm.is_late(as_of),
            newest_on=rhythm.newest_on,
            late_after_days=rhythm.late_after_days,
            newest_rows=rhythm.newest_rows,
            expected_rows=rhythm.expected_rows,
            rows_since=rhythm.rows_since,
        )
        for table, limit in _limits().items()
        if table in history.present
        for age, rhythm in ((ages[table], rhythms[table]),)
    )
