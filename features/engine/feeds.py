"""The state of each source at each cutoff: whether it is there, and when it last delivered anything.

Missing is not zero. Where a source is absent, has not begun, or has delivered nothing for longer than its
``stopped_after``, features from it are null, and the age of the feed shows why; an account without rows in a source
that delivers has a true zero.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from features.arrow import to_int64
from features.contract import TABLES
from features.engine.table_rows.relations import NUMBERED, day_number, number_accounts
from features.engine.windows import Floats, Ints
from features.history.days_known import kept_query
from features.history.history import History
from features.history.versions import ALWAYS, known_day, known_instant
from features.succession.succession_values import succession_values


@dataclass(frozen=True)
class Deliveries:
    """The days on which a source delivered, ascending, and for each the newest event delivered by then.

    An event that was announced ahead counts as of the day on which it became known.
    """

    known: Ints
    newest: Ints
    complete: bool

    def cover(self, first: int) -> bool:
        """Whether these are enough from a cutoff on: an older delivery cannot have newer events than these."""
        return self.complete or (len(self.known) > 0 and int(self.known[0]) < first)


RECENT_DAYS = 62
"""Days before the first cutoff in which deliveries are read first, for a source without a ``stopped_after``; all others
have delivered within their ``stopped_after`` unless they have stopped. Only where there is none, all rows are read."""


class FeedStates(ABC):
    """What features need that is not an aggregate of rows: the age of each feed, and numbers that accounts share."""

    @abstractmethod
    def age(self, table: str, days: Ints) -> Floats:
        """Days since the newest event that the source had delivered before each cutoff; NaN where it had none."""

    @abstractmethod
    def siblings(self, days: Ints, accounts: Ints) -> Floats:
        """Known accounts of the same group (parent, or itself) by cutoff and dense account number."""

    @abstractmethod
    def succession(self, name: str, days: Ints, accounts: Ints) -> Floats:
        """One of ``succession_values.VALUES`` by cutoff and dense account number; NaN where unknown."""

    def limit(self, table: str) -> float:
        """Days without an event after which the feed of a table has stopped."""
        return TABLES[table].stopped_after or np.inf

    def stopped(self, tables: Iterable[str], days: Ints) -> NDArray[np.bool_]:
        """The cutoffs at which any of the sources had stopped, or was not there."""
        stopped = np.zeros(len(days), bool)
        for table in tables:
            stopped |= ~self.is_delivering(table, days)
        return stopped

    def is_delivering(self, table: str, days: Ints) -> NDArray[np.bool_]:
        """The cutoffs at which the newest delivery of a source was recent enough."""
        return self.age(table, days) <= self.limit(table)


@dataclass(frozen=True)
class Feeds(FeedStates):
    """The deliveries of some sources."""

    history: History
    tables: frozenset[str]
    _deliveries: dict[str, Deliveries] = field(default_factory=dict)
    _siblings: dict[bytes, Floats] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def of(cls, history: History, tables: frozenset[str]) -> Feeds:
        """The feeds of some tables of a history."""
        number_accounts(history)
        return cls(history, tables & history.present)

    def age(self, table: str, days: Ints) -> Floats:
        """See :class:`FeedStates`."""
        if table not in self.tables:
            return np.full(len(days), np.nan)
        deliveries = self._deliveries_of(table, int(days.min()))
        place = np.searchsorted(deliveries.known, days, side="left") - 1
        return np.where(place < 0, np.nan, days - np.concatenate((deliveries.newest, [0]))[place])

    def _deliveries_of(self, table: str, first: int) -> Deliveries:
        """The deliveries that decide the age of a source from a first cutoff on."""
        if table == "usage_daily" and self.history.usage:
            known, newest = np.array(self.history.usage.deliveries, dtype=np.int64).reshape(-1, 2).T
            return Deliveries(known, np.maximum.accumulate(newest), complete=True)
        if table not in self._deliveries:
            self._deliveries[table] = _read_deliveries(
                self.history, table, first - (TABLES[table].stopped_after or RECENT_DAYS)
            )
        if not self._deliveries[table].cover(first):
            self._deliveries[table] = _read_deliveries(self.history, table, None)
        return self._deliveries[table]

    def siblings(self, days: Ints, accounts: Ints) -> Floats:
        """See :class:`FeedStates`; they are counted once."""
        key = days.tobytes()
        with self._lock:
            if key not in self._siblings:
                self._siblings[key] = self._count_siblings(days)
        return self._siblings[key][:, accounts]

    def succession(self, name: str, days: Ints, accounts: Ints) -> Floats:
        """See :class:`FeedStates`."""
        return succession_values(self.history, name, days, accounts)

    def _count_siblings(self, days: Ints) -> Floats:
        table = TABLES["accounts"]
        rows = self.history.query(
            f"SELECT account, {day_number(known_day(table))} AS known, coalesce(parent_id, account_id) AS parent "
            f"FROM accounts JOIN {NUMBERED} USING (account_id) ORDER BY coalesce(known_at, created_at), account"
        )
        parent = to_int64(rows.column("parent").combine_chunks().dictionary_encode().indices)
        account, known = to_int64(rows.column("account")), to_int64(rows.column("known"))
        counts = np.empty((len(days), len(self.history.accounts)))
        for place, day in enumerate(days):
            group = np.full(counts.shape[1], -1)
            group[account[known < day]] = parent[known < day]  # ordered by known_at: the newest is written last
            members = np.bincount(group[group >= 0], minlength=len(parent) + 1)
            counts[place] = np.where(group < 0, np.nan, members[group])
        return counts


def _read_deliveries(history: History, name: str, since: int | None) -> Deliveries:
    table = TABLES[name]
    if history.state and history.row_keys.get(name):
        since = None  # what is kept serves every night
    event = table.event_time or f"coalesce(known_at, {ALWAYS})"
    if table.announced and name in history.versioned:
        event = f"least({event}, {known_instant(table)})"  # what is announced was delivered when it became known
    recent = "true" if since is None else f"{event} >= DATE '1970-01-01' + ({since})"
    known = known_day(table) if name in history.versioned else f"CAST({event} AS DATE)"
    rows = kept_query(
        history,
        name,
        "deliveries.days",
        f"SELECT {day_number('known')} AS known, {day_number('newest')} AS newest FROM (SELECT {known} AS known, "
        f"max({event}) AS newest FROM {{rows}} WHERE {recent} GROUP BY known) ORDER BY known",
        "SELECT known, max(newest) AS newest FROM {rows} GROUP BY known ORDER BY known",
    )
    newest = to_int64(rows.column("newest"))
    newest = np.maximum.accumulate(newest) if len(newest) else newest
    return Deliveries(to_int64(rows.column("known")), newest, complete=since is None)
