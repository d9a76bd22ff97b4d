"""Windows, the latest, the first, the distinct: arithmetic on intervals of cutoffs.

Cutoffs are sorted, so a row counts at a run of them: from the first cutoff after it was known and happened, until it
was replaced by a newer version, ended, or fell out of the window. Every aggregate at every cutoff is then a sum over
runs, made by adding at each start, taking away at each end and adding up once: the cost does not grow with the number
of cutoffs, and late, corrected and back-filled rows need no path of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Runs:
    """Rows (by their position) and the run of cutoffs ``[start, end)`` at which each counts."""

    row: Ints
    start: Ints
    end: Ints

    def kept(self, mask: NDArray[np.bool_]) -> Runs:
        """The runs for which the mask is true."""
        return Runs(self.row[mask], self.start[mask], self.end[mask])

    def ending(self, end: Ints) -> Runs:
        """The runs cut short; those that never begin are dropped."""
        shorter = Runs(self.row, self.start, np.minimum(self.end, end))
        return shorter.kept(shorter.start < shorter.end)

    def spread(self) -> tuple[Ints, Ints]:
        """One pair (index of the run, cutoff) for each cutoff of each run."""
        lengths = self.end - self.start
        index = np.repeat(np.arange(len(lengths)), lengths)
        begins = np.cumsum(lengths) - lengths
        return index, np.arange(len(index)) - begins[index] + self.start[index]


class Cutoffs:
    """The sorted cutoffs as day numbers, and which of them come first after a day."""

    def __init__(self, days: Ints) -> None:
        self.days = days
        self._base = int(days[0]) - 1
        self._after = np.searchsorted(days, np.arange(self._base, int(days[-1]) + 1), side="right")

    def __len__(self) -> int:
        return len(self.days)

    def after(self, days: Ints) -> Ints:
        """The index of the first cutoff later than each day."""
        return self._after[np.clip(days - self._base, 0, len(self._after) - 1)]


def latest(runs: Runs, entity: Ints, cutoffs: int) -> Runs:
    """Of each entity the run of cutoffs at which a row is the last in order among those that count.

    Runs come by entity and in order; ``entity`` is given for each. A row reigns until one that is later in order
    begins. That holds as long as a row that ends is followed by its own successor; entities where it does not are gone
    through one cutoff at a time.
    """
    following = _next_start(runs.start, entity, cutoffs)
    orphaned = (runs.end < cutoffs) & (following > runs.end)
    ordinary = ~np.isin(entity, entity[orphaned]) if orphaned.any() else np.ones(len(entity), bool)
    reigns = Runs(runs.row, runs.start, following).kept(ordinary & (runs.start < following))
    if ordinary.all():
        return reigns
    rest = _latest_by_cutoff(runs.kept(~ordinary), entity[~ordinary], cutoffs)
    return Runs(*(np.concatenate(pair) for pair in zip(_fields(reigns), _fields(rest), strict=True)))


def distinct(runs: Runs, entity: Ints, cutoffs: int) -> Runs:
    """The runs of cutoffs at which an entity has any row, each counted once."""
    by_start = np.lexsort((runs.start, entity))
    row, start, end = runs.row[by_start], runs.start[by_start], runs.end[by_start]
    group = _groups(entity[by_start]) * (cutoffs + 1)
    reached = np.maximum.accumulate(end + group) - group
    first = np.ones(len(row), bool)
    first[1:] = group[1:] != group[:-1]
    covered = np.where(first, 0, np.concatenate(([0], reached[:-1])))
    merged = Runs(row, np.maximum(start, covered), end)
    return merged.kept(merged.start < merged.end)


def add_up(runs: Runs, account: Ints, weights: Floats | None, shape: tuple[int, int]) -> Floats:
    """The sum of the weights (or the number) of the runs that cover each cutoff, by cutoff and account."""
    cutoffs, accounts = shape
    size = (cutoffs + 1) * accounts
    come = np.bincount(runs.start * accounts + account, weights, size)
    go = np.bincount(runs.end * accounts + account, weights, size)
    changes = (come - go).reshape(cutoffs + 1, accounts)[:cutoffs]
    return np.cumsum(changes, axis=0, dtype=np.float64)


def extreme(runs: Runs, account: Ints, values: Floats, shape: tuple[int, int], *, largest: bool) -> Floats:
    """The smallest or largest value among the runs that cover each cutoff; nothing where there is none."""
    from_worst = np.argsort(values if largest else -values, kind="stable")
    ordered = Runs(runs.row[from_worst], runs.start[from_worst], runs.end[from_worst])
    index, cutoff = ordered.spread()
    found = np.full(shape, np.nan)
    found[cutoff, account[from_worst][index]] = values[from_worst][index]  # the last to be written is the best
    return found


def _latest_by_cutoff(runs: Runs, entity: Ints, cutoffs: int) -> Runs:
    index, cutoff = runs.spread()
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
