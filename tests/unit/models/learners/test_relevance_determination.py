"""How much a term may matter is learned from the same events: few that matter are found among many that do not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from models.data.arrays import Floats
from models.learners.calibration import sigmoid
from models.learners.linear import relevance_determination
from models.learners.linear.relevance_determination import Regression, posterior_variance

TERMS, MATTER = 120, 5


def drawn(seed: int, rows: int = 3000) -> tuple[Regression, Floats]:
    """Rows of which five terms of 120 tell anything, each row evidence of its own, and the true log-odds."""
    rng = np.random.default_rng(seed)
    design = rng.normal(size=(rows, TERMS)).astype(np.float32)
    truth = design[:, :MATTER] @ np.array([0.8, -0.7, 0.6, -0.5, 0.4]) - 2.5
    happened = rng.random(rows) < sigmoid(truth)
    return Regression(design, happened, np.ones(rows), [(None, None)] * TERMS), truth


USUAL = np.full(TERMS, 1.25**2 / TERMS)
ALL = np.ones(TERMS, bool)


def missed(weights: Floats, seed: int) -> float:
    """How far the log-odds of fresh rows are from the truth, as a root mean square."""
    fresh, truth = drawn(seed)
    return float(np.sqrt(np.mean((fresh.margin(weights) - truth) ** 2)))


@pytest.mark.parametrize("seed", range(5))
def test_what_matters_is_found_among_what_does_not(seed: int) -> None:
    regression, _ = drawn(seed)
    equal, learned = regression.most_probable(USUAL), regression.fit(USUAL, ALL)
    assert missed(learned, 1000 + seed) < 0.7 * missed(equal, 1000 + seed)
    assert np.abs(learned[MATTER:-1]).mean() < np.abs(equal[MATTER:-1]).mean() / 2
    assert np.abs(learned[:MATTER]).sum() > np.abs(equal[:MATTER]).sum()


def test_terms_that_are_not_judged_keep_the_usual_prior() -> None:
    regression, _ = drawn(1)
    assert np.allclose(regression.fit(USUAL, ~ALL), regression.most_probable(USUAL), atol=2e-3)


def test_bounds_hold_whatever_is_learned() -> None:
    regression, _ = drawn(2)
    bound = Regression(regression.design, regression.happened, regression.evidence, [(0.0, None)] * TERMS)
    weights = bound.fit(USUAL, ALL)
    assert weights[:-1].min() >= 0
    assert weights[0] > 0.4
    assert weights[1] == 0


@pytest.mark.parametrize("bound", [(None, None), (0.0, None), (None, 0.0), (-0.02, 0.02)])
def test_the_most_probable_weights_are_those_of_a_general_solver(bound: relevance_determination.Bound) -> None:
    regression = replace(drawn(6)[0], bounds=[bound] * TERMS)
    design = regression.design.astype(np.float64)

    def loss(weights: Floats) -> tuple[float, Floats]:
        margin = design @ weights[:-1] + weights[-1]
        missed = sigmoid(margin) - regression.happened
        value = (
            np.logaddexp(0, margin).sum() - margin[regression.happened].sum() + (weights[:-1] ** 2 / USUAL).sum() / 2
        )
        return float(value), np.append(design.T @ missed + weights[:-1] / USUAL, missed.sum())

    close = {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 10_000}
    bounds = [bound] * TERMS + [(None, None)]
    slow = minimize(loss, np.zeros(TERMS + 1), jac=True, method="L-BFGS-B", bounds=bounds, options=close)
    found = regression.most_probable(USUAL)
    assert loss(found)[0] <= slow.fun * (1 + 1e-7)
    assert np.allclose(found, slow.x, atol=2e-4)


def test_it_does_not_matter_where_the_search_begins() -> None:
    regression = replace(drawn(7)[0], bounds=[(0.0, None)] * TERMS)
    far = np.append(np.full(TERMS, 0.5), 3.0)
    assert np.allclose(regression.most_probable(USUAL, far), regression.most_probable(USUAL), atol=2e-4)


def test_doubt_is_what_the_curvature_of_the_loss_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    regression, _ = drawn(3, rows=700)
    weights = regression.most_probable(USUAL)
    certain = sigmoid(regression.margin(weights))
    design = regression.design.astype(np.float64)
    curvature = design.T @ ((certain * (1 - certain))[:, None] * design) + np.diag(1 / USUAL)
    wanted = np.diag(np.linalg.inv(curvature))
    assert np.allclose(posterior_variance(regression.curvature(weights), USUAL), wanted, rtol=1e-4)
    monkeypatch.setattr(relevance_determination, "BLOCK", 64)
    assert np.allclose(posterior_variance(regression.curvature(weights), USUAL), wanted, rtol=1e-4)


def test_some_rows_can_stand_for_all() -> None:
    regression, _ = drawn(5, rows=6000)
    twice = np.repeat(np.arange(3000), 2)
    repeating = Regression(regression.design[twice], regression.happened[twice], np.full(6000, 0.5), regression.bounds)
    every_second = repeating.at(np.arange(0, 6000, 2), np.full(3000, 2.0))
    all_rows, half = repeating.fit(USUAL, ALL), repeating.fit(USUAL, ALL, every_second)
    assert np.allclose(all_rows, half, atol=2e-3)


def test_what_is_alike_to_every_row_tells_nothing() -> None:
    regression, _ = drawn(4)
    flat = regression.design.copy()
    flat[:, 7] = 0
    weights = Regression(flat, regression.happened, regression.evidence, regression.bounds).fit(USUAL, ALL)
    assert weights[7] == 0
    assert np.isfinite(weights).all()


def test_much_evidence_leaves_no_variance_below_zero_where_terms_say_the_same() -> None:
    regression, _ = drawn(3)
    design = regression.design.copy()
    noise = np.random.default_rng(3).normal(size=(len(design), MATTER))
    design[:, MATTER : 2 * MATTER] = design[:, :MATTER] + 1e-4 * noise
    much = Regression(design, regression.happened, np.full(len(design), 2e4), regression.bounds)
    variance = np.full(TERMS, 100.0)
    posterior = posterior_variance(much.curvature(np.append(np.zeros(TERMS), -2.5)), variance)
    assert posterior.min() > 0
    assert (posterior < variance).all()
