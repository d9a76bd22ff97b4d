"""The state of each source at each cutoff: is it there, and when did it last deliver anything?

Missing is not zero. Where a source is absent, has not begun, or has stopped for longer than its ``stopped_after``, what is
measured from it is null, and the age of the feed says why; an account without rows in a living source has a true zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from features.arrow import to_int64
from features.contract import TABLES
from features.engine.relations import NUMBERED, day_number, number_accounts
from features.engine.windows import Floats, Ints
from features.history.history import History
from features.history.versions import known_day


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
another it is looked for in its ``stopped_after``, within which every source that has not stopped delivered."""


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
            known, newest = np.array(self.history.usage.deliveries, dtype=np.int64).reshape(-1, 2).T
            return Deliveries(known, np.maximum.accumulate(newest), complete=True)
        if table not in self._kept:
            self._kept[table] = _delivered(self.history, table, first - (TABLES[table].stopped_after or RECENT))
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
        return self.age(table, days) <= (TABLES[table].stopped_after or np.inf)

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
            f"SELECT account, {day_number(known_day(table))} AS known, coalesce(parent_id, account_id) AS parent "
            f"FROM accounts JOIN {NUMBERED} USING (account_id) ORDER BY coalesce(known_at, created_at), account"
        )
        parent = to_int64(found.column("parent").combine_chunks().dictionary_encode().indices)
        account, known = to_int64(found.column("account")), to_int64(found.column("known"))
        counted = np.empty((len(days), len(self.history.accounts)))
        for place, day in enumerate(days):
            group = np.full(counted.shape[1], -1)
            group[account[known < day]] = parent[known < day]  # in order of knowing: the newest is written last
            members = np.bincount(group[group >= 0], minlength=len(parent) + 1)
            counted[place] = np.where(group < 0, np.nan, members[group])
        return counted


def _delivered(history: History, name: str, since: int | None) -> Deliveries:
    table = TABLES[name]
    event = table.event_time or "known_at"
    recent = "true" if since is None else f"{event} >= DATE '1970-01-01' + ({since})"
    known = known_day(table) if name in history.versioned else f"CAST({event} AS DATE)"
    found = history.query(
        f"SELECT {day_number('known')} AS known, {day_number('newest')} AS newest FROM (SELECT {known} AS known, "
        f"max({event}) AS newest FROM {name} WHERE {recent} GROUP BY known) ORDER BY known"
    )
    newest = to_int64(found.column("newest"))
    newest = np.maximum.accumulate(newest) if len(newest) else newest
    return Deliveries(to_int64(found.column("known")), newest, complete=since is None)
