"""Intervals that respect what repeats: the account, not the row, is the unit that is drawn again.

An account gives a row at every cutoff, and its rows resemble each other; drawing rows would make every interval far too
narrow. Here accounts (or whichever unit the rows are given with) are drawn with replacement. A draw is a set of whole
numbers, how often each unit was drawn, by which the weights of its rows are multiplied; every figure of a draw is then
computed from these weights exactly as that of the sample is.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.data.arrays import Floats

DRAWS = 200
LEVEL = 0.95
FEWEST_DRAWS = 20
"""Draws on which a figure has to be defined for it to have an interval."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95% interval from drawing units again; NaN where it is not defined."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float | None]:
        """``{"value", "low", "high"}``; a figure that is not defined is null."""
        return {name: _finite(getattr(self, name)) for name in ("value", "low", "high")}

    @classmethod
    def from_json(cls, data: Mapping[str, float | None]) -> "Estimate":
        """What :meth:`to_json` wrote."""
        return cls(*(np.nan if data[name] is None else float(data[name] or 0.0) for name in ("value", "low", "high")))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def draw_counts(units: int, draws: int = DRAWS, seed: int = 7) -> Floats:
    """How often each unit is drawn, draws × units; the first row is the sample itself (every unit once)."""
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(units, np.full(units, 1.0 / units), size=draws)
    return np.vstack([np.ones((1, units)), drawn]).astype(np.float64)


def interval(values: Floats) -> Estimate:
    """The value and its percentile interval, from the figure on the sample itself (first) and on every draw.

    Some figures are larger on most draws than on the sample: an account that is drawn twice gives two equal scores, and
    so raises the average precision of few events. The draws are therefore moved so that their median is the value,
    within the range of the draws; so the interval always contains the value.
    """
    value, drawn = float(values[0]), values[1:][np.isfinite(values[1:])]
    if not np.isfinite(value) or drawn.size < FEWEST_DRAWS:
        return Estimate(value, np.nan, np.nan)
    low, median, high = np.quantile(drawn, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2]).tolist()
    lowest, highest = min(value, float(drawn.min())), max(value, float(drawn.max()))
    moved = np.clip([value - (median - low), value + (high - median)], lowest, highest)
    return Estimate(value, float(moved[0]), float(moved[1]))


def lower_bound(values: Floats, alpha: float) -> float:
    """The one-sided lower bound, missed with probability ``alpha``; minus infinity where a draw is not defined."""
    if not np.isfinite(values).all():
        return -np.inf
    low, median = np.quantile(values[1:], [alpha, 0.5])
    return float(low + values[0] - median)
