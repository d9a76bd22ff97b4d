"""Every figure has an explanation, and the lead of one score over another is what its name says."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.metrics import log_loss

from models.data.arrays import Floats
from models.evaluation.evaluation_rows import EvaluationRows
from models.evaluation.metrics import FIGURES, log_loss_gain, precision_lead, probability_figures, ranking_figures


def rows() -> EvaluationRows:
    event = np.arange(40) % 4 == 0
    return EvaluationRows(
        event=event,
        weight=np.ones(40),
        day=np.zeros(40, dtype=np.int64),
        unit=np.arange(40),
        event_number=np.where(event, np.arange(40), -1),
        revenue=np.ones(40),
    )


GOOD = np.where(rows().event, 0.4, 0.2) + np.arange(40) / 200
POOR = np.linspace(0.3, 0.2, 40)


def test_every_figure_is_explained() -> None:
    names = [*ranking_figures(rows(), GOOD, 5), *probability_figures(rows(), GOOD)]
    assert sorted(names) == sorted(FIGURES)


def at_base_rate(probability: Floats) -> Floats:
    margin = logit(probability)
    return np.asarray(expit(margin + brentq(lambda by: float((rows().event - expit(margin + by)).sum()), -5, 5)))


def test_a_gain_is_the_share_of_the_others_loss_that_is_avoided() -> None:
    """Of one night, after the log-odds were moved to its base rate."""
    own, other = (log_loss(rows().event, at_base_rate(values)) for values in (GOOD, POOR))
    assert log_loss_gain(rows(), GOOD, POOR).value == pytest.approx((other - own) / other)


def test_a_lead_is_the_difference_of_two_average_precisions() -> None:
    first, second = (ranking_figures(rows(), score)["average_precision"].value for score in (GOOD, POOR))
    assert first > second
    assert precision_lead(rows(), GOOD, POOR).value == pytest.approx(first - second)
