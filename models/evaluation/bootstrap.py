"""Intervals that respect what repeats: the account, not the row, is the unit that is drawn again.

An account gives a row at every cutoff, and its rows resemble each other; drawing rows would make every interval far too
narrow. Here accounts are drawn with replacement. A figure is a function of *sums over rows*, so all draws of it are one
matrix product of draw counts (draws × accounts) and per-account sums, however many rows there are.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.data.arrays import Floats

DRAWS = 200
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95% interval from drawing accounts again; NaN where it is not defined."""

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


def draw_counts(accounts: int, draws: int = DRAWS, seed: int = 7) -> Floats:
    """How often each account is drawn, draws × accounts; the first row is the sample itself (every account once)."""
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(accounts, np.full(accounts, 1.0 / accounts), size=draws)
    return np.vstack([np.ones((1, accounts)), drawn]).astype(np.float64)


def sums_by_account(accounts: NDArray[np.int64], columns: Floats, count: int) -> Floats:
    """Per-account sums of row columns: rows × columns, with each row's dense account number, to accounts × columns."""
    return np.column_stack([np.bincount(accounts, weights=column, minlength=count) for column in columns.T])


def interval(values: Floats) -> Estimate:
    """From the figure on the sample itself (first) and on every draw: the value and its percentile interval."""
    drawn = values[1:][np.isfinite(values[1:])]
    if not np.isfinite(values[0]) or drawn.size < 20:
        return Estimate(float(values[0]), np.nan, np.nan)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(values[0]), float(low), float(high))
