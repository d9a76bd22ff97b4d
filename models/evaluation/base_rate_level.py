"""Have events become more frequent than the model expects? The newest level of the base rate, where data show it.

A model learns from years, and its probabilities add up over all of them. Where the base rate has moved since, they are
too low or too high for every account of tonight. The newest months alone hold few events, so following them would
mostly follow chance. So two explanations are weighed by how well they predict each period from the earlier ones: the
rate is constant, which is expected, or it drifts. The level is their average, weighted by their posterior probability.
"""

from dataclasses import dataclass

import numpy as np

from models.data.arrays import Bools, Floats, Ints

PERIOD_DAYS = 91
FEWEST_PERIODS = 3
CONSTANT_PRIOR = 0.8
"""Probability before any evidence that the rate is constant; docs/decisions/0017 has the figures for others."""
DRIFT_VARIANCE = 0.15**2
"""Of the change of the logarithm of the rate from one period to the next, where it drifts."""
FIRST_VARIANCE = 0.1
"""Of the first period's level, where it drifts."""


@dataclass(frozen=True)
class Periods:
    """Events observed and expected in each period, oldest first, in units of independent accounts."""

    observed: Floats
    expected: Floats


def count_periods(
    day: Ints, happened: Bools, probability: Floats, weight: Floats, events: float, days: int = PERIOD_DAYS
) -> Periods:
    """Observed and expected events by period, counted backwards from the newest cutoff.

    Args:
        day: each row's cutoff, in days since 1970-01-01.
        happened: whether the event came.
        probability: what was expected.
        weight: of each row.
        events: accounts of equal weight with an event: what all observed events together count for, because an account
            shows an event at several cutoffs.
        days: length of a period, at least the window of the label, so that neighbours share few events.
    """
    period = (int(day.max()) - day) // days
    period = int(period.max()) - period
    observed, expected = (np.bincount(period, weight * value).astype(np.float64) for value in (happened, probability))
    if len(observed) > 1 and np.ptp(day[period == 0]) < days / 2:  # what is left over at the beginning
        observed[1], expected[1] = observed[0] + observed[1], expected[0] + expected[1]
        observed, expected = observed[1:], expected[1:]
    scale = events / max(float(observed.sum()), 1e-12)
    return Periods(observed * scale, expected * scale)


def newest_level(periods: Periods) -> float:
    """The logarithm of the newest rate relative to that of all periods; 0 where a drift is not likely."""
    if len(periods.observed) < FEWEST_PERIODS or not periods.observed.sum() > 0:
        return 0.0
    expected = periods.expected * (periods.observed.sum() / periods.expected.sum())
    value, variance = np.log((periods.observed + 0.5) / (expected + 0.5)), 1 / (expected + 0.5)
    _, constant = _filtered(value, variance, 1 / expected.sum(), 0.0)
    level, drifting = _filtered(value, variance, FIRST_VARIANCE, DRIFT_VARIANCE)
    odds = (1 - CONSTANT_PRIOR) / CONSTANT_PRIOR * np.exp(np.clip(drifting - constant, -50, 50))
    return float(level * odds / (1 + odds))


def _filtered(value: Floats, variance: Floats, first: float, drift: float) -> tuple[float, float]:
    """The newest level by a Kalman filter, and the log-likelihood of all periods, each predicted from the earlier."""
    level, spread, likelihood = 0.0, first, 0.0
    for place, (seen, noise) in enumerate(zip(value.tolist(), variance.tolist(), strict=True)):
        spread += drift if place else 0.0
        total = spread + noise
        surprise = seen - level
        likelihood -= 0.5 * (np.log(total) + surprise**2 / total)
        level += spread / total * surprise
        spread *= noise / total
    return level, likelihood
