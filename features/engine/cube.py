"""One pass over each source for any number of cutoffs and features: account × cutoff arrays of every measure.

A relation is read once, with every column that any wanted measure needs; which rows count at which cutoff is arithmetic
on the rows' days (see ``windows``). A cube holds one range of accounts, so that memory is limited.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from threading import Lock

import numpy as np
import pyarrow as pa

from features.definitions.measures import Aggregate, Measure, Stream, relations
from features.engine.account_range import Scope
from features.engine.aggregates import AGGREGATE_FUNCTIONS, picked_rows
from features.engine.daily_usage.usage_counts import UsageCounts
from features.engine.daily_usage.usage_pass import is_counted
from features.engine.table_rows import expressions
from features.engine.table_rows.countable_rows import CountableRows, Selection, lookbacks, pick_order
from features.engine.table_rows.kept_rows import KeptRows
from features.engine.table_rows.read_rows import read_countable_rows
from features.engine.table_rows.relations import day_number, number_accounts
from features.engine.table_rows.rows import BY_ACCOUNT, Rows
from features.engine.windows import COMPUTE_THREADS, Cutoffs, Floats, Ints, Runs, latest_runs
from features.history.history import History

CACHE_CELLS = 2**16
"""Size of an array that is processed at once at many cutoffs: larger ones leave the processor's cache, and their memory
is returned to the system and allocated again, which together takes a fifth longer."""

ONLY_RUN = np.array([[0], [1]])
"""The run of a single cutoff."""


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
        self._wanted = tuple(wanted)
        self._parts = tuple(part for measure in self._wanted for part in measure.parts if isinstance(part, Aggregate))
        self._countable: dict[str, CountableRows] = {}
        self._locks: dict[str, Lock] = {}
        self._by_row: Cube | None = None
        self._origin: Cube | None = None
        self._kept: KeptRows | None = None
        self._runs: dict[Selection, Runs] = {}

    def at(self, days: Ints) -> Cube:
        """The same accounts and the rows already read, except usage, at other cutoffs."""
        other = Cube(self.history, days, self.scope, self._wanted)
        other._origin = self
        return other

    def chunks(self, width: int) -> Iterator[Cube]:
        """The same rows, not read again, for ``width`` accounts at a time, or fewer where that is faster."""
        width = self._chunk_width(width)
        if width >= len(self.scope):
            self._kept = KeptRows.of(self.history, self.scope, self._parts) if len(self.cutoffs) == 1 else None
            yield self
            if self._kept:
                self._kept.write(self._countable)
            return
        by_row = relations(part for part in self._parts if not (self.dense and is_counted(part)))
        with ThreadPoolExecutor(COMPUTE_THREADS) as pool:
            for relation, rows in zip(by_row, pool.map(self.rows, by_row), strict=True):
                first = self._countable[relation].first
                self._countable[relation] = CountableRows(rows if rows.order else rows.sorted(BY_ACCOUNT), first)
        for first in range(0, len(self.scope), width):
            end = min(first + width, len(self.scope))
            chunk = Cube(self.history, self.cutoffs.days, Scope(self.scope.codes[first:end]), self._wanted)
            chunk._countable = {name: rows.slice_accounts(first, end) for name, rows in self._countable.items()}
            if self._counts_usage:
                chunk._usage = self._usage.slice_accounts(first, end)
            yield chunk

    def _chunk_width(self, width: int) -> int:
        """At most ``width`` accounts, and so few that an array of them stays in the processor's cache.

        One cutoff needs no order and no chunks; usage that is counted row by row would be read again for each chunk.
        """
        if len(self.cutoffs) == 1 or (self._counts_usage and not self._usage.regular):
            return width
        return max(min(width, CACHE_CELLS // len(self.cutoffs)), 1)

    @cached_property
    def _counts_usage(self) -> bool:
        return self.dense and any(is_counted(part) for part in self._parts)

    def aggregate(self, measure: Aggregate) -> Floats:
        """The measure by cutoff and account; NaN where no row has a value, or the source lacks the column."""
        if expressions.lacks_column(measure, self.history):
            return np.full(self.shape, np.nan)
        if self.dense and is_counted(measure):
            return self._usage.aggregate(measure, self._aggregate_by_row)
        rows = self.rows(measure.stream.relation)
        return AGGREGATE_FUNCTIONS[measure.how](measure, rows, self.runs(measure), self.cutoffs, self.shape)

    @cached_property
    def _usage(self) -> UsageCounts:
        return UsageCounts(self.history, self.cutoffs.days, self.scope, self._parts)

    def _aggregate_by_row(self, scope: Scope, measure: Aggregate) -> Floats:
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
        stream, rows, selection = measure.stream, self.rows(measure.stream.relation), Selection.of_measure(measure)
        runs = self._selected(selection if len(self.cutoffs) == 1 else selection.all_rows)
        if not stream.pick:
            return runs
        if measure.where:
            runs = runs.select(rows.values(expressions.flag_column(measure.where), runs.row).view(np.bool_))
        return self._within(stream, rows, measure.within, runs) if measure.within else runs

    def _selected(self, selection: Selection) -> Runs:
        if selection not in self._runs:
            self._runs[selection] = self._compute_runs(selection)
        return self._runs[selection]

    def _compute_runs(self, selection: Selection) -> Runs:
        """The rows of a stream, picked, and the run of cutoffs at which each holds."""
        stream, within = selection.stream, selection.within
        if len(self.cutoffs) == 1:
            row = self._countable_rows(stream.relation).at(selection, int(self.cutoffs.days[0]))
            return Runs(row, *np.broadcast_to(ONLY_RUN, (2, len(row))))
        rows = self.rows(stream.relation)
        row = rows.where(selection.conditions)
        if within:
            day = rows.days(day_number(stream.at), row)
            row = row[day + stream.shift + within >= self.cutoffs.days[0]]
        runs = self._picked(stream, rows, row) if stream.pick else self._held(stream, rows, row).non_empty()
        if stream.until:
            runs = runs.cut_at(self.cutoffs.after(rows.days(day_number(stream.until), runs.row)))
        return self._within(stream, rows, within, runs) if within else runs

    def _picked(self, stream: Stream, rows: Rows, row: Ints) -> Runs:
        """The runs at which rows are the latest, or the first, of their entity."""
        row, entity = rows.in_order(pick_order(stream), row)
        if stream.pick == "first":
            row, entity = row[::-1], entity[::-1]
        runs = self._held(stream, rows, row)
        non_empty = runs.start < runs.end
        return latest_runs(runs.select(non_empty), entity[np.flatnonzero(non_empty)], self.shape[0])

    def _within(self, stream: Stream, rows: Rows, days: int, runs: Runs) -> Runs:
        """The runs, ended when their row leaves the window of ``days`` days."""
        happened = rows.days(day_number(stream.at), runs.row)
        return runs.cut_at(self.cutoffs.after(happened + (stream.shift + days)))

    def _held(self, stream: Stream, rows: Rows, row: Ints) -> Runs:
        """The runs at which rows have happened and are the state."""
        happened = rows.days(day_number(stream.at), row) + stream.shift
        start = self.cutoffs.after(np.maximum(rows.days("known", row), happened))
        if "replaced" not in rows.columns:  # every row has one version
            return Runs(row, start, np.full(len(row), len(self.cutoffs)))
        return Runs(row, start, self.cutoffs.after(rows.days("replaced", row)))

    def rows(self, relation: str) -> Rows:
        """The rows of a relation for these accounts, read once with every column that is needed.

        At one cutoff, rows that no measure counts may be missing: those that an earlier night did not keep.
        """
        return self._countable_rows(relation).rows

    def _countable_rows(self, relation: str) -> CountableRows:
        if self._origin is not None and relation != "usage_daily":  # which is read as far back as the cutoff needs
            return self._origin._countable_rows(relation)
        with self._locks.setdefault(relation, Lock()):
            if relation not in self._countable:
                self._countable[relation] = self._read(relation)
        return self._countable[relation]

    @cached_property
    def _lookbacks(self) -> dict[str, int]:
        return lookbacks(self._wanted)

    def _read(self, relation: str) -> CountableRows:
        first = int(self.cutoffs.days[0]) - self._lookbacks.get(relation, 0)
        kept = self._kept.read(relation, first) if self._kept else None
        if kept is not None:
            return kept
        return read_countable_rows(relation, self.history, self.scope, self._parts, self.cutoffs, first)
