"""The state of each source at each cutoff: is it there, and when did it last deliver anything?

Missing is not zero. Where a source is absent, has not begun, or has stopped for longer than its ``PATIENCE``, what is
measured from it is null, and the age of the feed says why; an account without rows in a living source has a true zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.arrow import whole
from features.contract import TABLES
from features.feature import Feature
from features.history import History
from features.measures import FeedAge, FeedAlive
from features.relations import NUMBERED, day_of, number_accounts
from features.versions import known_on
from features.windows import Floats, Ints

PATIENCE: Mapping[str, int] = {
    "usage_daily": 14,
    "tickets": 28,
    "ticket_events": 28,
    "health_scores": 45,
    "invoices": 62,
}
"""Days without any new row for any account after which a feed counts as stopped; other sources may rest for ever."""


@dataclass(frozen=True)
class Feeds:
    """When each source delivered what: for each table its days of delivery and the newest event delivered by then."""

    delivered: Mapping[str, tuple[Ints, Ints]]
    history: History

    @classmethod
    def of(cls, history: History, tables: frozenset[str]) -> Feeds:
        """The feeds of a history, for the tables that are asked for."""
        number_accounts(history)
        return cls({name: _delivered(history, name) for name in sorted(tables & history.present)}, history)

    def age(self, table: str, days: Ints) -> Floats:
        """Days since the newest event that the source had delivered before each cutoff; NaN where it had none."""
        if table not in self.delivered:
            return np.full(len(days), np.nan)
        known, newest = self.delivered[table]
        place = np.searchsorted(known, days, side="left") - 1
        return np.where(place < 0, np.nan, days - np.concatenate((newest, [0]))[place])

    def silent(self, feature: Feature, days: Ints) -> NDArray[np.bool_]:
        """The cutoffs at which a source of the feature had nothing to say."""
        silent = np.zeros(len(days), bool)
        if isinstance(feature.measure, FeedAge | FeedAlive):
            return silent  # what tells of a silence is not silenced by it
        for table in feature.sources:
            silent |= ~self.alive(table, days)
        return silent

    def alive(self, table: str, days: Ints) -> NDArray[np.bool_]:
        """The cutoffs at which a source had delivered, and lately enough."""
        return self.age(table, days) <= PATIENCE.get(table, np.inf)

    def siblings(self, days: Ints) -> Floats:
        """Known accounts of the same group (parent, or itself) by cutoff and dense account number."""
        table = TABLES["accounts"]
        found = self.history.query(
            f"SELECT account, {day_of(known_on(table))} AS known, coalesce(parent_id, account_id) AS parent "
            f"FROM accounts JOIN {NUMBERED} USING (account_id) ORDER BY coalesce(known_at, created_at), account"
        )
        parent = whole(found.column("parent").combine_chunks().dictionary_encode().indices)
        account, known = whole(found.column("account")), whole(found.column("known"))
        counted = np.empty((len(days), len(self.history.accounts)))
        for place, day in enumerate(days):
            group = np.full(counted.shape[1], -1)
            group[account[known < day]] = parent[known < day]  # in order of knowing: the newest is written last
            members = np.bincount(group[group >= 0], minlength=len(parent) + 1)
            counted[place] = np.where(group < 0, np.nan, members[group])
        return counted


def _delivered(history: History, name: str) -> tuple[Ints, Ints]:
    table = TABLES[name]
    found = history.query(
        f"SELECT {day_of(known_on(table))} AS known, max({day_of(table.event_time)}) AS newest FROM {name} "
        "GROUP BY known ORDER BY known"
    )
    known, newest = whole(found.column("known")), whole(found.column("newest"))
    return known, np.maximum.accumulate(newest) if len(newest) else newest
