"""The one pass over usage: by far the largest source, so it is counted in dense arrays and never row by row.

All windows of all cutoffs divide time into *buckets*. Rows are added to ``[bucket, feature, account]`` sums as they
arrive in Arrow batches, days of use to a bitmap, and users to one bit a bucket, in DuckDB. A window is then a
difference of prefix sums, and a number of users is how many have a bit in the window's mask. The cost is one scan,
for any number of cutoffs.

At one cutoff, usage in several files is not read row by row at all: its sums by day (``day_sums``) are added up
instead.

The pass counts accounts whose rows were delivered *regularly* (``UsageDelivery``): those with late, early or corrected
rows are computed by the exact arithmetic of ``windows``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import ClassVar

import numpy as np
import pyarrow as pa

from features.arrow import date_array, number_array, to_int64, to_numpy
from features.definitions.measures import Aggregate
from features.engine.account_range import Scope
from features.engine.daily_usage.bucket_sums import Buckets, BucketSums, Window
from features.engine.daily_usage.day_sums import DaySums
from features.engine.daily_usage.usage_delivery import UsageDelivery
from features.engine.table_rows.relations import NUMBERED
from features.engine.windows import Floats, Ints
from features.history.history import History
from features.source_table import explain_changed_files

WITH_EVENTS = "events > 0"

BATCH_ROWS = 50_000
"""Rows of an Arrow batch: large enough that Python costs nothing, small enough for the processor's cache."""

SAMPLE_ROWS = 100_000
"""Rows in which the features are looked up before the scan, which detects any others."""

WORD_BITS = 62
"""Buckets in a word of bits: within the signed integers of every engine and of Arrow."""

NO_USERS = pa.table(
    {"account": pa.nulls(0, pa.int64()), "user_id": pa.nulls(0, pa.string()), "day": pa.nulls(0, pa.date32())}
)

COUNTED = {
    ("sum", "events", None),
    ("sum", "minutes", None),
    ("max", "users", None),
    ("top", "events", None),
    ("newest", "day", WITH_EVENTS),
    ("distinct", "day", WITH_EVENTS),
    ("distinct", "feature", WITH_EVENTS),
    ("distinct", "user_id", WITH_EVENTS),
}
"""The measures that the pass can count: how, of what, in which rows. All others are computed row by row."""


def is_counted(measure: Aggregate) -> bool:
    """Whether the pass over usage counts this measure."""
    stream = measure.stream
    supported = (measure.how, measure.of, stream.only) in COUNTED and measure.by in (None, "feature")
    unfiltered = measure.where in (None, f"({measure.of}) IS NOT NULL")
    return (
        stream.relation == "usage_daily" and supported and unfiltered and measure.within is not None and not stream.pick
    )


