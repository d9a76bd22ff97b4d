"""Have the scores moved? The population stability index of tonight's against those at cutoffs that have matured.

The index compares shares in tenths of the reference: the sum of (share now − share then) × log(share now ÷ share then).
By convention, below 0.1 nothing has moved, and above 0.25 the model scores other accounts than it learned from. The
index of few rows is above 0 by chance alone, so it is compared with its expectation under chance, which is about
``(bins − 1) × (1/n + 1/m)``.
"""

from dataclasses import dataclass

import numpy as np

from models.data.arrays import Floats

BINS = 10
MOVED, DRIFTED = 0.10, 0.25


@dataclass(frozen=True)
class Drift:
    """The index, what chance alone would give, and how many scores there were then and now."""

    index: float
    by_chance: float
    then: int
    now: int

    @property
    def verdict(self) -> str:
        """``steady``, ``moved`` or ``drifted``; an index that chance explains is steady."""
        beyond = self.index - self.by_chance
        return "drifted" if beyond > DRIFTED else "moved" if beyond > MOVED else "steady"


def drift(then: Floats, now: Floats) -> Drift | None:
    """The drift of scores between two times; None where either has fewer scores than there are bins."""
    if min(len(then), len(now)) < BINS:
        return None
    edges = np.unique(np.quantile(then, np.linspace(0, 1, BINS + 1)[1:-1]))
    shares = [_shares(edges, scores) for scores in (then, now)]
    index = float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))
    return Drift(index, len(edges) * (1 / len(then) + 1 / len(now)), len(then), len(now))


def _shares(edges: Floats, scores: Floats) -> Floats:
    """The share of scores in each bin; half a score is added to each, so that an empty bin has a logarithm."""
    counts = np.bincount(np.searchsorted(edges, scores, side="right"), minlength=len(edges) + 1) + 0.5
    return np.asarray(counts / counts.sum(), dtype=np.float64)
