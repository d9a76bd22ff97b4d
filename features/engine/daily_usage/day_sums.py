"""The sums of some usage by day, account and feature: small enough to keep, exact enough for every window.

Rows are put in one order and then added up, so that the sums of minutes, and what is made of them, do not depend on the
order in which rows were read: they are the same, bit for bit, whether made tonight or a month ago.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.arrow import array, numbers, whole
from features.engine.relations import NUMBERED
from features.engine.windows import Ints
from features.history.cache_files import Kept
from features.history.history import History
from features.history.partitions import Days

Values = NDArray[np.generic]

AT_ONCE = 4_000_000
"""Rows that are put in order at once."""

SUMS = ("day", "account", "feature", "events", "minutes", "users")


@dataclass(frozen=True)
class UsageDays:
    """``sums`` has a row for each day, account and feature, ordered by these, with ``events``, ``minutes`` and the most
    ``users`` of a row (−1: no row tells). ``people`` has one for each account, ``user_id`` and day with any event.

    ``account`` is a place in ``accounts``, the ids, and ``feature`` a place in ``features``, both ascending.
    """

    sums: pa.Table
    people: pa.Table
    accounts: pa.Table
    features: tuple[str, ...]

    @classmethod
    def of(cls, kept: Kept | None, name: str) -> UsageDays | None:
        """The sums that a file holds, where it holds those of that name."""
        if kept is None or kept.told.get("name") != name:
            return None
        sums, people, accounts = kept.tables
        return cls(sums, people, accounts, tuple(kept.told["features"]))

    def kept(self, name: str) -> Kept:
        """The sums as a file holds them."""
        return Kept({"name": name, "features": self.features}, [self.sums, self.people, self.accounts])

    def between(self, first: int, end: int) -> dict[str, Values]:
        """The columns of the sums on the days ``[first, end)``, in their order."""
        low, high = np.searchsorted(array(self.sums["day"]), (first, end)).tolist()
        return {name: array(self.sums[name])[low:high] for name in SUMS}

    def numbers_in(self, history: History) -> Ints:
        """The dense number that each of the accounts has in a history."""
        ids = self.accounts["account_id"].combine_chunks()
        return whole(pc.index_in(ids, value_set=history.accounts))


def made_of(history: History, rows: str, days: Days, count: int) -> UsageDays:
    """The sums of the rows of a query, which has the contract's columns and each row in one version.

    ``days`` are the first and the last of its rows, ``count`` is about how many there are: they are read some days at a
    time, as many as fit in memory.
    """
    names = history.query(f"SELECT DISTINCT feature FROM ({rows}) ORDER BY feature")
    step = max((days[1] + 1 - days[0]) * AT_ONCE // max(count, 1), 1)
    with history.lent("usage_names", pa.table({"feature": names["feature"], "code": numbers(np.arange(len(names)))})):
        found = [_of_some_days(history, rows, first, first + step) for first in range(days[0], days[1] + 1, step)]
    sums = {name: np.concatenate([part[name] for part, _ in found]) for name in SUMS}
    people = pa.concat_tables([part for _, part in found])
    accounts, sums["account"] = np.unique(sums["account"], return_inverse=True)
    used = np.searchsorted(accounts, array(people["account"]))
    return UsageDays(
        pa.table({name: numbers(_narrow(values)) for name, values in sums.items()}),
        people.set_column(0, "account", numbers(_narrow(used))),
        pa.table({"account_id": history.accounts.take(numbers(accounts))}),
        tuple(names["feature"].to_pylist()),
    )


def _of_some_days(history: History, rows: str, first: int, end: int) -> tuple[dict[str, Values], pa.Table]:
    """The sums and the people of the days ``[first, end)``; accounts are dense numbers."""
    some = f"SELECT * FROM ({rows}) WHERE day >= DATE '1970-01-01' + {first} AND day < DATE '1970-01-01' + {end}"
    found = history.query(
        "SELECT CAST(day - DATE '1970-01-01' AS INTEGER) AS day, account, code, events, "
        "coalesce(minutes, 0) AS minutes, coalesce(users, -1) AS users "
        f"FROM ({some}) JOIN {NUMBERED} USING (account_id) "
        "JOIN usage_names USING (feature) ORDER BY day, account, code, minutes"
    )
    told = "user_id IS NOT NULL" if "user_id" in history.columns["usage_daily"] else "false"
    people = history.query(
        f"SELECT DISTINCT account, user_id, day FROM ({some}) JOIN {NUMBERED} USING (account_id) "
        f"WHERE events > 0 AND {told} ORDER BY ALL"
    )
    return _added_up(found), people


def _added_up(found: pa.Table) -> dict[str, Values]:
    """The sums of neighbours of one day, account and feature."""
    day, account, code = (array(found[name]) for name in ("day", "account", "code"))
    first = np.ones(len(day), bool)
    first[1:] = (np.diff(day) != 0) | (np.diff(account) != 0) | (np.diff(code) != 0)
    begins = np.flatnonzero(first)
    ways = {"events": np.add, "minutes": np.add, "users": np.maximum}
    values = {name: array(found[name]) for name in ways}
    if len(begins) < len(day):
        values = {name: way.reduceat(values[name], begins) for name, way in ways.items()}
    sums = {"day": day[begins], "account": account[begins], "feature": code[begins], **values}
    return {name: _narrow(column) for name, column in sums.items()}


def _narrow(values: Values) -> Values:
    """The same numbers in the fewest bytes."""
    wide = values.dtype.kind == "f"
    for kind in (np.float32,) if wide else (np.int8, np.int16, np.int32):
        small = values.astype(kind)
        if np.array_equal(small, values):
            return small
    return values