class UsagePass:
    """Usage of some accounts at some cutoffs, read once."""

    def __init__(
        self, history: History, cutoffs: Ints, scope: Scope, delivery: UsageDelivery, wanted: Iterable[Aggregate]
    ) -> None:
        self.history, self.scope, self.delivery = history, scope, delivery
        self.measures = list(dict.fromkeys(measure for measure in wanted if is_counted(measure)))
        self.days = cutoffs
        self.buckets = Buckets.from_windows([window for measure in self.measures for window in self.windows(measure)])
        self.sums = self._read()
        self.sums.close()

    def slice_accounts(self, first: int, end: int) -> UsagePass:
        """The same pass, not read again, for the accounts at the positions ``[first, end)``."""
        piece = copy.copy(self)
        account, words = self._bits
        low, high = np.searchsorted(account, (first, end)).tolist()
        vars(piece).pop("_last", None)
        piece.scope = Scope(self.scope.codes[first:end])
        piece.sums = self.sums.slice_accounts(first, end)
        piece._bits = account[low:high] - first, [word[low:high] for word in words]
        return piece

    def windows(self, measure: Aggregate) -> list[Window]:
        """The days of the measure at each cutoff, ``[first, end)``; not those hidden by the lag."""
        shift = measure.stream.shift
        ends = self.days - max(shift, self.delivery.lag)
        begins = np.minimum(self.days - shift - (measure.within or 0), ends)
        return list(zip(begins.tolist(), ends.tolist(), strict=True))

    def aggregate(self, measure: Aggregate) -> Floats:
        """The measure by cutoff and account."""
        spans = [self.buckets.span(window) for window in self.windows(measure)]
        if measure.how == "newest":
            return self._newest(measure)
        if measure.of == "user_id":
            return self._users(spans)
        window = self._IN_WINDOW[measure.how, measure.of or ""]
        values = np.empty((len(self.days), len(self.scope)))
        for place, (first, end) in enumerate(spans):
            values[place] = window(self.sums, first, end)
        return values

    _IN_WINDOW: ClassVar[Mapping[tuple[str, str], Callable[[BucketSums, int, int], Floats | Ints]]] = {
        ("sum", "events"): BucketSums.events_in,
        ("top", "events"): BucketSums.most_events_in,
        ("distinct", "feature"): BucketSums.features_in,
        ("distinct", "day"): BucketSums.days_in,
        ("sum", "minutes"): BucketSums.minutes_in,
        ("max", "users"): BucketSums.most_users_in,
    }
    """The function of a run of buckets that computes each measure."""

    def _newest(self, measure: Aggregate) -> Floats:
        values = np.empty((len(self.days), len(self.scope)))
        for place, (first, end) in enumerate(self.windows(measure)):
            newest = self._last[self.buckets.span((first, end))[1]]
            ago = self.days[place] - self.buckets.first - newest
            values[place] = np.where(newest + self.buckets.first >= first, ago, np.nan)
        return values

    @cached_property
    def _last(self) -> Ints:
        """The last day of use before each edge, by account, counted from the first day; far before it where none."""
        last = np.full((len(self.buckets.edges), len(self.scope)), -(10**6), dtype=np.int64)
        newest = last[0].copy()
        edges = self.buckets.edges - self.buckets.first
        for place in range(len(self.buckets)):
            for day in range(edges[place], edges[place + 1]):
                newest[self.sums.active[day]] = day
            last[place + 1] = newest
        return last

    def _users(self, spans: list[tuple[int, int]]) -> Floats:
        account, words = self._bits
        begins = np.flatnonzero(np.diff(account, prepend=-1))
        values = np.zeros((len(spans), len(self.scope)))
        if len(account):
            for place, (first, end) in enumerate(spans):
                active = np.zeros(len(account), bool)
                for number, word in enumerate(words):
                    mask = _mask(first, end, number)
                    if mask:
                        active |= (word & np.int64(mask)) != 0
                values[place, account[begins]] = np.add.reduceat(active, begins, dtype=np.int64)
        return values

    @cached_property
    def _bits(self) -> tuple[Ints, list[Ints]]:
        """For each user, in the order of accounts: the account, and a bit for each bucket with any use."""
        users = [window for measure in self.measures if measure.of == "user_id" for window in self.windows(measure)]
        if not users:
            return np.empty(0, np.int64), []
        first, end = min(window[0] for window in users), max(window[1] for window in users)
        bucket = self.buckets.by_day()
        words = range(-(-len(self.buckets) // WORD_BITS))
        masks = {f"w{word}": number_array(_day_masks(bucket, word)) for word in words}
        from_rows = (
            f"({self.delivery.rows}) JOIN {NUMBERED} USING (account_id)",
            f"{WITH_EVENTS} AND user_id IS NOT NULL",
        )
        rows, condition = ("usage_user_days", "true") if self.delivery.days else from_rows
        with self.history.temporary_table("usage_masks", pa.table({"day": self._dates, **masks})), self._user_days:
            values = self.history.query(
                f"SELECT account, {', '.join(f'bit_or(w{word}) AS w{word}' for word in words)} FROM {rows} "
                f"JOIN usage_masks USING (day) WHERE {condition} "
                f"AND day >= DATE '1970-01-01' + {first} AND day < DATE '1970-01-01' + {end} "
                f"AND {self.scope.condition} "
                "GROUP BY account, user_id ORDER BY account"
            )
        account = self.scope.places(to_int64(values.column("account")))
        return account, [to_int64(values.column(f"w{word}")) for word in words]

    @property
    def _user_days(self) -> AbstractContextManager[None]:
        """The table of days of use by user, for the history's queries, where the delivery has sums by day."""
        if not self.delivery.days:
            return nullcontext()
        tables = [
            part.user_days.set_column(
                0, "account", number_array(part.numbers_in(self.history)[to_numpy(part.user_days["account"])])
            )
            for part in self._parts
        ]
        return self.history.temporary_table("usage_user_days", pa.concat_tables(tables) if tables else NO_USERS)

    @cached_property
    def _parts(self) -> Sequence[DaySums]:
        """The sums by day, where the delivery has them."""
        span = (self.buckets.first, self.buckets.first + self.buckets.days)
        return self.delivery.days(*span) if self.delivery.days else ()

    def _features(self, limit: str) -> list[str]:
        """The features in usage of these days, or of the first rows of it."""
        rows = f"SELECT feature FROM usage_daily WHERE feature IS NOT NULL AND {self._span} {limit}"
        features: list[str] = self.history.query(f"SELECT DISTINCT feature FROM ({rows})").column("feature").to_pylist()
        return features

    @property
    def _dates(self) -> pa.Array:
        return date_array(np.arange(self.buckets.first, self.buckets.first + self.buckets.days))

    @property
    def _span(self) -> str:
        first = self.buckets.first
        return f"day >= DATE '1970-01-01' + {first} AND day < DATE '1970-01-01' + {first + self.buckets.days}"

    def _read(self) -> BucketSums:
        return self._sum_days() if self.delivery.days else self._sum_rows()

    def _empty_sums(self, features: int) -> BucketSums:
        needed = {(measure.how, measure.of) for measure in self.measures}
        users = ("max", "users") in needed and "users" in self.history.columns["usage_daily"]
        return BucketSums.empty(self.buckets, len(self.scope), features, users=users)

    def _sum_days(self) -> BucketSums:
        """The sums of the sums by day, in their order, some rows at a time: their arrays stay in the cache."""
        names = sorted({name for part in self._parts for name in part.features})
        sums = self._empty_sums(len(names))
        places = np.full(len(self.history.accounts) + 1, -1)  # the last one is that of accounts that have vanished
        places[self.scope.codes] = np.arange(len(self.scope))
        first, end = self.buckets.first, self.buckets.first + self.buckets.days
        for part in self._parts:
            place, feature = places[part.numbers_in(self.history)], np.searchsorted(names, part.features)
            for columns in part.of_accounts(first, end, place >= 0):
                for begin in range(0, len(columns["day"]), BATCH_ROWS):
                    read = {name: values[begin : begin + BATCH_ROWS] for name, values in columns.items()}
                    day = read["day"].astype(np.int64) - first
                    account, code = place[read["account"]], feature[read["feature"]]
                    sums.add({**read, "day": day, "account": account, "code": code})
        return sums

    def _sum_rows(self) -> BucketSums:
        """The sums of one scan, in any order; of a second one where the first rows did not have all features."""
        sums = self._scan(self._features(f"LIMIT {SAMPLE_ROWS}"), "true")
        while sums is None:
            sums = self._scan(self._features(""), "feature IS NOT NULL")
        return sums

    def _scan(self, features: list[str], condition: str) -> BucketSums | None:
        """The sums of the rows, read in Arrow batches; ``None`` where a row has another feature, or none.

        DuckDB looks up the position of a text in a list once for each distinct text of a file; a join, for each row.
        """
        sums = self._empty_sums(len(features))
        users = ", coalesce(users, -1) AS users" if len(sums.users) else ""
        reader = (
            self.history.connection.cursor()
            .sql(
                f"SELECT account, day, list_position(CAST(? AS VARCHAR[]), feature) AS code, events, "
                f"coalesce(minutes, 0) AS minutes{users} "
                f"FROM ({self.delivery.rows}) JOIN {NUMBERED} USING (account_id) "
                f"WHERE {condition} AND {self._span} AND {self.scope.condition}",
                params=[features],
            )
            .to_arrow_reader(BATCH_ROWS)
        )
        with explain_changed_files():
            for batch in reader:
                if batch.column("code").null_count:
                    return None
                read = {name: to_numpy(batch.column(name)) for name in batch.schema.names if name != "day"}
                account = self.scope.places(read["account"].astype(np.int64))
                day = to_numpy(batch.column("day").view(pa.int32())) - np.int32(self.buckets.first)
                sums.add({**read, "account": account, "code": read["code"] - 1, "day": day})
        return sums


def _mask(first: int, end: int, word: int) -> int:
    """The bits of the buckets ``[first, end)`` in a word."""
    low, high = max(first - WORD_BITS * word, 0), min(end - WORD_BITS * word, WORD_BITS)
    return ((1 << high) - 1) & ~((1 << low) - 1) if low < high else 0


def _day_masks(bucket: Ints, word: int) -> Ints:
    inside = bucket // WORD_BITS == word
    return np.where(inside, np.left_shift(np.int64(1), bucket % WORD_BITS), 0)
