"""Does an order of accounts find those whom a rescue helps? The Qini curve, on units that chance assigned.

Work the first share of the units in some order: how many events are prevented? The contributions of these units
(`models.evaluation.treatment_effect`) estimate it without bias, whichever way the order was made, as long as it knew
nothing of their outcomes. The *Qini coefficient* is the mean height of this curve above that of a random order, over
all shares from none to all (Radcliffe 2007): events prevented by 100 units beyond what chance would prevent. An order
that says nothing has 0, one that puts the helped last has less.

Orders are compared within a fold, because units of two folds were scored by two models, whose levels differ by chance.
Intervals draw units again: a unit is a group of accounts that was drawn for the hold-out as one.
"""

from dataclasses import dataclass

import numpy as np

from models.data.arrays import Floats, Ints
from models.evaluation.bootstrap import Estimate, draw_counts, interval

QINI_DRAWS = 1_000
PER = 100
"""Coefficients are counted in events by so many units."""
CURVE_POINTS = 20
"""Points of a curve after its beginning."""


@dataclass(frozen=True)
class QiniComparison:
    """Qini coefficients of an order by uplift and of one by risk, their paired difference, and both curves.

    A curve holds (share worked, events prevented by 100 units by uplift, the same by risk), from none to all.
    """

    uplift: Estimate
    risk: Estimate
    lead: Estimate
    curve: tuple[tuple[float, float, float], ...]

    @property
    def deviation(self) -> float:
        """The standard error of the lead."""
        return (self.lead.high - self.lead.low) / (2 * 1.959964)


def compare_orders(contributed: Floats, uplift: Floats, risk: Floats, fold: Ints, seed: int = 7) -> QiniComparison:
    """Compare two orders of the same units, each the largest first.

    Args:
        contributed: what each unit says about the effect.
        uplift: a score of each unit that knew nothing of its outcome.
        risk: the other score.
        fold: units with one number were scored by one model.
        seed: of the draws.
    """
    counts = draw_counts(len(contributed), QINI_DRAWS, seed)
    by_uplift, by_risk = (PER * qini_draws(contributed, score, fold, counts) for score in (uplift, risk))
    curves = (PER * _curve(contributed, score, fold) for score in (uplift, risk))
    points = zip(np.linspace(0, 1, CURVE_POINTS + 1).tolist(), *(curve.tolist() for curve in curves), strict=True)
    return QiniComparison(interval(by_uplift), interval(by_risk), interval(by_uplift - by_risk), tuple(points))


def qini_draws(contributed: Floats, score: Floats, fold: Ints, counts: Floats) -> Floats:
    """The Qini coefficient of an order, by unit, in every draw of units: draws × units to draws."""
    total = np.zeros(len(counts))
    for number in np.unique(fold):
        own = fold == number
        total += _covariance(contributed[own], score[own], counts[:, own])
    return np.asarray(total / counts.sum(axis=1))


def _covariance(contributed: Floats, score: Floats, counts: Floats) -> Floats:
    """Sum over units of the contribution beyond the fold's mean, times the share of units that are worked later."""
    order = np.argsort(-score, kind="stable")
    drawn, ordered = counts[:, order], score[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    tied = np.add.reduceat(drawn, starts, axis=1)  # equal scores are worked in a random order
    size = tied.sum(axis=1, keepdims=True)
    later = 1 - (np.cumsum(tied, axis=1) - tied / 2) / np.maximum(size, 1)
    sums = np.add.reduceat(drawn * contributed[order], starts, axis=1)
    mean = sums.sum(axis=1, keepdims=True) / np.maximum(size, 1)
    return np.asarray(((sums - mean * tied) * later).sum(axis=1))


def _curve(contributed: Floats, score: Floats, fold: Ints) -> Floats:
    """Events prevented by one unit when the first share of every fold is worked, at equal steps from none to all."""
    height = np.zeros(CURVE_POINTS + 1)
    for number in np.unique(fold):
        own = np.flatnonzero(fold == number)
        order = own[np.argsort(-score[own], kind="stable")]
        ordered = score[order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        ends = np.r_[starts[1:], len(order)]
        reached = np.r_[0.0, np.cumsum(np.add.reduceat(contributed[order], starts))]
        height += np.interp(np.linspace(0, len(order), CURVE_POINTS + 1), np.r_[0, ends], reached)
    return height / len(contributed)
