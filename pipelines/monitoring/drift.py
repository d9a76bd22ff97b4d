"""Have scores or features moved? A test with a known rate of false alarms, and the size of the shift.

The population stability index alone alarms by chance: it is large whenever few accounts are compared. So two things
have to hold. The shift is *more than chance*, by one of two tests that share a level, which all the tests of one night
share again: Wilcoxon's rank-sum test finds values that are higher or lower on the whole; Pearson's chi-squared, over
bins of equal shares of both samples together (few rows mean few bins), finds every other difference. And the shift is
*large enough to matter*: the index, less what chance alone would give, reaches a limit, because of many accounts any
difference is more than chance.

Both samples have one row an account. Accounts that are in both resemble themselves, which makes the difference smaller
than between strangers: alarms are then rarer than the level says, never more frequent. Rows of several nights together
would be taken for more accounts than there are, and alarm falsely.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.data.arrays import Floats, Ints

BINS = 10
ROWS_A_BIN = 8
"""Harmonic mean of the rows of both samples, halved, that each bin needs."""
MOVED, DRIFTED = 0.10, 0.25
"""By convention, an index below the first is no shift, and one above the second is a large shift."""
NIGHT_LEVEL = 0.01
"""The share of nights without a shift on which any test of that night alarms, at most."""
MISSING = -1


@dataclass(frozen=True)
class Shift:
    """The index of a shift, what chance alone would give, the probability of so much by chance, and rows of both."""

    index: float
    by_chance: float
    p_value: float
    then: int
    now: int

    @property
    def excess(self) -> float:
        """The index beyond what chance alone would give; 0 where it is less."""
        return max(0.0, self.index - self.by_chance)

    def alarming(self, level: float, least: float) -> bool:
        """Whether the shift is more than chance and large enough to matter."""
        return self.p_value <= level and self.excess >= least


def measure_shift(then: Floats, now: Floats) -> Shift | None:
    """Compare two samples of a number, NaN where it is missing; None where they are too small or all alike."""
    bins = _bin_count(len(then), len(now))
    both = np.concatenate([then, now])
    known = both[~np.isnan(both)]
    if bins < 2 or not len(known):
        return None
    edges = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1]))
    places = np.where(np.isnan(both), MISSING, np.searchsorted(edges, both, side="left"))
    shift = _compare(places, len(then))
    return shift and replace(shift, p_value=min(1.0, 2 * min(shift.p_value, _rank_sum(then, now))))


def measure_category_shift(then: NDArray[np.object_], now: NDArray[np.object_]) -> Shift | None:
    """Compare two samples of a category; the rarest values are taken together, so that each bin has enough rows."""
    bins = _bin_count(len(then), len(now))
    if bins < 2:
        return None
    both = np.concatenate([then, now])
    missing = np.array([value is None for value in both], dtype=np.bool_)
    names, places = np.unique(np.where(missing, "", both).astype(str), return_inverse=True)
    frequent = np.argsort(-np.bincount(places, minlength=len(names)), kind="stable")
    rank = np.empty(len(names), dtype=np.int64)
    rank[frequent] = np.arange(len(names))
    return _compare(np.where(missing, MISSING, np.minimum(rank[places], bins - 1)), len(then))


def first_alarms(shifts: Mapping[str, Shift | None], level: float, least: float) -> list[str]:
    """The names whose shift alarms, the largest first, at a level that all of them share (Holm 1979)."""
    tested = sorted((shift.p_value, name) for name, shift in shifts.items() if shift is not None)
    rejected = []
    for place, (p_value, name) in enumerate(tested):
        if p_value > level / (len(tested) - place):
            break
        rejected.append(name)
    found = {name: shift for name in rejected if (shift := shifts[name]) is not None and shift.excess >= least}
    return sorted(found, key=lambda name: -found[name].excess)


def _rank_sum(then: Floats, now: Floats) -> float:
    """Wilcoxon's rank-sum test of the values that are known."""
    from scipy.stats import mannwhitneyu

    known = [sample[~np.isnan(sample)] for sample in (then, now)]
    if min(map(len, known)) == 0 or np.ptp(np.concatenate(known)) == 0:
        return 1.0
    return float(mannwhitneyu(*known, method="asymptotic").pvalue)


def _bin_count(then: int, now: int) -> int:
    if min(then, now) == 0:
        return 0
    return min(BINS, int(then * now / (then + now) / ROWS_A_BIN))


def _compare(places: Ints, split: int) -> Shift | None:
    """The index and the test of the rows before and from ``split`` on, given the bin of each."""
    from scipy.stats import chi2

    used, codes = np.unique(places, return_inverse=True)
    if len(used) < 2:
        return None
    counts = [np.bincount(part, minlength=len(used)).astype(np.float64) for part in (codes[:split], codes[split:])]
    sizes, total = [count.sum() for count in counts], counts[0] + counts[1]
    expected = [total * size / sum(sizes) for size in sizes]
    pairs: Sequence[tuple[Floats, Floats]] = list(zip(counts, expected, strict=True))
    statistic = sum(float(((count - mean) ** 2 / mean).sum()) for count, mean in pairs)
    shares = [(count + 0.5) / (count + 0.5).sum() for count in counts]
    index = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
    by_chance = (len(used) - 1) * (1 / sizes[0] + 1 / sizes[1])
    p_value = float(chi2.sf(statistic, len(used) - 1))
    return Shift(index, float(by_chance), p_value, int(sizes[0]), int(sizes[1]))
