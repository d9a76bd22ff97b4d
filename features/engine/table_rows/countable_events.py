"""Which rows of the timeline any measure may count from a first day on, decided before their columns are computed.

Nearly all events of a source are old. Most kinds of them count in short windows only, so that their old rows need not
be read at all. Of the others only the first or the last of a ticket counts, and, where nothing is kept for a later
night, only where a condition is true of it and it is in a window: most tickets were solved long ago.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from features.definitions.measures import Aggregate
from features.engine.table_rows.countable_rows import Selection, pick_order
from features.engine.table_rows.expressions import flag_column
from features.engine.table_rows.relations import day_number
from features.engine.table_rows.rows import EARLIEST
from features.engine.table_rows.text_combinations import RowClasses
from features.engine.windows import Flags, Floats, Ints

DAY = 86_400_000_000
"""Microseconds in a day."""

ENTITIES = (("ticket",), ("account",))
"""The entities of which the first or last row is found here."""


@dataclass(frozen=True)
class EventBlock:
    """Some rows of the timeline: the number and the account of their ticket, their class of events, and their times.

    ``occurred`` is when they happened, ``instant`` the same, but not before their ticket was opened (microseconds).
    ``lasting`` are those that were known before the first day, and will not be replaced.
    """

    ticket: Ints
    account: Ints
    code: Ints
    occurred: Ints
    instant: Ints
    lasting: Flags

    def __len__(self) -> int:
        return len(self.code)


@dataclass(frozen=True)
class _Outermost:
    """The first or last rows of each entity; ``reach`` says of each class in how many days a measure counts it."""

    selection: Selection
    flags: Flags
    reach: Floats
    of_ticket: bool
    last: bool

    def rows(self, block: EventBlock) -> Ints:
        """The positions of the rows of the stream."""
        return np.flatnonzero(self.flags[block.code])

    def entity(self, block: EventBlock, row: Ints) -> Ints:
        """The number of the ticket or account of some rows."""
        return (block.ticket if self.of_ticket else block.account)[row]

    def time(self, block: EventBlock, row: Ints) -> Ints:
        """The times that are compared: picked events come after the opening of their ticket."""
        return (block.instant if self.selection.stream.pick else block.occurred)[row]

    def best(self, blocks: Sequence[EventBlock], settled: Sequence[Flags]) -> Ints:
        """By entity the time of its outermost row that holds for ever."""
        numbers = [it.ticket if self.of_ticket else it.account for it in blocks]
        size = max((int(it.max(initial=0)) for it in numbers), default=0) + 1
        best = np.full(size, EARLIEST if self.last else -EARLIEST)
        operation = np.maximum if self.last else np.minimum
        for block, holds in zip(blocks, settled, strict=True):
            row = self.rows(block)
            row = row if holds.all() else row[holds[row]]
            operation.at(best, self.entity(block, row), self.time(block, row))
        return best


class CountableEvents:
    """The rows of the timeline that some measures may count at any cutoff from the day ``first`` on.

    With ``keep`` also those which only decide that another row does not count, whatever is added to the source later.
    """

    def __init__(self, parts: Sequence[Aggregate], classes: RowClasses, first: int, *, keep: bool) -> None:
        self._classes, self.first, self._keep = classes, first, keep
        selections = list(dict.fromkeys(Selection.of_measure(part) for part in parts))
        self._shift = max((selection.stream.shift for selection in selections), default=0)
        self._outermost = [found for selection in selections if (found := self._outermost_of(selection, parts))]
        here = {outermost.selection for outermost in self._outermost}
        self._reach_of_others = self._reach([selection for selection in selections if selection not in here])
        self._limits = np.maximum.reduce([self._reach_of_others, *(_unlimited(it.flags) for it in self._outermost)])

    @property
    def condition(self) -> str:
        """SQL that is false of events, by their ``class`` and ``occurred_at``, that are out of every window."""
        classes_of: dict[float, list[int]] = {}
        for number, days in enumerate(self._limits.tolist()):
            classes_of.setdefault(days, []).append(number)
        conditions = ["true"]
        for days, numbers in classes_of.items():
            others = f"class NOT IN ({', '.join(map(str, numbers))})"
            if np.isfinite(days):
                conditions.append(f"({others} OR occurred_at >= DATE '1970-01-01' + ({self.first - int(days)}))")
            elif days < 0:
                conditions.append(others)
        return " AND ".join(conditions)

    def select(self, blocks: Sequence[EventBlock]) -> tuple[Ints, dict[Selection, Ints]]:
        """The positions of the rows that may count, ascending, and those of some selections among them."""
        settled = [it.lasting & (it.occurred < (self.first - self._shift) * DAY) for it in blocks]
        earliest = (self.first - self._reach_of_others) * DAY
        parts = [(it.occurred >= earliest[it.code]) | ~holds for it, holds in zip(blocks, settled, strict=True)]
        chosen = np.concatenate(parts)
        found = {it.selection: self._rows_of(it, blocks, settled) for it in self._outermost}
        for row in found.values():
            chosen[row] = True
        place = np.cumsum(chosen, dtype=np.int32) - np.int32(1)
        return np.flatnonzero(chosen), {selection: place[row] for selection, row in found.items()}

    def _rows_of(self, outermost: _Outermost, blocks: Sequence[EventBlock], settled: Sequence[Flags]) -> Ints:
        """The outermost rows of each entity, with those that do not hold for ever yet; of equal ones all."""
        best = outermost.best(blocks, settled)
        parts = [self._rows_in(outermost, *it, best) for it in _numbered(blocks, settled)]
        row, entity, counts = (np.concatenate(column) for column in zip(*parts, strict=True))
        if self._keep:
            return row
        alone = np.bincount(entity, minlength=1)[entity] == 1
        return row[np.flatnonzero(counts | ~alone)]

    def _rows_in(
        self, outermost: _Outermost, before: int, block: EventBlock, settled: Flags, best: Ints
    ) -> tuple[Ints, Ints, Flags]:
        """Those of a block, after ``before`` others, with their entity, and whether any measure may count them."""
        row = outermost.rows(block)
        entity, holds = outermost.entity(block, row), settled[row]
        chosen = np.flatnonzero(~holds | (outermost.time(block, row) == best[entity]))
        row, entity, holds = row[chosen], entity[chosen], holds[chosen]
        earliest = (self.first - outermost.reach[block.code[row]]) * DAY
        return row + before, entity, ~holds | (block.occurred[row] >= earliest)

    def _outermost_of(self, selection: Selection, parts: Sequence[Aggregate]) -> _Outermost | None:
        """How the rows of a selection are found here; ``None`` where all of its rows are needed."""
        stream, flags = selection.stream, self._flags(selection.conditions)
        by_class = all(text in self._classes.expressions for text in selection.conditions)
        entity = pick_order(stream).entity if stream.pick else ("account",)
        plain = stream.at == "occurred_at" and stream.until is None and not selection.within and not stream.shift
        plain &= bool(stream.pick) or selection.of == day_number("occurred_at")
        if not plain or not by_class or entity not in ENTITIES:
            return None
        if not flags.size or (flags != flags[:, :1]).any():
            return None
        reach = np.full(len(flags), -np.inf)
        for part in parts:
            if Selection.of_measure(part) == selection:
                counted = self._flags([flag_column(part.where)] if part.where else []).any(axis=1)
                reach[counted] = np.maximum(reach[counted], np.inf if part.within is None else part.within)
        last = (stream.pick or selection.nearest) in ("latest", "newest")
        return _Outermost(selection, flags[:, 0], reach, entity == ("ticket",), last)

    def _reach(self, selections: Sequence[Selection]) -> Floats:
        """By class of events, how many days before the first one the oldest of them may lie that a selection has."""
        reach = np.full(self._classes.events, -np.inf)
        for selection in selections:
            limited = selection.within and selection.stream.at == "occurred_at"
            days = selection.stream.shift + (selection.within or 0) if limited else np.inf
            flags = self._flags(selection.conditions).any(axis=1)
            reach[flags] = np.maximum(reach[flags], days)
        return reach

    def _flags(self, conditions: Sequence[str]) -> Flags:
        """By class of events and of tickets, whether those of some conditions that depend on it are true."""
        return self._classes.all_true(conditions).reshape(self._classes.events, -1)


def _unlimited(flags: Flags) -> Floats:
    return np.where(flags, np.inf, -np.inf)


def _numbered(blocks: Sequence[EventBlock], settled: Sequence[Flags]) -> Iterator[tuple[int, EventBlock, Flags]]:
    """The blocks with the number of rows before each."""
    before = 0
    for block, holds in zip(blocks, settled, strict=True):
        yield before, block, holds
        before += len(block)
