"""The calibration of the risk over time: figures by day, of rows that were watched until then, counted by account."""

from functools import cache

import numpy as np
from support.worlds.learning_world import World, world

from models.evaluation.curve_calibration import CalibrationByDay, calibrate_curve
from models.evaluation.walk_forward import WalkForward, score_folds
from models.learners.hazard_curve import hazard_rows
from models.learners.training_set import TrainingSet, prepare_training_set
from models.risks.defaults import CHURN


@cache
def made() -> World:
    return world(accounts=200, weeks=90, base=-4.4)


@cache
def training() -> TrainingSet:
    return prepare_training_set(made().frame, made().labels, CHURN, threads=1)


@cache
def walk() -> WalkForward:
    return score_folds(training(), lambda _: None)


@cache
def calibration() -> tuple[CalibrationByDay, ...]:
    rows = hazard_rows(training(), made().labels)
    return calibrate_curve(training(), made().labels, rows, walk(), "logistic")


def test_predictions_agree_with_what_happened() -> None:
    assert [point.day for point in calibration()][:3] == [30, 60, 90]
    for point in calibration():
        assert point.low <= point.observed <= point.high
        assert 0.6 < point.predicted / point.observed < 1.7


def test_risk_and_observed_share_grow_with_the_horizon() -> None:
    by_day = [(point.predicted, point.observed) for point in calibration() if point.day <= 90]
    assert by_day == sorted(by_day)


def test_a_day_that_nobody_was_watched_until_is_left_out() -> None:
    days = training().examples.labelled.day
    longest = int(days.max()) + CHURN.embargo - int(days.min())
    assert all(point.day < longest for point in calibration())
    fewer = [point.accounts for point in calibration()]
    assert fewer == sorted(fewer, reverse=True)


def test_it_is_the_same_each_time() -> None:
    rows = hazard_rows(training(), made().labels)
    again = calibrate_curve(training(), made().labels, rows, walk(), "logistic")
    assert again == calibration()
    assert np.isfinite([point.low for point in again]).all()
