"""The sums of some usage by day, account and feature: small enough to cache, fine enough for every window.

Rows are sorted and then added up, so that the sums of minutes, and all that is computed from them, do not depend on the
order in which rows were read: they are the same, bit for bit, whether computed tonight or a month ago.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import number_array, to_int64, to_numpy
from features.engine.table_rows.relations import NUMBERED
from features.engine.windows import Flags, Ints, Values
from features.history.cache_files import CachedFile
from features.history.history import History
from features.history.partitions import DayRange

MAX_ROWS_SORTED = 4_000_000
"""Rows that are sorted at once."""

SUM_COLUMNS = ("day", "account", "feature", "events", "minutes", "users")


@dataclass(frozen=True)
class DaySums:
    """``sums`` has a row for each day, account and feature, ordered by these, with ``events``, ``minutes`` and the most
    ``users`` of a row (−1: no row has a number). ``user_days`` has a row for each account, user and day with events.

    ``account`` is a position in ``accounts``, the ids, and ``feature`` a position in ``features``, both ascending.
    """

    sums: pa.Table
    user_days: pa.Table
    accounts: pa.Table
    features: tuple[str, ...]
    _numbers: WeakKeyDictionary[History, Ints] = field(default_factory=WeakKeyDictionary, repr=False, compare=False)

    @classmethod
    def from_cache(cls, file: CachedFile | None, name: str) -> DaySums | None:
        """The sums in a cache file, where it holds those of that name."""
        if file is None or file.values.get("name") != name:
            return None
        sums, user_days, accounts = file.tables
        return cls(sums, user_days, accounts, tuple(file.values["features"]))

    def to_cache(self, name: str) -> CachedFile:
        """The sums as the content of a cache file."""
        return CachedFile({"name": name, "features": self.features}, [self.sums, self.user_days, self.accounts])

    def between(self, first: int, end: int) -> dict[str, Values]:
        """The columns of the sums on the days ``[first, end)``, in their order."""
        low, high = np.searchsorted(to_numpy(self.sums["day"]), (first, end)).tolist()
        return {name: to_numpy(self.sums[name])[low:high] for name in SUM_COLUMNS}

    def of_accounts(self, first: int, end: int, wanted: Flags) -> Iterator[dict[str, Values]]:
        """The same of the ``wanted`` accounts: all days at once, or of a run of some accounts a day at a time."""
        columns, positions = self.between(first, end), np.flatnonzero(wanted)
        if len(positions) == len(wanted):
            yield columns
        elif len(positions) and positions[-1] - positions[0] + 1 == len(positions):
            account, day = columns["account"], columns["day"]
            run = positions[[0, -1]].astype(account.dtype)  # values of another type would copy the column
            begin = 0
            while begin < len(day):
                after = begin + int(np.searchsorted(day[begin:], day[begin], side="right"))
                low = begin + int(np.searchsorted(account[begin:after], run[0]))
                high = begin + int(np.searchsorted(account[begin:after], run[1], side="right"))
                yield {name: values[low:high] for name, values in columns.items()}
                begin = after
        elif len(positions):
            rows = np.flatnonzero(wanted[columns["account"]])
            yield {name: values[rows] for name, values in columns.items()}

    def numbers_in(self, history: History) -> Ints:
        """The dense number that each of the accounts has in a history; −1 where it has vanished since."""
        if history not in self._numbers:
            ids = self.accounts["account_id"].combine_chunks()
            self._numbers[history] = to_int64(pc.index_in(ids, value_set=history.accounts).fill_null(-1))
        return self._numbers[history]


def sum_by_day(history: History, rows: str, days: DayRange, count: int) -> DaySums:
    """The sums of the rows of a query, which has the contract's columns and one version of each row.

    ``days`` are the first and the last day of its rows, ``count`` is about how many there are: they are read some days
    at a time, as many as fit in memory.
    """
    names = history.query(f"SELECT DISTINCT feature FROM ({rows}) ORDER BY feature")
    step = max((days[1] + 1 - days[0]) * MAX_ROWS_SORTED // max(count, 1), 1)
    with history.temporary_table(
        "usage_names", pa.table({"feature": names["feature"], "code": number_array(np.arange(len(names)))})
    ):
        parts = [_sum_days(history, rows, first, first + step) for first in range(days[0], days[1] + 1, step)]
    sums = {name: np.concatenate([part[name] for part, _ in parts]) for name in SUM_COLUMNS}
    user_days = pa.concat_tables([part for _, part in parts])
    with_rows = np.zeros(len(history.accounts), np.bool_)
    with_rows[sums["account"]] = True
    accounts, place = np.flatnonzero(with_rows), np.cumsum(with_rows) - 1
    sums["account"], used = place[sums["account"]], place[to_numpy(user_days["account"])]
    return DaySums(
        pa.table({name: number_array(_narrow(values)) for name, values in sums.items()}),
        user_days.set_column(0, "account", number_array(_narrow(used))),
        pa.table({"account_id": history.accounts.take(number_array(accounts))}),
        tuple(names["feature"].to_pylist()),
    )


def _sum_days(history: History, rows: str, first: int, end: int) -> tuple[dict[str, Values], pa.Table]:
    """The sums and the days of users of the days ``[first, end)``; accounts are dense numbers."""
    selected = f"SELECT * FROM ({rows}) WHERE day >= DATE '1970-01-01' + {first} AND day < DATE '1970-01-01' + {end}"
    by_row = history.query(
        "SELECT CAST(day - DATE '1970-01-01' AS INTEGER) AS day, account, code, events, "
        "coalesce(minutes, 0) AS minutes, coalesce(users, -1) AS users "
        f"FROM ({selected}) JOIN {NUMBERED} USING (account_id) "
        "JOIN usage_names USING (feature) ORDER BY day, account, code, minutes"
    )
    has_user = "user_id IS NOT NULL" if "user_id" in history.columns["usage_daily"] else "false"
    user_days = history.query(
        f"SELECT DISTINCT account, user_id, day FROM ({selected}) JOIN {NUMBERED} USING (account_id) "
        f"WHERE events > 0 AND {has_user} ORDER BY ALL"
    )
    return _add_neighbours(by_row), user_days


def _add_neighbours(rows: pa.Table) -> dict[str, Values]:
    """The sums of neighbouring rows of one day, account and feature."""
    day, account, code = (to_numpy(rows[name]) for name in ("day", "account", "code"))
    first = np.ones(len(day), bool)
    first[1:] = (np.diff(day) != 0) | (np.diff(account) != 0) | (np.diff(code) != 0)
    begins = np.flatnonzero(first)
    operations = {"events": np.add, "minutes": np.add, "users": np.maximum}
    values = {name: to_numpy(rows[name]) for name in operations}
    if len(begins) < len(day):
        values = {name: operation.reduceat(values[name], begins) for name, operation in operations.items()}
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
