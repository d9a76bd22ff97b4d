"""The rows of a relation that each measure counts at one cutoff, and those that it may count at a later one.

Most rows of a source count in no night to come: they have left every window, or a later row of their ticket or account
has taken their place for good. So the rows are first reduced to those that *may count* from a first day on, which holds
at every cutoff from that day, and then to those that count at the cutoff. The first step looks at all rows, the second
at few; its result is what one night keeps for the next (``kept_rows``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from features.definitions.measures import Aggregate, Ago, Measure, Stream
from features.engine.table_rows.expressions import entity_columns, flag_column, instant_column, operand_column
from features.engine.table_rows.relations import day_number, tie_columns
from features.engine.table_rows.rows import Order, Rows
from features.engine.windows import Flags, Ints
from features.history.versions import FOREVER


@dataclass(frozen=True)
class Selection:
    """Which rows a measure looks at: those of its stream, of a condition, in a window.

    ``nearest`` is set where only the newest or the oldest day of ``of`` matters, so that other rows need not be kept.
    """

    stream: Stream
    where: str | None = None
    within: int | None = None
    nearest: Literal["newest", "oldest"] | None = None
    of: str = ""

    @classmethod
    def of_measure(cls, measure: Aggregate) -> Selection:
        """The selection of a measure; picked rows are filtered after they are picked."""
        stream = measure.stream
        if stream.pick:
            return cls(stream)
        if measure.how == "newest" and stream.until is None and measure.of == stream.at:
            return cls(stream, measure.where, measure.within, "newest", operand_column(measure))
        if measure.how == "oldest" and stream.until is None and measure.within is None:
            return cls(stream, measure.where, None, "oldest", operand_column(measure))
        return cls(stream, measure.where, measure.within)

    @property
    def all_rows(self) -> Selection:
        """The same, where no row is left out."""
        return Selection(self.stream, self.where, self.within)

    @property
    def conditions(self) -> list[str]:
        """The columns that have to be true."""
        return [flag_column(text) for text in (self.stream.only, self.where) if text]


class CountableRows:
    """The rows of a relation, at any cutoff from the day ``first`` on.

    ``selected`` are, by selection, the positions of the rows that may count from that day on. ``is_kept`` rows are
    those of some selections only, which are all known.
    """

    def __init__(
        self, rows: Rows, first: int, known: Mapping[Selection, Ints] | None = None, *, is_kept: bool = False
    ) -> None:
        self.rows, self.first, self.is_kept = rows, first, is_kept
        self.selected: dict[Selection, Ints] = dict(known or {})
        self._picked: set[Selection] = set()
        self._recent: dict[tuple[str, int, int | None], Ints] = {}

    def at(self, selection: Selection, cutoff: int) -> Ints:
        """The positions of the rows that count at a cutoff."""
        stream, rows, row = selection.stream, self.rows, self.may_count(selection)
        end = cutoff - stream.shift
        happened = rows.days(day_number(stream.at), row)
        holds = self._holds(row, cutoff) & (happened < end)
        if selection.within:
            holds &= happened >= end - selection.within
        row = row if holds.all() else row[np.flatnonzero(holds)]
        if stream.pick and selection not in self._picked:
            row = row[rows.outermost(pick_order(stream), row, last=stream.pick == "latest")]
        if stream.until:
            row = row[rows.days(day_number(stream.until), row) >= cutoff]
        return row

    def slice_accounts(self, first: int, end: int) -> CountableRows:
        """The same of the accounts at the positions ``[first, end)``; the rows are sorted by account."""
        return CountableRows(self.rows.slice_accounts(first, end), self.first)

    def from_day(self, first: int) -> CountableRows:
        """The same for cutoffs from a later day on, as far as they are known."""
        later = CountableRows(self.rows, first)
        for selection, row in self.selected.items():
            later.selected[selection] = later.reduce(selection, row[np.flatnonzero(later._is_recent(selection, row))])
        return later

    def of_selected(self) -> CountableRows:
        """Only the rows of any known selection."""
        chosen = np.zeros(len(self.rows), np.bool_)
        for row in self.selected.values():
            chosen[row] = True
        place = np.cumsum(chosen) - 1
        known = {selection: place[row] for selection, row in self.selected.items()}
        return CountableRows(self.rows.take_rows(np.flatnonzero(chosen), None), self.first, known)

    def may_count(self, selection: Selection) -> Ints:
        """The positions, ascending, of the rows that may count at any cutoff from the first day on."""
        if selection not in self.selected:
            if self.is_kept:
                raise KeyError(selection)
            row = self._recent_rows(selection)
            if selection.conditions:
                true = np.flatnonzero(self.rows.all_true(selection.conditions, row))
                row = true if row is self.rows.all_positions else row[true]
            self.selected[selection] = self.reduce(selection, row)
        return self.selected[selection]

    def reduce(self, selection: Selection, row: Ints) -> Ints:
        """Those of some rows that may count, where their conditions are true: not those that others have replaced."""
        stream, rows = selection.stream, self.rows
        if stream.until and not stream.pick:
            row = row[rows.days(day_number(stream.until), row) >= self.first]
        if stream.pick:
            settled = self.is_settled(stream, row)
            outermost = rows.outermost(pick_order(stream), row[settled], last=stream.pick == "latest")
            if settled.all():
                self._picked.add(selection)
            return np.sort(np.append(row[settled][outermost], row[~settled]))
        if selection.nearest:
            settled = self.is_settled(stream, row)
            best = self._best(selection, row[settled])[rows.account[row]]
            day = rows.days(selection.of, row)
            row = row[~settled | (day >= best if selection.nearest == "newest" else day <= best)]
        return row

    def _best(self, selection: Selection, row: Ints) -> Ints:
        """The newest or oldest day of the rows, by account."""
        operation, none = (np.maximum, -FOREVER) if selection.nearest == "newest" else (np.minimum, FOREVER)
        best = np.full(int(self.rows.account.max(initial=0)) + 1, none)
        operation.at(best, self.rows.account[row], self.rows.days(selection.of, row).astype(np.int64))
        return best

    def is_settled(self, stream: Stream, row: Ints) -> Flags:
        """Whether rows count at every cutoff from the first day on, unless they leave a window."""
        rows = self.rows
        settled: Flags = rows.days("known", row) < self.first
        settled &= rows.days(day_number(stream.at), row) < self.first - stream.shift
        if "replaced" in rows.columns:
            settled &= rows.days("replaced", row) >= FOREVER
        return settled

    def _holds(self, row: Ints, cutoff: int) -> Flags:
        """Whether rows are the state at a cutoff."""
        holds: Flags = self.rows.days("known", row) < cutoff
        if "replaced" in self.rows.columns:
            holds &= self.rows.days("replaced", row) >= cutoff
        return holds

    def _recent_rows(self, selection: Selection) -> Ints:
        """The rows that no cutoff from the first day on finds replaced, or out of the window.

        Many selections use the same window, which is a small part of all rows: it is computed once.
        """
        stream, rows, within = selection.stream, self.rows, selection.within
        key = (stream.at, stream.shift if within else 0, within)
        if key not in self._recent:
            recent = self._is_recent(selection, rows.all_positions)
            self._recent[key] = rows.all_positions if recent.all() else np.flatnonzero(recent)
        return self._recent[key]

    def _is_recent(self, selection: Selection, row: Ints) -> Flags:
        stream, rows, recent = selection.stream, self.rows, np.ones(len(row), np.bool_)
        if "replaced" in rows.columns:
            recent &= rows.days("replaced", row) >= self.first
        if selection.within:
            recent &= rows.days(day_number(stream.at), row) >= self.first - stream.shift - selection.within
        return recent


def pick_order(stream: Stream) -> Order:
    """The order in which a stream's rows are picked."""
    by = ["account"] if stream.by == "account" else entity_columns(stream.by or "")
    return Order(tuple(by), instant_column(stream), tie_columns(stream.relation))


def lookbacks(measures: Iterable[Measure]) -> dict[str, int]:
    """By relation, how many days before a cutoff the earliest cutoff lies at which the measures look at its rows."""
    found: dict[str, int] = {}

    def visit(measure: Measure, past: int) -> None:
        if isinstance(measure, Aggregate):
            found[measure.stream.relation] = max(found.get(measure.stream.relation, 0), past)
        for inner in measure.inner_measures:
            visit(inner, past + (measure.days if isinstance(measure, Ago) else 0))

    for measure in measures:
        if any(isinstance(part, Ago) for part in measure.parts):
            visit(measure, 0)
    return found
