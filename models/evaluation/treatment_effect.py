"""What a treatment changes, from units that chance assigned: an interval that is valid however often it is read.

A figure that is shown every night is read every night. An interval for one look at 95% then excludes the truth sooner
or later, also where there is no effect at all. A *confidence sequence* contains the truth on all nights together with
95%; it is wider for that (about 3 standard errors where an interval for one look has 2).

Each unit contributes one number whose expectation is its effect: what happened beyond what was predicted, divided by
the known probability of its own arm, with the sign of the arm (inverse probability weighting with the prediction as
covariate). Units with different probabilities and risks add up without strata. The prediction is moved by what earlier
units showed, so that a model that is too high or too low costs no precision; later units never change a contribution.
(Howard et al., Time-uniform, nonparametric, nonasymptotic confidence sequences, 2021; Waudby-Smith et al., Time-uniform
central limit theory and asymptotic confidence sequences, 2024.)
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import numpy as np

from models.data.arrays import Bools, Floats, Ints
from models.evaluation.bootstrap import Estimate

ALPHA = 0.05
POWER = 0.8
TUNED_FOR = 1_000
"""Number of units at which the sequence is tightest; it is valid for every number, and nearly as tight from 300 on."""
PRIOR_UNITS = 20
"""The prediction counts for as many units when what earlier units showed is added to it."""
PATHS = 4_000
LOOKS_OF_PATH = 200
MOST_UNITS = 1_000_000


@dataclass(frozen=True)
class AssignedUnits:
    """Units in the order in which their outcomes became known; every array has one value a unit.

    Attributes:
        control: whether chance assigned the unit to no treatment, with the probability ``share``.
        outcome: what happened to it: 1 for an event, or an amount that was lost.
        predicted: the outcome that was expected before the assignment.
    """

    control: Bools
    share: Floats
    outcome: Floats
    predicted: Floats

    def __len__(self) -> int:
        return len(self.control)

    def take(self, chosen: Bools | Ints) -> "AssignedUnits":
        """The chosen units, in this order."""
        columns = self.share[chosen], self.outcome[chosen], self.predicted[chosen]
        return AssignedUnits(self.control[chosen], *columns)


def contributions(units: AssignedUnits) -> Floats:
    """What each unit says about the effect (outcome without treatment minus outcome with it): float64[n]."""
    residual = units.outcome - units.predicted
    odds = units.share / (1 - units.share)
    weight = np.where(units.control, 1 / odds, odds)  # the arm that is rarer decides how precise the difference is
    before = np.concatenate([[0.0], np.cumsum(weight * residual)[:-1]])
    counted = np.concatenate([[0.0], np.cumsum(weight)[:-1]])
    left = residual - before / (counted + PRIOR_UNITS)
    return np.asarray(np.where(units.control, left / units.share, -left / (1 - units.share)))


def half_width(units: Floats, deviation: float = 1.0) -> Floats:
    """Half the width of the 95% confidence sequence after so many units, each with this standard deviation."""
    tail = -2 * np.log(ALPHA)
    scale = units * (tail + np.log(tail + 1)) / TUNED_FOR
    return np.asarray(deviation * np.sqrt(2 * (scale + 1) / (scale * units) * np.log(np.sqrt(scale + 1) / ALPHA)))


def mean_effect(contributed: Floats) -> Estimate:
    """The mean effect of a unit, with its interval after these units."""
    value, deviation = float(contributed.mean()), float(contributed.std())
    half = float(half_width(np.array(float(len(contributed))), deviation))
    return Estimate(value, value - half, value + half)


@dataclass(frozen=True)
class Precision:
    """How much can be seen: ``deviation`` is that of one unit's contribution, ``first`` the units of the first look.

    The figures are those of many simulated sequences of looks, always the same ones, so they are exact to about 1%.
    """

    deviation: float
    first: int

    def detectable(self, units: int) -> float:
        """The smallest effect that is found with a probability of 80% by the time of so many units."""
        return float(self.deviation * np.quantile(_found_from(min(self.first, units), units), POWER))

    def power(self, effect: float, units: int) -> float:
        """The probability that an effect of this size is found by the time of so many units."""
        found = self.deviation * _found_from(min(self.first, units), units) <= abs(effect)
        return float(found.mean())

    def units_needed(self, effect: float) -> int | None:
        """The number of units by which an effect of this size is found with 80%; None beyond a million."""
        looks, needed = _found_by_most(self.first)
        reached = self.deviation * needed <= abs(effect)
        return int(looks[reached.argmax()]) if reached.any() else None


@lru_cache(maxsize=16)
def _found_from(first: int, last: int) -> Floats:
    """For each path, the smallest effect that any of its looks finds, in standard deviations of a unit."""
    return np.asarray(_needed(_spread(first, last, LOOKS_OF_PATH)).min(axis=1))


@lru_cache(maxsize=16)
def _found_by_most(first: int) -> tuple[Floats, Floats]:
    """The looks up to a million units, and the effect that 80% of the paths have found by each of them."""
    looks = _spread(first, MOST_UNITS, 2 * LOOKS_OF_PATH)
    found = np.sort(np.minimum.accumulate(_needed(looks), axis=1), axis=0)
    return looks, np.asarray(found[ceil(POWER * PATHS) - 1])


def _needed(looks: Floats) -> Floats:
    """Paths × looks: the effect from which on the interval of this look lies above 0, in standard deviations."""
    steps = np.random.default_rng(7).standard_normal((PATHS, len(looks)))
    noise = np.cumsum(steps * np.sqrt(np.diff(looks, prepend=0)), axis=1)
    return np.asarray(half_width(looks) - noise / looks)


def _spread(first: int, last: int, count: int) -> Floats:
    """Numbers of units after which somebody looks, in about equal ratios."""
    return np.unique(np.geomspace(first, last, count).astype(np.int64)).astype(np.float64)
