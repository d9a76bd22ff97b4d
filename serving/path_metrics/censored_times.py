"""Medians of times that are not over yet, and shares, with intervals that treat the cases of a group as dependent.

The time to resolve of a case that is still open is unknown, but it is longer than its age. Leaving such cases out makes
a team look faster than it is. The Kaplan–Meier estimate keeps them: it counts them among those that could have been
resolved until their age. Cases of one group of accounts share a customer, so the group is the unit: a bootstrap draws
groups, and an interval of a share uses the effective number of cases.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Observed = NDArray[np.bool_]

MOST_DRAWS, FEWEST_DRAWS, WEIGHTS_AT_ONCE = 400, 100, 600_000
"""Draws of the bootstrap: fewer for many units, whose intervals are narrow anyway."""

SEED = 20_261
Z = 1.959963984540054
"""The quantile of the normal distribution for a two-sided interval of 95%."""

_EXACT = 1e-9


class Estimate(NamedTuple):
    """A value with its 95% interval; NaN where it cannot be estimated, and infinity where it is not reached yet."""

    value: float
    low: float
    high: float


class CensoredTimes(NamedTuple):
    """Times of cases: ``hours`` until the event where ``observed``, else until the case was last seen without it.

    ``units`` are the groups of accounts, as whole numbers from 0.
    """

    hours: Floats
    observed: Observed
    units: NDArray[np.int64]


def median_of(times: CensoredTimes, weights: Floats) -> Floats:
    """The Kaplan–Meier median for each row of weights (draws × cases); infinity where half never had the event.

    At equal times an event comes before a case that is only seen until then. Without any weight it is NaN.
    """
    order = np.lexsort((~times.observed, times.hours))
    hours, observed, weights = times.hours[order], times.observed[order], weights[:, order]
    at_risk = np.cumsum(weights[:, ::-1], axis=1)[:, ::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.where(observed & (at_risk > 0), 1 - weights / at_risk, 1.0)
    remaining = np.cumprod(step, axis=1)
    half = remaining <= 0.5 + _EXACT
    first = np.argmax(half, axis=1)
    medians = np.where(half.any(axis=1), hours[first], np.inf)
    return np.where(weights.any(axis=1), medians, np.nan)


def estimate_median(times: CensoredTimes, drawn: Floats | None = None) -> Estimate:
    """The median with a bootstrap interval over units; NaN without any case.

    ``drawn`` are weights by draw and unit, where they are shared with other estimates.
    """
    if not times.hours.size:
        return Estimate(np.nan, np.nan, np.nan)
    weights = draw_weights(times.units) if drawn is None else drawn[:, times.units]
    value = median_of(times, np.ones((1, times.hours.size)))[0]
    return Estimate(float(value), *_percentiles(median_of(times, weights)))


def compare_medians(before: CensoredTimes, after: CensoredTimes, drawn: Floats | None = None) -> Estimate:
    """The difference of two medians, after − before; units that have cases in both are drawn together."""
    if not (before.hours.size and after.hours.size):
        return Estimate(np.nan, np.nan, np.nan)
    ones = (np.ones((1, before.hours.size)), np.ones((1, after.hours.size)))
    units = np.concatenate([before.units, after.units])
    weights = draw_weights(units) if drawn is None else drawn[:, units]
    cut = before.hours.size
    with np.errstate(invalid="ignore"):
        value = (median_of(after, ones[1]) - median_of(before, ones[0]))[0]
        differences = median_of(after, weights[:, cut:]) - median_of(before, weights[:, :cut])
    return Estimate(float(value), *_percentiles(differences))


def draw_units(count: int) -> Floats:
    """Weights by draw and unit: how often each unit counts, independently, once on average (Poisson bootstrap)."""
    draws = int(np.clip(WEIGHTS_AT_ONCE // max(count, 1), FEWEST_DRAWS, MOST_DRAWS))
    weights: Floats = np.random.default_rng(SEED).poisson(1.0, size=(draws, count)).astype(np.float64)
    return weights


def draw_weights(units: NDArray[np.int64]) -> Floats:
    """How often each case counts in each of the draws: as often as its unit does."""
    names, places = np.unique(units, return_inverse=True)
    return draw_units(len(names))[:, places.ravel()]


def estimate_share(hits: Sequence[bool], units: Sequence[int]) -> Estimate:
    """A share with its Wilson interval; the effective number of cases is lower where units have several."""
    if not hits:
        return Estimate(np.nan, np.nan, np.nan)
    share = float(np.mean(hits))
    sizes = np.unique(np.asarray(units), return_counts=True)[1].astype(np.float64)
    return Estimate(share, *wilson_interval(share, float(sizes.sum() ** 2 / (sizes**2).sum())))


def wilson_interval(share: float, count: float) -> tuple[float, float]:
    """The 95% Wilson interval of a share of ``count`` cases, which may be a fraction."""
    scale = 1 + Z**2 / count
    middle = (share + Z**2 / (2 * count)) / scale
    width = Z * np.sqrt(share * (1 - share) / count + Z**2 / (4 * count**2)) / scale
    return max(0.0, float(middle - width)), min(1.0, float(middle + width))


def compare_shares(before: Estimate, after: Estimate) -> Estimate:
    """The difference of two shares, after − before, with Newcombe's interval from their Wilson intervals."""
    value = after.value - before.value
    low = value - np.hypot(after.value - after.low, before.high - before.value)
    high = value + np.hypot(after.high - after.value, before.value - before.low)
    return Estimate(value, float(low), float(high))


def _percentiles(drawn: Floats) -> tuple[float, float]:
    """The 2.5% and 97.5% percentiles as drawn values, so that infinity stays infinity; NaN where draws have none."""
    known = np.sort(drawn[~np.isnan(drawn)])
    if not known.size:
        return np.nan, np.nan
    last = known.size - 1
    return float(known[int(np.floor(0.025 * last))]), float(known[int(np.ceil(0.975 * last))])
