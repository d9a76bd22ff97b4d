"""Is each feed alive? A feed that stopped must not read as "usage collapsed", and the report has to say so."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np

from features.contract import TABLES
from features.engine.feeds import MAX_SILENCE, Feeds
from features.history.span import SOURCE_ROWS
from features.history.versions import EPOCH, known_instant, known_day, date_literal

if TYPE_CHECKING:
    from features.history.history import History


def feed_ages(history: History, as_of: date) -> dict[str, int | None]:
    """Days since the newest row that each source had delivered by the cutoff; ``None`` where there is no source."""
    feeds = Feeds.of(history, frozenset(MAX_SILENCE))
    day = np.array([(as_of - EPOCH).days], dtype=np.int64)
    ages = {table: float(feeds.age(table, day)[0]) for table in MAX_SILENCE}
    return {table: None if math.isnan(age) else int(age) for table, age in ages.items()}


def newest_known(history: History, as_of: date) -> datetime | None:
    """The moment at which the newest row of the customer's own that counts at the cutoff became known, UTC.

    ``None`` where none counts. What the rescue team wrote says nothing of how fresh the sources are.
    """
    moments = [
        f"SELECT max({known_instant(TABLES[name])}) AS known FROM {name} "
        f"WHERE {known_day(TABLES[name])} < {date_literal(as_of)} AND {SOURCE_ROWS.get(name, 'true')}"
        for name in sorted(history.present)
    ]
    found = history.query(f"SELECT max(known) AS known FROM ({' UNION ALL '.join(moments)})")
    newest: datetime | None = found["known"][0].as_py()
    return newest


def stale_feeds(history: History, as_of: date) -> dict[str, str]:
    """The feeds that the source has and that have stopped, each with the sentence for the report."""
    found = {}
    for table, age in feed_ages(history, as_of).items():
        if table in history.present and (age is None or age > MAX_SILENCE[table]):
            when = "has delivered nothing yet" if age is None else f"delivered its last row {age} days ago"
            found[table] = f"{table} {when}"
    return found
