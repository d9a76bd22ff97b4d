"""Figures of a probability: is it right on average, is it as sharp as it claims, and does it beat the base rate?

The base rate that a probability is compared with is that of each cutoff, which is known only afterwards. Compared with
one rate for all cutoffs, a probability that follows a changing base rate would seem to tell accounts apart. So a skill
of 0 says: no better than giving everybody the rate of their night.
"""

from dataclasses import dataclass

import numpy as np

from models.data.arrays import Floats, Ints
from models.evaluation.bootstrap import Estimate, interval
from models.evaluation.evaluation_rows import EvaluationRows
from models.learners.calibration import log_odds, sigmoid

NEWTON_STEPS = 12
SHIFT_STEPS = 25
SMALLEST_PROBABILITY = 1e-12
Z = 1.96
ROUNDED_AWAY = 1e-9
"""A determinant below this share of its terms is rounding: the score does not vary."""


def log_loss_draws(rows: EvaluationRows, probability: Floats) -> Floats:
    """Log-loss skill in every draw: the share of the log loss of each cutoff's base rate that is avoided."""
    loss = -np.where(rows.event, np.log(probability), np.log1p(-probability))
    total, events = rows.cutoff_sums
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = events / total
        entropy = np.where((rate > 0) & (rate < 1), -(rate * np.log(rate) + (1 - rate) * np.log1p(-rate)), 0.0)
        return _skill(rows, loss, np.where(total > 0, total * entropy, 0.0).sum(axis=0))


def brier_draws(rows: EvaluationRows, probability: Floats) -> Floats:
    """Brier skill in every draw: the share of the squared error of each cutoff's base rate that is avoided."""
    total, events = rows.cutoff_sums
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.where(total > 0, events * (1 - events / total), 0.0).sum(axis=0)
    return _skill(rows, (rows.event - probability) ** 2, spread)


def night_loss_draws(rows: EvaluationRows, probability: Floats) -> Floats:
    """Mean log loss within nights in every draw: what is left when each night's base rate is known.

    The log-odds are moved on each cutoff so that they add up to its events. So a probability gains nothing by following
    a changing base rate, only by telling the accounts of one night apart. Cutoffs without an event say nothing.
    """
    total, events = (column[:, 0] for column in rows.cutoff_sums)
    night = np.unique(rows.day, return_inverse=True)[1]
    mixed = ((events > 0) & (events < total))[night]
    moved = _moved_to_base_rates(rows, night, probability)
    loss = np.where(mixed, -np.where(rows.event, np.log(moved), np.log1p(-moved)), 0.0)
    summed, counted = rows.drawn_sums(np.column_stack([rows.weight * loss, rows.weight * mixed])).T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(summed / counted)


def _moved_to_base_rates(rows: EvaluationRows, night: Ints, probability: Floats) -> Floats:
    """The probabilities with the log-odds of each cutoff moved until they add up to its events (damped Newton)."""
    score, weight = log_odds(probability), rows.weight
    events = np.bincount(night, weights=weight * rows.event)
    shift = np.zeros(len(events))
    for _ in range(SHIFT_STEPS):
        moved = sigmoid(score + shift[night])
        missing = events - np.bincount(night, weights=weight * moved)
        slope = np.bincount(night, weights=weight * moved * (1 - moved))
        shift += np.clip(missing / np.maximum(slope, 1e-12), -1.0, 1.0)
    return np.clip(sigmoid(score + shift[night]), SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)


def observed_rate_draws(rows: EvaluationRows) -> Floats:
    """Share of the rows that had the event, in every draw."""
    observed, total = rows.drawn_sums(np.column_stack([rows.weight * rows.event, rows.weight])).T
    return np.asarray(observed / total)


def observed_to_expected_draws(rows: EvaluationRows, probability: Floats) -> Floats:
    """Events observed for each event expected, in every draw."""
    observed, expected = rows.drawn_sums(np.column_stack([rows.weight * rows.event, rows.weight * probability])).T
    return np.asarray(observed / expected)


def calibration_line(rows: EvaluationRows, probability: Floats) -> tuple[Estimate, Estimate]:
    """Slope of the event on the log-odds, and the intercept with the slope held at 1.

    Those of a draw are one Newton step from those of the sample, which is exact to second order.
    """
    score = log_odds(probability)
    y, w = rows.event.astype(np.float64), rows.weight
    parameters = np.array([0.0, 1.0])
    for _ in range(NEWTON_STEPS):
        parameters = parameters + np.clip(_newton(rows, score, y, w, parameters, sample=True)[0], -2, 2)
    slopes = parameters[1] + _newton(rows, score, y, w, parameters)[:, 1]
    return interval(slopes), interval(_offsets(rows, score, y, w))


@dataclass(frozen=True)
class CalibrationGroup:
    """Mean probability of some rows, and the share that had the event with its 95% interval (Wilson's)."""

    expected: float
    observed: Estimate


def calibration_group(rows: EvaluationRows, probability: Floats) -> CalibrationGroup:
    """Expected and observed share of events. Units, not rows, are the evidence.

    Wilson's interval is used because draws of units show no spread where no event, or nothing else, was observed.
    """
    expected = float(np.average(probability, weights=rows.weight))
    observed = float(np.average(rows.event, weights=rows.weight))
    units = rows.units
    scale = 1 + Z**2 / units
    centre = (observed + Z**2 / 2 / units) / scale
    half = Z * np.sqrt(observed * (1 - observed) / units + (Z / 2 / units) ** 2) / scale
    return CalibrationGroup(
        expected, Estimate(observed, float(min(observed, centre - half)), float(max(observed, centre + half)))
    )


def _skill(rows: EvaluationRows, loss: Floats, of_base_rate: Floats) -> Floats:
    summed = rows.drawn_sums((rows.weight * loss)[:, None])[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(of_base_rate > 0, 1 - summed / of_base_rate, np.nan)


def _newton(
    rows: EvaluationRows, score: Floats, y: Floats, w: Floats, parameters: Floats, *, sample: bool = False
) -> Floats:
    """One Newton step (intercept, slope) from ``parameters`` in every draw; NaN where a draw cannot tell."""
    p = sigmoid(parameters[0] + parameters[1] * score)
    missed, sharp = w * (y - p), w * p * (1 - p)
    columns = np.column_stack([missed, missed * score, sharp, sharp * score, sharp * score**2])
    residual, tilt, a, b, c = (columns.sum(axis=0)[None] if sample else rows.drawn_sums(columns)).T
    determinant = a * c - b * b
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.where(determinant > ROUNDED_AWAY * a * c, 1 / determinant, np.nan)
    return np.stack([(c * residual - b * tilt) * inverse, (a * tilt - b * residual) * inverse], axis=1)


def _offsets(rows: EvaluationRows, score: Floats, y: Floats, w: Floats) -> Floats:
    offset = 0.0
    for _ in range(NEWTON_STEPS):
        p = sigmoid(offset + score)
        offset += float(np.clip((w * (y - p)).sum() / (w * p * (1 - p)).sum(), -2, 2))
    p = sigmoid(offset + score)
    residual, sharp = rows.drawn_sums(np.column_stack([w * (y - p), w * p * (1 - p)])).T
    return np.asarray(offset + residual / sharp)
