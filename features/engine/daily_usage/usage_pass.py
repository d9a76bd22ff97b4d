"""The one pass over usage: by far the largest source, so it is counted in dense arrays and never row by row.

All windows of all cutoffs cut time into *buckets*. Rows are added to ``[bucket, feature, account]`` sums as they
stream by in Arrow batches, days of use to a bitmap, and users to one bit a bucket, in DuckDB. A window is then a
difference of prefix sums, a number of users is how many have a bit in the window's mask. The cost is one scan,
however many cutoffs there are.

Usage that comes in several files is not read row by row at all at one cutoff: its sums by day (``usage_days``) are
added up instead.

This holds for accounts whose rows were known *regularly* (``UsageDelivery``): those with late, early or corrected rows
are left to the exact arithmetic of ``windows``. The arrays belong to a span of days and can be kept and extended.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import ClassVar

import numpy as np
import pyarrow as pa

from features.arrow import array, days, numbers, whole
from features.definitions.measures import Aggregate
from features.engine.account_range import Scope
from features.engine.daily_usage.bucket_sums import Sums
from features.engine.daily_usage.buckets import Buckets, Window
from features.engine.daily_usage.day_sums import UsageDays
from features.engine.daily_usage.usage_delivery import UsageDelivery
from features.engine.relations import NUMBERED
from features.engine.windows import Floats, Ints
from features.history.history import History
from features.source_table import reading_again

USED = "events > 0"
BATCH = 50_000
"""Rows an Arrow batch: large enough that Python costs nothing, small enough for the processor's cache."""

GLANCE = 100_000
"""Rows in which the features are looked for before the scan: those that come later are noticed by it."""

WORD = 62
"""Buckets a word of bits: within the signed whole numbers that every engine and Arrow have."""

NOBODY = pa.table(
    {"account": pa.nulls(0, pa.int64()), "user_id": pa.nulls(0, pa.string()), "day": pa.nulls(0, pa.date32())}
)

PASSED = {
    ("sum", "events", None),
    ("sum", "minutes", None),
    ("max", "users", None),
    ("slope", "events", None),
    ("top", "events", None),
    ("newest", "day", USED),
    ("distinct", "day", USED),
    ("distinct", "feature", USED),
    ("distinct", "user_id", USED),
}
"""What the pass can count: how, of what, among which rows. Anything else goes through ``windows``, exact but slower."""


def passes(measure: Aggregate) -> bool:
    """Whether the pass over usage counts this measure."""
    stream = measure.stream
    known = (measure.how, measure.of, stream.only) in PASSED and measure.by in (None, "feature")
    whole = measure.where in (None, f"({measure.of}) IS NOT NULL")
    return stream.relation == "usage_daily" and known and whole and measure.within is not None and not stream.pick


