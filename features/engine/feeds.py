"""The state of each source at each cutoff: is it there, and when did it last deliver anything?

Missing is not zero. Where a source is absent, has not begun, or has stopped for longer than its ``PATIENCE``, what is
measured from it is null, and the age of the feed says why; an account without rows in a living source has a true zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from features.arrow import whole
from features.contract import TABLES
from features.engine.relations import NUMBERED, day_of, number_accounts
from features.engine.windows import Floats, Ints
from features.history.history import History
from features.history.versions import known_on

PATIENCE: Mapping[str, int] = {
    "usage_daily": 14,
    "tickets": 28,
    "ticket_events": 28,
    "health_scores": 45,
    "invoices": 62,
}
"""Days without any new row for any account after which a feed counts as stopped; other sources may rest for ever."""


@dataclass(frozen=True)
class Deliveries:
    """The days on which a source delivered, ascending, and for each the newest event delivered by then."""

    known: Ints
    newest: Ints
    complete: bool

    def tell(self, first: int) -> bool:
        """Whether these are enough from a cutoff on: older events cannot be newer than one that is here."""
        return self.complete or (len(self.known) > 0 and int(self.known[0]) < first)


RECENT = 62
"""Days before the first cutoff in which a delivery of a source that may rest is looked for before all of time is; of
another it is looked for in its ``PATIENCE``, within which every source that has not stopped delivered."""


@dataclass(frozen=True)
class Feeds:
    """When each of some sources delivered what."""

    history: History
    tables: frozenset[str]
    _kept: dict[str, Deliveries] = field(default_factory=dict)
    _siblings: dict[bytes, Floats] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def of(cls, history: History, tables: frozenset[str]) -> Feeds:
        """The feeds of a history, for the tables that are asked for."""
        number_accounts(history)
        return cls(history, tables & history.present)

    def age(self, table: str, days: Ints) -> Floats:
        """Days since the newest event that the source had delivered before each cutoff; NaN where it had none."""
        if table not in self.tables:
            return np.full(len(days), np.nan)
        found = self._delivered(table, int(days.min()))
        place = np.searchsorted(found.known, days, side="left") - 1
        return np.where(place < 0, np.nan, days - np.concatenate((found.newest, [0]))[place])

    def _delivered(self, table: str, first: int) -> Deliveries:
        """The deliveries that tell the age of a source from a first cutoff on."""
        if table == "usage_daily" and self.history.usage:
            known, newest = np.array(self.history.usage.delivered, dtype=np.int64).reshape(-1, 2).T
            return Deliveries(known, np.maximum.accumulate(newest), complete=True)
        if table not in self._kept:
            self._kept[table] = _delivered(self.history, table, first - PATIENCE.get(table, RECENT))
        if not self._kept[table].tell(first):
            self._kept[table] = _delivered(self.history, table, None)
        return self._kept[table]

    def silent(self, tables: Iterable[str], days: Ints) -> NDArray[np.bool_]:
        """The cutoffs at which any of the sources had nothing to say."""
        silent = np.zeros(len(days), bool)
        for table in tables:
            silent |= ~self.alive(table, days)
        return silent

    def alive(self, table: str, days: Ints) -> NDArray[np.bool_]:
        """The cutoffs at which a source had delivered, and lately enough."""
        return self.age(table, days) <= PATIENCE.get(table, np.inf)

    def siblings(self, days: Ints) -> Floats:
        """Known accounts of the same group (parent, or itself) by cutoff and dense account number; counted once."""
        asked = days.tobytes()
        with self._lock:
            if asked not in self._siblings:
                self._siblings[asked] = self._counted(days)
        return self._siblings[asked]

    def _counted(self, days: Ints) -> Floats:
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


def _delivered(history: History, name: str, since: int | None) -> Deliveries:
    table = TABLES[name]
    recent = "true" if since is None else f"{table.event_time} >= DATE '1970-01-01' + ({since})"
    known = known_on(table) if name in history.versioned else f"CAST({table.event_time} AS DATE)"
    found = history.query(
        f"SELECT {day_of('known')} AS known, {day_of('newest')} AS newest FROM (SELECT {known} AS known, "
        f"max({table.event_time}) AS newest FROM {name} WHERE {recent} GROUP BY known) ORDER BY known"
    )
    newest = whole(found.column("newest"))
    newest = np.maximum.accumulate(newest) if len(newest) else newest
    return Deliveries(whole(found.column("known")), newest, complete=since is None)
