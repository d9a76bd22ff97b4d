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
from features.history import History
from features.kept import Kept
from features.relations import NUMBERED
from features.windows import Ints

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

    def between(self, first: int, end: int) -> dict[str, NDArray[np.generic]]:
        """The columns of the sums on the days ``[first, end)``, in their order."""
        low, high = np.searchsorted(array(self.sums["day"]), (first, end)).tolist()
        return {name: array(self.sums[name])[low:high] for name in SUMS}

    def numbers_in(self, history: History) -> Ints:
        """The dense number that each of the accounts has in a history."""
        ids = self.accounts["account_id"].combine_chunks()
        return whole(pc.index_in(ids, value_set=history.accounts))


def made_of(history: History, rows: str) -> UsageDays:
    """The sums of the rows of a query, which has the contract's columns and each row in one version."""
    names = history.query(f"SELECT DISTINCT feature FROM ({rows}) ORDER BY feature")
    codes = pa.table({"feature": names["feature"], "code": numbers(np.arange(len(names)))})
    with history.lent("usage_names", codes):
        found = history.query(
            "SELECT day - DATE '1970-01-01' AS day, account, code, events, coalesce(minutes, 0) AS minutes, "
            f"coalesce(users, -1) AS users FROM ({rows}) JOIN {NUMBERED} USING (account_id) "
            "JOIN usage_names USING (feature) ORDER BY day, account, code, minutes"
        )
    people = history.query(
        f"SELECT DISTINCT account, user_id, day FROM ({rows}) JOIN {NUMBERED} USING (account_id) "
        "WHERE events > 0 AND user_id IS NOT NULL"
        if "user_id" in history.columns["usage_daily"]
        else "SELECT 0 AS account, '' AS user_id, DATE '1970-01-01' AS day WHERE false"
    )
    sums = _added_up(whole(found["day"]), whole(found["account"]), whole(found["code"]), found)
    accounts, places = np.unique(sums["account"], return_inverse=True)
    used = np.searchsorted(accounts, whole(people["account"]))
    ids = history.accounts.take(numbers(accounts))
    return UsageDays(
        pa.table({name: numbers(_narrow(values)) for name, values in (sums | {"account": places}).items()}),
        pa.table({"account": numbers(_narrow(used)), "user_id": people["user_id"], "day": people["day"]}),
        pa.table({"account_id": ids}),
        tuple(names["feature"].to_pylist()),
    )


def _added_up(day: Ints, account: Ints, code: Ints, found: pa.Table) -> dict[str, NDArray[np.generic]]:
    """The sums of neighbours of one day, account and feature."""
    first = np.ones(len(day), bool)
    first[1:] = (np.diff(day) != 0) | (np.diff(account) != 0) | (np.diff(code) != 0)
    begins = np.flatnonzero(first)
    ways = {"events": np.add, "minutes": np.add, "users": np.maximum}
    values = {name: array(found[name]) for name in ways}
    if len(begins) < len(day):
        values = {name: way.reduceat(values[name], begins) for name, way in ways.items()}
    return {"day": day[begins], "account": account[begins], "feature": code[begins], **values}


def _narrow(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """The same numbers in the fewest bytes."""
    wide = values.dtype.kind == "f"
    for kind in (np.float32,) if wide else (np.int8, np.int16, np.int32):
        small = values.astype(kind)
        if np.array_equal(small, values):
            return small
    return values