class UsagePass:
    """Usage of some accounts at some cutoffs: read once, when first asked."""

    def __init__(
        self, history: History, cutoffs: Ints, scope: Scope, delivery: UsageDelivery, wanted: Iterable[Aggregate]
    ) -> None:
        self.history, self.scope, self.delivery = history, scope, delivery
        self.measures = list(dict.fromkeys(measure for measure in wanted if passes(measure)))
        self.days = cutoffs
        self.buckets = Buckets.of([window for measure in self.measures for window in self.windows(measure)])
        self.sums = self._read()
        self.sums.close()

    def of_accounts(self, first: int, end: int) -> UsagePass:
        """The same pass, not read again, for the accounts at the places ``[first, end)``."""
        piece = copy.copy(self)
        account, words = self._bits
        low, high = np.searchsorted(account, (first, end)).tolist()
        vars(piece).pop("_last", None)
        piece.scope = Scope(self.scope.codes[first:end])
        piece.sums = self.sums.of_accounts(first, end)
        piece._bits = account[low:high] - first, [word[low:high] for word in words]
        return piece

    def windows(self, measure: Aggregate) -> list[Window]:
        """The days of the measure at each cutoff, ``[first, end)``: what the lag hides is not in them."""
        shift = measure.stream.shift
        ends = self.days - max(shift, self.delivery.lag)
        begins = np.minimum(self.days - shift - (measure.within or 0), ends)
        return list(zip(begins.tolist(), ends.tolist(), strict=True))

    def aggregate(self, measure: Aggregate) -> Floats:
        """The measure by cutoff and account."""
        spans = [self.buckets.span(window) for window in self.windows(measure)]
        if measure.how in ("slope", "newest"):
            return self._slope(measure, spans) if measure.how == "slope" else self._newest(measure)
        if measure.of == "user_id":
            return self._users(spans)
        window = self._IN_WINDOW[measure.how, measure.of or ""]
        found = np.empty((len(self.days), len(self.scope)))
        for place, (first, end) in enumerate(spans):
            found[place] = window(self.sums, first, end)
        return found

    _IN_WINDOW: ClassVar[Mapping[tuple[str, str], Callable[[Sums, int, int], Floats | Ints]]] = {
        ("sum", "events"): Sums.events_in,
        ("top", "events"): Sums.most_events_in,
        ("distinct", "feature"): Sums.features_in,
        ("distinct", "day"): Sums.days_in,
        ("sum", "minutes"): Sums.minutes_in,
        ("max", "users"): Sums.most_users_in,
    }
    """What a run of buckets says of each account."""

    def _slope(self, measure: Aggregate, spans: list[tuple[int, int]]) -> Floats:
        """The least-squares slope over the days of the window, days that nobody has seen yet counting as zero."""
        width = measure.within or 0
        found = np.empty((len(self.days), len(self.scope)))
        for place, (first, end) in enumerate(spans):
            middle = self.days[place] - measure.stream.shift - self.buckets.first - (width + 1) / 2
            found[place] = self.sums.moments_in(first, end) - self.sums.events_in(first, end) * middle
        slope: Floats = found / (width * (width * width - 1) / 12)
        return slope

    def _newest(self, measure: Aggregate) -> Floats:
        found = np.empty((len(self.days), len(self.scope)))
        for place, (first, end) in enumerate(self.windows(measure)):
            newest = self._last[self.buckets.span((first, end))[1]]
            ago = self.days[place] - self.buckets.first - newest
            found[place] = np.where(newest + self.buckets.first >= first, ago, np.nan)
        return found

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
        found = np.zeros((len(spans), len(self.scope)))
        if len(account):
            for place, (first, end) in enumerate(spans):
                seen = np.zeros(len(account), bool)
                for number, word in enumerate(words):
                    mask = _mask(first, end, number)
                    if mask:
                        seen |= (word & np.int64(mask)) != 0
                found[place, account[begins]] = np.add.reduceat(seen, begins, dtype=np.int64)
        return found

    @cached_property
    def _bits(self) -> tuple[Ints, list[Ints]]:
        """For each user, in the order of accounts: the account, and a bit for each bucket with any use."""
        users = [window for measure in self.measures if measure.of == "user_id" for window in self.windows(measure)]
        if not users:
            return np.empty(0, np.int64), []
        first, end = min(window[0] for window in users), max(window[1] for window in users)
        bucket = self.buckets.of_days()
        words = range(-(-len(self.buckets) // WORD))
        masks = {f"w{word}": numbers(_day_masks(bucket, word)) for word in words}
        used = f"({self.delivery.rows}) JOIN {NUMBERED} USING (account_id)", f"{USED} AND user_id IS NOT NULL"
        people, condition = ("usage_people", "true") if self.delivery.days else used
        with self.history.lent("usage_masks", pa.table({"day": self._dates, **masks})), self._people:
            found = self.history.query(
                f"SELECT account, {', '.join(f'bit_or(w{word}) AS w{word}' for word in words)} FROM {people} "
                f"JOIN usage_masks USING (day) WHERE {condition} "
                f"AND day >= DATE '1970-01-01' + {first} AND day < DATE '1970-01-01' + {end} "
                f"AND {self.scope.condition} "
                "GROUP BY account, user_id ORDER BY account"
            )
        account = self.scope.places(whole(found.column("account")))
        return account, [whole(found.column(f"w{word}")) for word in words]

    @property
    def _people(self) -> AbstractContextManager[None]:
        """Lend who used the product when to the history's queries, where that is known by days."""
        if not self.delivery.days:
            return nullcontext()
        tables = [
            part.people.set_column(0, "account", numbers(part.numbers_in(self.history)[array(part.people["account"])]))
            for part in self._parts
        ]
        return self.history.lent("usage_people", pa.concat_tables(tables) if tables else NOBODY)

    @cached_property
    def _parts(self) -> Sequence[UsageDays]:
        """The sums by day, where the delivery has them."""
        span = (self.buckets.first, self.buckets.first + self.buckets.days)
        return self.delivery.days(*span) if self.delivery.days else ()

    def _features(self, limit: str) -> list[str]:
        """The features in usage of these days, or of the first rows of it."""
        some = f"SELECT feature FROM usage_daily WHERE feature IS NOT NULL AND {self._span} {limit}"
        found: list[str] = self.history.query(f"SELECT DISTINCT feature FROM ({some})").column("feature").to_pylist()
        return found

    @property
    def _dates(self) -> pa.Array:
        return days(np.arange(self.buckets.first, self.buckets.first + self.buckets.days))

    @property
    def _span(self) -> str:
        first = self.buckets.first
        return f"day >= DATE '1970-01-01' + {first} AND day < DATE '1970-01-01' + {first + self.buckets.days}"

    def _read(self) -> Sums:
        return self._of_days() if self.delivery.days else self._of_rows()

    def _nothing(self, features: int) -> Sums:
        asked = {(measure.how, measure.of) for measure in self.measures}
        users = ("max", "users") in asked and "users" in self.history.columns["usage_daily"]
        return Sums.none(self.buckets, len(self.scope), features, users=users, moments=("slope", "events") in asked)

    def _of_days(self) -> Sums:
        """What the sums by day add up to, in their own order."""
        names = sorted({name for part in self._parts for name in part.features})
        sums = self._nothing(len(names))
        places = np.full(len(self.history.accounts), -1)
        places[self.scope.codes] = np.arange(len(self.scope))
        for part in self._parts:
            columns = part.between(self.buckets.first, self.buckets.first + self.buckets.days)
            account = places[part.numbers_in(self.history)][columns["account"]]
            code = np.searchsorted(names, part.features)[columns["feature"]]
            day = columns["day"].astype(np.int64) - self.buckets.first
            read = {**columns, "day": day, "account": account, "code": code}
            ours = account >= 0
            sums.add(read if ours.all() else {name: values[ours] for name, values in read.items()})
        return sums

    def _of_rows(self) -> Sums:
        """One scan, in whatever order the rows come; another where a glance at the first did not show all features."""
        sums = self._scanned(self._features(f"LIMIT {GLANCE}"), "true")
        while sums is None:
            sums = self._scanned(self._features(""), "feature IS NOT NULL")
        return sums

    def _scanned(self, features: list[str], condition: str) -> Sums | None:
        """The sums of the rows, which come in Arrow batches; nothing where one has another feature, or none.

        DuckDB looks for the place of a text in a list once for each text of a file, where a join does for each row.
        """
        sums = self._nothing(len(features))
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
            .to_arrow_reader(BATCH)
        )
        with reading_again():
            for batch in reader:
                if batch.column("code").null_count:
                    return None
                read = {name: array(batch.column(name)) for name in batch.schema.names if name != "day"}
                account = self.scope.places(read["account"].astype(np.int64))
                day = array(batch.column("day").view(pa.int32())) - np.int32(self.buckets.first)
                sums.add({**read, "account": account, "code": read["code"] - 1, "day": day})
        return sums


def _mask(first: int, end: int, word: int) -> int:
    """The bits of the buckets ``[first, end)`` that are in a word."""
    low, high = max(first - WORD * word, 0), min(end - WORD * word, WORD)
    return ((1 << high) - 1) & ~((1 << low) - 1) if low < high else 0


def _day_masks(bucket: Ints, word: int) -> Ints:
    inside = bucket // WORD == word
    return np.where(inside, np.left_shift(np.int64(1), bucket % WORD), 0)
