"""One pass over each source, however many cutoffs and features are asked: account × cutoff arrays of every measure.

A relation is read once, with everything that any wanted measure needs from it; what counts at which cutoff is
arithmetic on the rows' days (see ``windows``). A cube holds one range of accounts, so that memory has a bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from threading import Lock

import numpy as np
import pyarrow as pa

from features.definitions.measures import Aggregate, Measure, Stream, relations
from features.engine import expressions
from features.engine.account_range import Scope
from features.engine.aggregates import AGGREGATE_FUNCTIONS, picked_rows
from features.engine.daily_usage.usage_counts import UsageCounts
from features.engine.daily_usage.usage_pass import is_counted
from features.engine.read_rows import pick_order, read_rows
from features.engine.relations import day_number, number_accounts
from features.engine.rows import BY_ACCOUNT, Rows
from features.engine.windows import COMPUTE_THREADS, Cutoffs, Flags, Floats, Ints, Runs, latest_runs
from features.history.history import History

CELLS = 2**16
"""Numbers of an array that is worked at once at many cutoffs: larger ones leave the processor's cache, and the memory
that they take is given back to the system and asked for again, which together takes a fifth longer."""


ONCE = np.array([[0], [1]])
"""The run of the only cutoff there is."""


class Cube:
    """The measures of one range of accounts at sorted cutoffs (day numbers since 1970)."""

    def __init__(
        self, history: History, days: Ints, scope: Scope, wanted: Iterable[Measure], *, dense: bool = True
    ) -> None:
        number_accounts(history)
        self.dense = dense
        self.history = history
        self.scope = scope
        self.cutoffs = Cutoffs(days)
        self.shape = (len(days), len(scope))
        self._wanted = tuple(part for measure in wanted for part in measure.parts if isinstance(part, Aggregate))
        self._rows: dict[str, Rows] = {}
        self._locks: dict[str, Lock] = {}
        self._by_row: Cube | None = None
        self._known: dict[str, Flags] = {}
        self._windows: dict[tuple[str, str, int, int | None], Ints] = {}
        self._standing: dict[tuple[Stream, str | None, int | None], Runs] = {}

    def at(self, days: Ints) -> Cube:
        """The same accounts and the rows already read (of usage only what these cutoffs reach), at other cutoffs."""
        other = Cube(self.history, days, self.scope, self._wanted)
        other._rows = {name: rows for name, rows in self._rows.items() if name != "usage_daily"}
        return other

    def pieces(self, width: int) -> Iterator[Cube]:
        """The same rows, not read again, for so many accounts at a time, or fewer where that is quicker."""
        width = self._handy(width)
        if width >= len(self.scope):
            yield self
            return
        by_row = relations(part for part in self._wanted if not (self.dense and is_counted(part)))
        with ThreadPoolExecutor(COMPUTE_THREADS) as pool:
            for relation, rows in zip(by_row, pool.map(self.rows, by_row), strict=True):
                self._rows[relation] = rows if rows.order else rows.sorted(BY_ACCOUNT)
        for first in range(0, len(self.scope), width):
            end = min(first + width, len(self.scope))
            piece = Cube(self.history, self.cutoffs.days, Scope(self.scope.codes[first:end]), self._wanted)
            piece._rows = {name: rows.of_accounts(first, end) for name, rows in self._rows.items()}
            if self._counts_usage:
                piece._usage = self._usage.slice_accounts(first, end)
            yield piece

    def _handy(self, width: int) -> int:
        """At most so many accounts that an array of them stays in the processor's cache.

        One cutoff needs no order and no pieces; accounts whose usage is looked at row by row are read anew for each.
        """
        if len(self.cutoffs) == 1 or (self._counts_usage and not self._usage.regular):
            return width
        return max(min(width, CELLS // len(self.cutoffs)), 1)

    @cached_property
    def _counts_usage(self) -> bool:
        return self.dense and any(is_counted(part) for part in self._wanted)

    def aggregate(self, measure: Aggregate) -> Floats:
        """The measure by cutoff and account; nothing (NaN) where no row says anything, or its column is not there."""
        if expressions.lacks_column(measure, self.history):
            return np.full(self.shape, np.nan)
        if self.dense and is_counted(measure):
            return self._usage.aggregate(measure, self._exactly)
        rows = self.rows(measure.stream.relation)
        return AGGREGATE_FUNCTIONS[measure.how](measure, rows, self.runs(measure), self.cutoffs, self.shape)

    @cached_property
    def _usage(self) -> UsageCounts:
        return UsageCounts(self.history, self.cutoffs.days, self.scope, self._wanted)

    def _exactly(self, scope: Scope, measure: Aggregate) -> Floats:
        if self._by_row is None:
            self._by_row = Cube(self.history, self.cutoffs.days, scope, self._wanted, dense=False)
        return self._by_row.aggregate(measure)

    def text(self, measure: Aggregate) -> pa.Array:
        """The text on the picked row: all accounts of the first cutoff, then of the next."""
        if expressions.lacks_column(measure, self.history):
            return pa.nulls(self.shape[0] * self.shape[1], pa.string())
        rows = self.rows(measure.stream.relation)
        return rows.texts(measure.of or "", picked_rows(rows, self.runs(measure), self.shape).ravel())

    def runs(self, measure: Aggregate) -> Runs:
        """The rows of a measure, and the run of cutoffs at which each counts."""
        stream, rows = measure.stream, self.rows(measure.stream.relation)
        if not stream.pick:
            return self._kept(stream, measure.where, measure.within)
        runs = self._kept(stream, None, None)
        if measure.where:
            runs = runs.kept(rows.values(expressions.flag_column(measure.where), runs.row).view(np.bool_))
        return self._within(stream, rows, measure.within, runs) if measure.within else runs

    def _kept(self, stream: Stream, where: str | None, within: int | None) -> Runs:
        asked = (stream, where, within)
        if asked not in self._standing:
            self._standing[asked] = self._found(stream, where, within)
        return self._standing[asked]

    def _found(self, stream: Stream, where: str | None, within: int | None) -> Runs:
        """The rows of a stream, picked, while they hold."""
        rows = self.rows(stream.relation)
        conditions = [expressions.flag_column(text) for text in (stream.only, where) if text]
        if len(self.cutoffs) == 1:
            return self._found_now(stream, rows, conditions, within)
        row = rows.where(conditions)
        if within:
            day = rows.days(day_number(stream.at), row)
            row = row[day + stream.shift + within >= self.cutoffs.days[0]]
        runs = self._picked(stream, rows, row) if stream.pick else self._held(stream, rows, row).some()
        if stream.until:
            runs = runs.ending(self.cutoffs.after(rows.days(day_number(stream.until), runs.row)))
        return self._within(stream, rows, within, runs) if within else runs

    def _found_now(self, stream: Stream, rows: Rows, conditions: Sequence[str], within: int | None) -> Runs:
        """The rows of a stream at the only cutoff: each holds or it does not."""
        row = self._happened_now(stream, rows, within)
        if conditions:
            held = np.flatnonzero(rows.holds(conditions, row))
            row = held if row is rows.every else row[held]
        if stream.pick:
            row = row[rows.outermost(pick_order(stream), row, last=stream.pick == "latest")]
        if stream.until:
            row = row[rows.days(day_number(stream.until), row) >= int(self.cutoffs.days[0])]
        return Runs(row, *np.broadcast_to(ONCE, (2, len(row))))

    def _happened_now(self, stream: Stream, rows: Rows, within: int | None) -> Ints:
        """The rows of a relation that are the state at the only cutoff and have happened, in a window if there is one.

        Many streams look at one window, which is a small part of all rows: it is looked for once.
        """
        asked = (stream.relation, stream.at, stream.shift, within)
        if asked in self._windows:
            return self._windows[asked]
        end = int(self.cutoffs.days[0]) - stream.shift
        happened = rows.days(day_number(stream.at), rows.every)
        holds = self._known_now(stream.relation) & (happened < end)
        if within:
            holds &= happened >= end - within
        row = rows.every if holds.all() else np.flatnonzero(holds)
        if within:
            self._windows[asked] = row
        return row

    def _known_now(self, relation: str) -> Flags:
        """The rows of a relation that are the state at the only cutoff."""
        if relation not in self._known:
            rows, cutoff = self.rows(relation), int(self.cutoffs.days[0])
            known = rows.days("known", rows.every) < cutoff
            if "replaced" in rows.columns:
                known &= rows.days("replaced", rows.every) >= cutoff
            self._known[relation] = known
        return self._known[relation]

    def _picked(self, stream: Stream, rows: Rows, row: Ints) -> Runs:
        """The rows while they are the latest, or the first, of their thing."""
        row, entity = rows.in_order(pick_order(stream), row)
        if stream.pick == "first":
            row, entity = row[::-1], entity[::-1]
        runs = self._held(stream, rows, row)
        some = runs.start < runs.end
        return latest_runs(runs.kept(some), entity[np.flatnonzero(some)], self.shape[0])

    def _within(self, stream: Stream, rows: Rows, days: int, runs: Runs) -> Runs:
        """The runs that end when their row falls out of the window of so many days."""
        happened = rows.days(day_number(stream.at), runs.row)
        return runs.ending(self.cutoffs.after(happened + (stream.shift + days)))

    def _held(self, stream: Stream, rows: Rows, row: Ints) -> Runs:
        """The rows while they are the state of things that have happened."""
        happened = rows.days(day_number(stream.at), row) + stream.shift
        start = self.cutoffs.after(np.maximum(rows.days("known", row), happened))
        if "replaced" not in rows.columns:  # no row came twice
            return Runs(row, start, np.full(len(row), len(self.cutoffs)))
        return Runs(row, start, self.cutoffs.after(rows.days("replaced", row)))

    def rows(self, relation: str) -> Rows:
        """The rows of a relation for these accounts, read once with all that is wanted of them."""
        with self._locks.setdefault(relation, Lock()):
            if relation not in self._rows:
                self._rows[relation] = read_rows(relation, self.history, self.scope, self._wanted, self.cutoffs)
        return self._rows[relation]
