"""The figures by which a risk number is judged, each with an interval, all from sums over rows by account.

Ranking figures of the draws use scores cut into at most `GROUPS` groups, which moves them by less than their third
digit; the figure itself is exact. What is flagged at capacity is decided once, on all rows: a draw weighs the accounts
anew but does not flag others. The slope and intercept of a draw are one Newton step from those of the sample.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from models.data.arrays import Bools, Floats, Ints
from models.evaluation.bootstrap import Estimate, draw_counts, interval, sums_by_account
from models.learners.calibration import log_odds, sigmoid

GROUPS = 512

FIGURES: Mapping[str, str] = {
    "auc": "chance that a row with the event is ranked above one without (0.5 = by chance)",
    "average_precision": "precision averaged over recall (the base rate = by chance)",
    "brier_skill": "share of the base rate's squared error that is avoided (0 = no better than the base rate)",
    "log_loss_skill": "share of the base rate's log-loss that is avoided",
    "calibration_slope": "1 = differences between risks are as large as they should be; below 1 = overconfident",
    "calibration_intercept": "0 = the average risk is right; above 0 = risks are too low",
    "precision_at_capacity": "of the accounts flagged in a night, the share that had the event",
    "recall_at_capacity": "of the account nights with the event, the share that was flagged",
    "lift_at_capacity": "precision at capacity as a multiple of the base rate",
    "caught_at_capacity": "of the different events, the share that was flagged on at least one night before (whoever "
    "flags others every night, as chance does, catches more)",
    "revenue_at_capacity": "of the yearly revenue with the event, the share that was flagged",
}


@dataclass(frozen=True)
class Rows:
    """What scorers are judged on: outcomes, and for each row its weight, cutoff, account, event and revenue.

    ``revenue`` is NaN where it is not known; ``event`` is the number of the different event, -1 where none.
    """

    happened: Bools
    weight: Floats
    day: Ints
    account: Ints
    event: Ints
    revenue: Floats

    def take(self, chosen: Bools) -> "Rows":
        """The chosen rows."""
        return Rows(
            self.happened[chosen],
            self.weight[chosen],
            self.day[chosen],
            self.account[chosen],
            self.event[chosen],
            self.revenue[chosen],
        )

    @cached_property
    def dense(self) -> Ints:
        """Account numbers without gaps."""
        return np.unique(self.account, return_inverse=True)[1]

    @cached_property
    def counts(self) -> Floats:
        """How often each draw has each account; the first draw is the sample."""
        return draw_counts(int(self.dense.max()) + 1)

    def drawn(self, columns: Floats) -> Floats:
        """Sums of the row columns in every draw: draws × columns."""
        return np.asarray(self.counts @ sums_by_account(self.dense, columns, self.counts.shape[1]))


def ranking(rows: Rows, score: Floats) -> dict[str, Estimate]:
    """``auc`` and ``average_precision`` of a score."""
    auc, precision = _ranked(rows, score)
    return {"auc": interval(auc), "average_precision": interval(precision)}


def ahead(rows: Rows, score: Floats, other: Floats) -> Estimate:
    """By how much average precision a score is ahead of another, on the same drawn accounts."""
    return interval(_ranked(rows, score)[1] - _ranked(rows, other)[1])


def _ranked(rows: Rows, score: Floats) -> tuple[Floats, Floats]:
    """AUC and average precision in every draw."""
    groups = _groups(score)
    positive, negative = (_by_group(rows, groups, kind) for kind in (rows.happened, ~rows.happened))
    auc, precision = _auc(positive, negative), _average_precision(positive, negative)
    auc[0], precision[0] = _exact(rows, score)
    return auc, precision


def probabilistic(rows: Rows, probability: Floats) -> dict[str, Estimate]:
    """Skills against the base rate, and calibration slope and intercept, of a probability."""
    w, y = rows.weight, rows.happened.astype(np.float64)
    loss = -(y * np.log(probability) + (1 - y) * np.log1p(-probability))
    total, events, squared, logarithmic = rows.drawn(
        np.column_stack([w, w * y, w * (y - probability) ** 2, w * loss])
    ).T
    with np.errstate(divide="ignore", invalid="ignore"):
        base = events / total
        brier = 1 - squared / (total * base * (1 - base))
        log_loss = 1 - logarithmic / (-total * (base * np.log(base) + (1 - base) * np.log1p(-base)))
    slope, intercept = _recalibration(rows, probability)
    return {
        "brier_skill": interval(brier),
        "log_loss_skill": interval(log_loss),
        "calibration_slope": slope,
        "calibration_intercept": intercept,
    }


def at_capacity(rows: Rows, score: Floats, capacity: int) -> dict[str, Estimate]:
    """What the team would find among the ``capacity`` accounts with the highest scores of each cutoff."""
    flagged = flags(rows.day, score, capacity)
    w, y, arr = rows.weight, rows.happened, np.nan_to_num(rows.revenue)
    columns = np.column_stack([w, w * y, w * flagged, w * y * flagged, w * y * arr, w * y * flagged * arr])
    total, events, chosen, hits, lost, saved = rows.drawn(columns).T
    caught, distinct = _caught(rows, flagged).T
    with np.errstate(divide="ignore", invalid="ignore"):
        figures = {
            "precision_at_capacity": hits / chosen,
            "recall_at_capacity": hits / events,
            "lift_at_capacity": (hits / chosen) / (events / total),
            "caught_at_capacity": caught / distinct,
            "revenue_at_capacity": saved / lost,
        }
    return {name: interval(values) for name, values in figures.items()}


def flags(day: Ints, score: Floats, capacity: int) -> Bools:
    """The ``capacity`` highest scores of each cutoff; ties are settled by a fixed shuffle of the rows."""
    shuffle = np.random.default_rng(0).random(len(score))
    order = np.lexsort((shuffle, -score, day))
    sorted_days = day[order]
    place = np.arange(len(day)) - np.searchsorted(sorted_days, sorted_days)
    chosen = np.zeros(len(day), dtype=bool)
    chosen[order] = place < capacity
    return chosen


def _groups(score: Floats) -> Ints:
    distinct = np.unique(score)
    if len(distinct) > GROUPS:
        distinct = np.unique(np.quantile(score, np.linspace(0, 1, GROUPS)))
    return np.asarray(np.searchsorted(distinct, score, side="right") - 1)


def _by_group(rows: Rows, groups: Ints, chosen: Bools) -> Floats:
    """Weights of the chosen rows by draw and score group, the highest group first."""
    from scipy.sparse import coo_array

    size = (rows.counts.shape[1], int(groups.max()) + 1)
    sums = coo_array((rows.weight[chosen], (rows.dense[chosen], groups[chosen])), shape=size).tocsr()
    return np.asarray((sums.T @ rows.counts.T).T)[:, ::-1]


def _auc(positive: Floats, negative: Floats) -> Floats:
    above = np.cumsum(positive, axis=1) - positive / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((above * negative).sum(axis=1) / (positive.sum(axis=1) * negative.sum(axis=1)))


def _average_precision(positive: Floats, negative: Floats) -> Floats:
    found, seen = np.cumsum(positive, axis=1), np.cumsum(positive + negative, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(seen > 0, found / seen, 0.0)
        return np.asarray((positive * precision).sum(axis=1) / found[:, -1])


def _exact(rows: Rows, score: Floats) -> tuple[float, float]:
    from sklearn.metrics import average_precision_score, roc_auc_score

    if not 0 < rows.happened.sum() < len(score):
        return np.nan, np.nan
    arguments = {"y_true": rows.happened, "y_score": score, "sample_weight": rows.weight}
    return float(roc_auc_score(**arguments)), float(average_precision_score(**arguments))


def _recalibration(rows: Rows, probability: Floats) -> tuple[Estimate, Estimate]:
    """Slope of the outcome on the log-odds, and the intercept with the slope held at 1."""
    score = log_odds(probability)
    y, w = rows.happened.astype(np.float64), rows.weight
    parameters = np.array([0.0, 1.0])
    for _ in range(12):
        steps = _newton(rows, score, y, w, parameters)
        parameters = parameters + np.clip(steps[0], -2, 2)
    slopes = parameters[1] + _newton(rows, score, y, w, parameters)[:, 1]
    return interval(slopes), interval(_offsets(rows, score, y, w))


def _newton(rows: Rows, score: Floats, y: Floats, w: Floats, parameters: Floats) -> Floats:
    """One Newton step (intercept, slope) from ``parameters`` in every draw; NaN where a draw cannot tell."""
    p = sigmoid(parameters[0] + parameters[1] * score)
    missed, sharp = w * (y - p), w * p * (1 - p)
    sums = rows.drawn(np.column_stack([missed, missed * score, sharp, sharp * score, sharp * score**2])).T
    residual, tilt, a, b, c = sums
    determinant = a * c - b * b
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.where(determinant > 1e-9 * a * c, 1 / determinant, np.nan)
    return np.stack([(c * residual - b * tilt) * inverse, (a * tilt - b * residual) * inverse], axis=1)


def _offsets(rows: Rows, score: Floats, y: Floats, w: Floats) -> Floats:
    offset, step = 0.0, np.zeros(1)
    for _ in range(12):
        p = sigmoid(offset + score)
        residual, sharp = rows.drawn(np.column_stack([w * (y - p), w * p * (1 - p)])).T
        step = residual / sharp
        offset += float(np.clip(step[0], -2, 2))
    return np.asarray(offset - float(np.clip(step[0], -2, 2)) + step)


def _caught(rows: Rows, flagged: Bools) -> Floats:
    """Different events that were flagged at least once, and all of them, in every draw."""
    shown = rows.event >= 0
    numbers, first, inverse = np.unique(rows.event[shown], return_index=True, return_inverse=True)
    hit = np.bincount(inverse, weights=flagged[shown], minlength=len(numbers)) > 0
    accounts = rows.dense[shown][first]
    sums = sums_by_account(accounts, np.column_stack([hit, np.ones(len(hit))]), rows.counts.shape[1])
    return np.asarray(rows.counts @ sums)
