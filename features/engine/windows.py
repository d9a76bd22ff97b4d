"""Windows, latest, first and distinct rows: arithmetic on intervals of cutoffs.

Cutoffs are sorted, so a row counts at a run of them: from the first cutoff after it was known and happened, until it
was replaced by a newer version, ended, or left the window. Every aggregate at every cutoff is then a sum over runs,
computed by adding at each start, subtracting at each end and one cumulative sum: the cost does not grow with the
number of cutoffs, and late, corrected and back-filled rows need no special case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.signedinteger[Any]]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Values = NDArray[np.generic]
Numbers = TypeVar("Numbers", NDArray[np.signedinteger[Any]], NDArray[np.float64])

COMPUTE_THREADS = 2
"""Threads that compute: while one waits for a query, which has threads of its own, another has work."""

MICROSECONDS = 1_000_000
"""In a second."""

QUANTUM = 2.0**-12
"""Multiples of it are added without any error up to 2e12, and so have the same sum in any order."""


SPARSE = 8
"""Times as many possible entities as rows from which an array by entity is mostly empty, and they are sorted."""


@dataclass(frozen=True)
class Runs:
    """Rows (by their position) and the run of cutoffs ``[start, end)`` at which each counts."""

    row: Ints
    start: Ints
    end: Ints

    def select(self, mask: NDArray[np.bool_]) -> Runs:
        """The runs for which the mask is true."""
        true = np.flatnonzero(mask)  # integers index several times faster than booleans
        return self if len(true) == len(self.row) else Runs(self.row[true], self.start[true], self.end[true])

    def non_empty(self) -> Runs:
        """The runs with any cutoff."""
        return self.select(self.start < self.end)

    def cut_at(self, end: Ints) -> Runs:
        """The runs, ended early; those that become empty are dropped."""
        return Runs(self.row, self.start, np.minimum(self.end, end)).non_empty()

    def by_cutoff(self) -> tuple[Ints, Ints]:
        """One pair (index of the run, cutoff) for each cutoff of each run."""
        lengths = self.end - self.start
        index = np.repeat(np.arange(len(lengths)), lengths)
        begins = np.cumsum(lengths) - lengths
        return index, np.arange(len(index)) - begins[index] + self.start[index]


class Cutoffs:
    """The sorted cutoffs as day numbers, and the first of them after a day."""

    def __init__(self, days: Ints) -> None:
        self.days = days
        self._base = int(days[0]) - 1
        self._after = np.searchsorted(days, np.arange(self._base, int(days[-1]) + 1), side="right").astype(np.int32)

    def __len__(self) -> int:
        return len(self.days)

    def after(self, days: Ints) -> Ints:
        """The index of the first cutoff later than each day."""
        return self._after.take(days - self._base, mode="clip")


def latest_runs(runs: Runs, entity: Ints, cutoffs: int) -> Runs:
    """Of each entity the run of cutoffs at which a row is the last in order among those that count.

    Runs are sorted by entity and in order; ``entity`` is that of each. A row is the latest until the run of a later one
    starts. That is right as long as a row that ends has a successor by then; entities for which it is not are computed
    cutoff by cutoff.
    """
    if cutoffs == 1:
        last = np.ones(len(entity), bool)
        last[:-1] = entity[1:] != entity[:-1]
        return runs.select(last)
    following = _next_start(runs.start, entity, cutoffs)
    without_successor = (runs.end < cutoffs) & (following > runs.end)
    ordinary = ~np.isin(entity, entity[without_successor]) if without_successor.any() else np.ones(len(entity), bool)
    latest = Runs(runs.row, runs.start, following).select(ordinary & (runs.start < following))
    if ordinary.all():
        return latest
    rest = _latest_by_cutoff(runs.select(~ordinary), entity[~ordinary], cutoffs)
    return Runs(*(np.concatenate(pair) for pair in zip(_fields(latest), _fields(rest), strict=True)))


def merge_runs(runs: Runs, entity: Ints, cutoffs: int) -> Runs:
    """The runs of cutoffs at which an entity has any row, each counted once."""
    if cutoffs == 1 and len(entity) and int(entity.max()) < SPARSE * len(entity):
        run_of = np.full(int(entity.max()) + 1, -1)
        run_of[entity] = np.arange(len(entity))
        one = run_of[run_of >= 0]
        return Runs(runs.row[one], runs.start[one], runs.end[one])
    by_start = sort_positions(entity, runs.start)
    row, start, end = runs.row[by_start], runs.start[by_start], runs.end[by_start]
    group = _groups(entity[by_start]) * (cutoffs + 1)
    covered_until = np.maximum.accumulate(end + group) - group
    first = np.ones(len(row), bool)
    first[1:] = group[1:] != group[:-1]
    covered = np.where(first, 0, np.concatenate(([0], covered_until[:-1])))
    return Runs(row, np.maximum(start, covered), end).non_empty()


def sum_runs(runs: Runs, account: Ints, weights: Floats | None, shape: tuple[int, int]) -> Floats:
    """The sum of the weights (or the number) of the runs that cover each cutoff, by cutoff and account."""
    cutoffs, accounts = shape
    if cutoffs == 1:
        return sum_by_place(account, weights, accounts).astype(np.float64, copy=False).reshape(shape)
    size = (cutoffs + 1) * accounts
    changes = sum_by_place(runs.start * accounts + account, weights, size)
    ends = np.flatnonzero(runs.end < cutoffs)
    if len(ends):
        ended = runs.end[ends] * accounts + account[ends]
        changes -= sum_by_place(ended, None if weights is None else weights[ends], size)
    return accumulate(changes.reshape(cutoffs + 1, accounts)[:cutoffs].astype(np.float64, copy=False))


def sum_by_place(place: Ints, weights: Floats | None, size: int) -> Floats | Ints:
    """The sum of the weights (or the number) of each place: the same in any order of rows."""
    if weights is None:
        return np.bincount(place, None, size)
    coarse, rest = split_exact(weights)
    total = np.bincount(place, coarse, size)
    return total + np.bincount(place, rest, size) if rest.any() else total


def split_exact(values: Floats) -> tuple[Floats, Floats]:
    """Numbers as multiples of ``QUANTUM``, and the remainders, whose sums are too small for visible errors."""
    coarse = np.round(values / QUANTUM) * QUANTUM
    return coarse, values - coarse


def accumulate(rows: Numbers) -> Numbers:
    """The cumulative sum of rows, in place: row by row, which is many times faster than ``cumsum``."""
    for place in range(1, len(rows)):
        rows[place] += rows[place - 1]
    return rows


def extreme_of_runs(runs: Runs, account: Ints, values: Floats, shape: tuple[int, int], *, largest: bool) -> Floats:
    """The smallest or largest value among the runs that cover each cutoff; NaN where there is none.

    A run is covered by two intervals of the longest power of two that fits into it. Each level holds the best value of
    its intervals, and passes it to the two halves of each: the cost does not grow with the length of the runs.
    """
    best, none = (np.maximum, -np.inf) if largest else (np.minimum, np.inf)
    level = np.frexp((runs.end - runs.start).astype(np.float64))[1] - 1
    highest = int(level.max(initial=0))
    extremes = np.full(shape, none)
    for height in range(highest, -1, -1):
        length = 1 << height
        if height < highest:
            extremes[length:] = best(extremes[length:], extremes[:-length])
        here = np.flatnonzero(level == height) if highest else slice(None)
        for begin in (runs.start[here], runs.end[here] - length)[: 1 + min(height, 1)]:
            best.at(extremes.reshape(-1), begin * shape[1] + account[here], values[here])
    return np.where(np.isinf(extremes), np.nan, extremes)


def sort_positions(entity: Ints, time: Ints | None) -> Ints:
    """Positions sorted by entity, then time; ties keep their order."""
    return _order(entity, None if time is None else _order(time))


def _order(values: Ints, places: Ints | None = None) -> Ints:
    """Positions in ascending order of the values; ties keep their order, or that of ``places``.

    A radix sort by sixteen bits at a time, the lowest first: so few bits are counted, not compared, which is several
    times faster. Of instants that are whole seconds only the seconds are compared.
    """
    positions = np.arange(len(values)) if places is None else places
    if len(values) < 2 or (places is None and bool((values[1:] >= values[:-1]).all())):
        return positions
    above = values.astype(np.int64) - int(values.min())
    if int(above.max()) >> 40 and not (above % MICROSECONDS).any():
        above //= MICROSECONDS
    for bit in range(0, int(above.max()).bit_length(), 16):
        digit = (above >> bit).astype(np.uint16)
        positions = positions[np.argsort(digit[positions], kind="stable")]
    return positions


def _latest_by_cutoff(runs: Runs, entity: Ints, cutoffs: int) -> Runs:
    index, cutoff = runs.by_cutoff()
    place = entity[index] * cutoffs + cutoff
    by_place = np.argsort(place, kind="stable")  # runs are in order already, so the last of each place is the latest
    last = np.ones(len(place), bool)
    last[:-1] = place[by_place][1:] != place[by_place][:-1]
    chosen = by_place[last]
    return Runs(runs.row[index[chosen]], cutoff[chosen], cutoff[chosen] + 1)


def _next_start(start: Ints, entity: Ints, cutoffs: int) -> Ints:
    """The earliest start among the later rows of the same entity; the number of cutoffs where there is none."""
    group = _groups(entity) * (cutoffs + 1)
    earliest = np.minimum.accumulate((start + group)[::-1])[::-1] - group
    following = np.full(len(start), cutoffs, dtype=np.int64)
    same = entity[1:] == entity[:-1]
    following[:-1][same] = earliest[1:][same]
    return following


def _groups(entity: Ints) -> Ints:
    """Consecutive numbers for the runs of equal entities."""
    return np.concatenate(([0], np.cumsum(entity[1:] != entity[:-1]))).astype(np.int64)[: len(entity)]


def _fields(runs: Runs) -> tuple[Ints, Ints, Ints]:
    return runs.row, runs.start, runs.end
