"""The logistic regression follows what the catalogue expects, and its penalty goes by events, not by rows."""

from functools import cache

import numpy as np
import pytest
from learning_world import world

from models import logistic
from models.examples import Examples
from models.logistic import LinearScorer
from models.material import Material, prepare
from models.risks import CHURN


@cache
def material() -> Material:
    made = world(accounts=150, weeks=60, base=-4.0)
    return prepare(made.frame, made.labels, CHURN)


def fitted(examples: Examples | None = None, expected: dict[str, int] | None = None) -> LinearScorer:
    rows = examples or material().examples
    names = material().learner.signature.names
    wanted = [(expected or {}).get(name, 0) for name in names]
    return logistic.fit(rows, material().learner.signature, material().examples.labelled.events, wanted)


def weight(scorer: LinearScorer, name: str) -> float:
    place = material().learner.signature.names.index(name)
    return sum(term.weight for term in scorer.terms if term.place == place and term.level == logistic.NUMBER)


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


def test_rows_that_repeat_each_other_are_no_evidence() -> None:
    examples = material().examples
    twice = examples.take(np.repeat(np.arange(len(examples)), 2))
    once, again = fitted(), fitted(twice)
    assert np.allclose([t.weight for t in once.terms], [t.weight for t in again.terms], atol=2e-3)


def test_long_tables_are_scored_like_short_ones() -> None:
    matrix, scorer = material().examples.matrix, fitted()
    assert len(matrix) > 2 * logistic.ROWS
    rows = np.arange(logistic.ROWS - 2, logistic.ROWS + 2)
    assert np.array_equal(scorer.margin(matrix)[rows], scorer.margin(matrix[rows]))
    assert np.abs(scorer.contributions(matrix).sum(axis=1) - scorer.margin(matrix)).max() < 1e-12
