"""Every figure by which a score is evaluated, with its interval: the one place that report, model selection, gate,
monitor and plots take their figures from.

Ranking figures are computed within each cutoff, figures of a probability and whether a ranking is better than chance in
`models.evaluation.statistics`, intervals by drawing accounts again (`models.evaluation.bootstrap`). All of them use the
rows' weights. The three figures of calibration (`POOLED`) are about all nights together, and carry that in their title.
"""

from collections.abc import Mapping

from models.data.arrays import Floats
from models.evaluation.bootstrap import Estimate, interval
from models.evaluation.evaluation_rows import EvaluationRows
from models.evaluation.statistics.probability_metrics import (
    brier_draws,
    calibration_line,
    log_loss_draws,
    night_loss_draws,
    observed_to_expected_draws,
)
from models.evaluation.statistics.ranking_metrics import ranking_draws

FIGURES: Mapping[str, str] = {
    "auc": "chance that, of two accounts of one night, the one with the event is ranked higher (0.5 = by chance)",
    "average_precision": "precision averaged over recall within each night "
    "(the column 'random' shows what chance gives)",
    "brier_skill": "share of the squared error of each night's base rate that is avoided (0 = no better)",
    "log_loss_skill": "share of the log loss of each night's base rate that is avoided (0 = no better)",
    "calibration_slope": "over all nights together: 1 = differences between risks are as large as they should be; "
    "below 1 = overconfident",
    "calibration_intercept": "over all nights together: 0 = the average risk is right; above 0 = risks are too low",
    "observed_to_expected": "over all nights together: events observed for each event expected "
    "(1 = the average risk is right)",
    "precision_at_capacity": "of the accounts flagged in a night, the share that had the event",
    "recall_at_capacity": "of the accounts of a night that had the event, the share that was flagged",
    "lift_at_capacity": "precision at capacity as a multiple of the night's base rate",
    "caught_at_capacity": "of the different events, the share that was flagged on at least one night before "
    "(a score that flags other accounts every night, as chance does, catches more)",
    "revenue_at_capacity": "of the yearly revenue with the event, the share that was flagged",
}

POOLED = ("calibration_slope", "calibration_intercept", "observed_to_expected")
"""Figures over all nights together: whether 30% means 30 of 100, wherever these are. None says who ranks first."""


def ranking_figures(rows: EvaluationRows, score: Floats, capacity: int | None = None) -> dict[str, Estimate]:
    """``auc`` and ``average_precision`` of a score, and with a ``capacity`` the figures ``…_at_capacity``."""
    return {name: interval(draws) for name, draws in ranking_draws(rows, score, capacity).items()}


def probability_figures(rows: EvaluationRows, probability: Floats) -> dict[str, Estimate]:
    """Skills against the base rate, calibration slope and intercept, and observed to expected, of a probability."""
    slope, intercept = calibration_line(rows, probability)
    return {
        "brier_skill": interval(brier_draws(rows, probability)),
        "log_loss_skill": interval(log_loss_draws(rows, probability)),
        "calibration_slope": slope,
        "calibration_intercept": intercept,
        "observed_to_expected": interval(observed_to_expected_draws(rows, probability)),
    }


def precision_lead(rows: EvaluationRows, score: Floats, other: Floats) -> Estimate:
    """By how much average precision a score is ahead of another, on the same draws."""
    drawn, others = (ranking_draws(rows, one)["average_precision"] for one in (score, other))
    return interval(drawn - others)


def log_loss_gain(rows: EvaluationRows, probability: Floats, other: Floats) -> Estimate:
    """By which share the log loss within nights of a probability is lower than that of another, on the same draws."""
    own, others = (night_loss_draws(rows, values) for values in (probability, other))
    return interval((others - own) / others)
