"""The logistic regression follows what the catalogue expects, and its penalty goes by events, not by rows."""

from functools import cache

import numpy as np
import pytest
from support.worlds.learning_world import world

from models.data.examples import Examples
from models.learners.linear import logistic_regression
from models.learners.linear.logistic_regression import LinearScorer
from models.learners.training_set import TrainingSet, prepare_training_set
from models.risks.defaults import CHURN, ESCALATION


@cache
def material() -> TrainingSet:
    made = world(accounts=150, weeks=60, base=-4.0)
    return prepare_training_set(made.frame, made.labels, CHURN)


def fitted(
    examples: Examples | None = None, expected: dict[str, int] | None = None, curved: tuple[str, ...] = ()
) -> LinearScorer:
    rows = examples or material().examples
    names = material().learner.signature.names
    wanted = [(expected or {}).get(name, 0) for name in names]
    return logistic_regression.fit_logistic(
        rows, material().learner.signature, material().examples.labelled.events, wanted, curved
    )


def humped() -> Examples:
    """Examples in which ``noise_0`` is a renewal's distance, and who leaves does so 30 to 60 days before it."""
    rows, rng = material().examples, np.random.default_rng(3)
    matrix = rows.matrix.copy()
    happened = rows.labelled.happened
    matrix[:, place("noise_0")] = np.where(happened, rng.uniform(30, 60, len(rows)), rng.uniform(0, 365, len(rows)))
    return Examples(matrix, rows.labelled, rows.weight)


def place(name: str) -> int:
    return material().learner.signature.names.index(name)


def weight(scorer: LinearScorer, name: str) -> float:
    return sum(
        term.weight for term in scorer.terms if term.place == place(name) and term.level == logistic_regression.NUMBER
    )


def test_it_finds_which_way_risk_goes() -> None:
    assert weight(fitted(), "health_score") < -0.3
    assert weight(fitted(), "tickets_opened_90d") > 0


@pytest.mark.parametrize(("direction", "kept"), [(-1, True), (+1, False)])
def test_a_coefficient_never_goes_against_what_is_expected(direction: int, kept: bool) -> None:
    found = weight(fitted(expected={"health_score": direction}), "health_score")
    assert (found < -0.3) if kept else (found == 0)


def test_the_catalogue_tells_the_learner_what_to_expect() -> None:
    expected = dict(zip(material().learner.signature.names, material().learner.expected, strict=True))
    assert (expected["health_score"], expected["tickets_opened_90d"], expected["noise_0"]) == (-1, 1, 0)


def test_a_curve_tells_what_no_straight_line_does() -> None:
    at = np.tile(material().examples.matrix.mean(axis=0), (3, 1))
    at[:, place("noise_0")] = (5, 45, 250)
    near, due, far = fitted(humped(), curved=("noise_0",)).margin(at)
    assert due > max(near, far) + 1
    near, due, far = fitted(humped()).margin(at)
    assert near > due > far


def test_no_direction_binds_a_curve() -> None:
    free, bound = (fitted(humped(), {"noise_0": d}, ("noise_0",)).margin(humped().matrix) for d in (0, +1))
    assert np.array_equal(free, bound)


def test_only_what_goes_by_the_contract_is_curved() -> None:
    made = world(accounts=150, weeks=60, base=-4.0)
    by_contract = prepare_training_set(made.frame, made.labels, CHURN).learner
    by_support = prepare_training_set(made.frame, made.labels, ESCALATION).learner
    assert "contract_renews_in_days" in by_contract.curved
    assert not by_support.curved


def test_rows_that_repeat_each_other_are_no_evidence() -> None:
    examples = material().examples
    twice = examples.take(np.repeat(np.arange(len(examples)), 2))
    once, again = fitted(), fitted(twice)
    assert np.allclose([t.weight for t in once.terms], [t.weight for t in again.terms], atol=2e-3)


def test_long_tables_are_scored_like_short_ones() -> None:
    matrix, scorer = material().examples.matrix, fitted(curved=("health_score",))
    assert len(matrix) > 2 * logistic_regression.ROWS_AT_ONCE
    rows = np.arange(logistic_regression.ROWS_AT_ONCE - 2, logistic_regression.ROWS_AT_ONCE + 2)
    assert np.array_equal(scorer.margin(matrix)[rows], scorer.margin(matrix[rows]))
    assert np.abs(scorer.contributions(matrix).sum(axis=1) - scorer.margin(matrix)).max() < 1e-12
