"""What calibrated probabilities say of their own ranking, compared with the truth that comes later."""

import numpy as np
import pytest

from models.evaluation.evaluation_rows import EvaluationRows, Scores
from models.evaluation.expected_performance import expected_figures, expected_ranking
from models.evaluation.statistics.ranking_metrics import ranking_draws


def night(seed: int, accounts: int = 400) -> tuple[np.ndarray, np.ndarray, EvaluationRows]:
    """Probabilities, their rounded log-odds as a rank, and outcomes that are drawn from them."""
    draw = np.random.default_rng(seed)
    probability = 1 / (1 + np.exp(-draw.normal(-2.5, 1, accounts)))
    rank = np.round(np.log(probability / (1 - probability)), 1)
    rows = EvaluationRows(
        event=draw.random(accounts) < probability,
        weight=np.ones(accounts),
        day=np.zeros(accounts, dtype=np.int64),
        unit=np.arange(accounts),
        event_number=np.full(accounts, -1),
        revenue=np.full(accounts, np.nan),
        draws=0,
    )
    return probability, rank, rows


@pytest.mark.parametrize("name", ["auc", "average_precision", "precision_at_capacity", "events"])
def test_the_later_truth_is_in_the_range(name: str) -> None:
    within = []
    for seed in range(60):
        probability, rank, rows = night(seed)
        estimate = expected_figures(probability, rank, 20, seed)[name]
        later = {key: values[0] for key, values in ranking_draws(rows, rank, 20).items()}
        truth = float(rows.event.sum()) if name == "events" else float(later[name])
        within.append(estimate.low <= truth <= estimate.high)
    assert np.mean(within) >= 0.87


def test_probabilities_that_are_too_sure_promise_too_much() -> None:
    probability, rank, rows = night(1, 4000)
    sure = 1 / (1 + np.exp(-2 * (np.log(probability / (1 - probability)) + 1)))
    truth = float(ranking_draws(rows, rank)["auc"][0])
    assert expected_figures(sure, rank, 20)["auc"].low > truth


def test_of_many_nights_the_mean_is_that_of_each() -> None:
    probability, rank, rows = night(2, 2000)
    together = expected_ranking(rows, Scores(rank, probability), 20)
    alone = expected_figures(probability, rank, 20)
    for name in ("auc", "average_precision", "precision_at_capacity"):
        assert together[name].value == pytest.approx(alone[name].value, abs=0.03)
    assert expected_ranking(rows, Scores(rank), 20) == {}


def test_a_night_without_an_event_has_no_ranking() -> None:
    figures = expected_figures(np.full(30, 1e-9), np.arange(30.0), 5)
    assert np.isnan(figures["auc"].value)
    assert (figures["events"].value, figures["precision_at_capacity"].value) == (0, 0)
