"""The curve over time: it never falls, agrees with what came, and passes through the fixed-horizon model."""

from functools import cache

import numpy as np
from support.worlds.learning_world import World, world

from models.learners import hazard_curve
from models.learners.hazard_curve import DAYS, HazardModel
from models.learners.training_set import prepare
from models.risks import CHURN


@cache
def made() -> World:
    return world(accounts=250, weeks=100, base=-4.8)


@cache
def model() -> HazardModel:
    return hazard_curve.fit(prepare(made().frame, made().labels, CHURN, threads=1), made().labels)


def test_the_risk_never_falls_and_is_a_probability() -> None:
    curve = model().curve(made().frame)
    assert curve.shape == (made().frame.num_rows, len(DAYS))
    assert (np.diff(curve, axis=1) >= 0).all()
    assert ((curve > 0) & (curve < 1)).all()


def test_at_ninety_days_it_says_what_came() -> None:
    """Its mean risk by day 90 is near the true mean, by the world's own weekly hazard held for thirteen weeks."""
    risk = model().curve(made().frame, [90])[:, 0]
    came = np.mean(made().labels["event"].drop_null().to_numpy(zero_copy_only=False))
    assert 0.7 < risk.mean() / came < 1.4


def test_it_ranks_by_the_true_risk() -> None:
    risk = model().curve(made().frame, [30])[:, 0]
    assert np.corrcoef(np.argsort(np.argsort(risk)), np.argsort(np.argsort(made().truth)))[0, 1] > 0.6


def test_it_passes_through_the_fixed_horizon_model() -> None:
    probability = np.random.default_rng(1).uniform(0.01, 0.9, made().frame.num_rows)
    curve = model().curve(made().frame, at=(90, probability))
    assert np.allclose(curve[:, 2], probability)
    assert (np.diff(curve, axis=1) >= 0).all()
