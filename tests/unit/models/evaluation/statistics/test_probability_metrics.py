"""Figures of a probability: calibration by known distortions, and skill against the base rate of each cutoff."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss
from support.worlds.drawn_scores import draw_scored_rows

from models.evaluation.metrics import log_loss_gain, probability_figures
from models.evaluation.statistics.probability_metrics import (
    brier_draws,
    calibration_group,
    calibration_line,
    log_loss_draws,
    night_loss_draws,
    observed_rate_draws,
    observed_to_expected_draws,
)
from models.learners.calibration import sigmoid


@pytest.mark.parametrize(("stretch", "slope"), [(1.0, 1.0), (2.0, 0.5)])
def test_the_slope_shows_overconfidence(stretch: float, slope: float) -> None:
    rows, margin = draw_scored_rows(accounts=20_000, weeks=1)
    figures = probability_figures(rows, sigmoid(stretch * margin))
    assert figures["calibration_slope"].value == pytest.approx(slope, abs=0.05)


def test_risks_that_are_too_low_show_in_the_intercept_and_in_observed_to_expected() -> None:
    rows, margin = draw_scored_rows(accounts=20_000, weeks=1)
    figures = probability_figures(rows, sigmoid(margin - 0.7))
    assert figures["calibration_intercept"].value == pytest.approx(0.7, abs=0.06)
    assert figures["observed_to_expected"].value == pytest.approx(rows.event.mean() / sigmoid(margin - 0.7).mean())


def test_the_base_rate_has_no_skill() -> None:
    rows, _ = draw_scored_rows()
    figures = probability_figures(rows, np.full(len(rows), rows.event.mean()))
    assert figures["brier_skill"].value == pytest.approx(0, abs=1e-9)
    assert figures["log_loss_skill"].value == pytest.approx(0, abs=1e-9)


def test_following_a_changing_base_rate_is_no_skill() -> None:
    rng = np.random.default_rng(2)
    day = np.repeat(np.arange(10), 200)
    rate = (day + 1) / 15
    rows, _ = draw_scored_rows(accounts=200, weeks=10)
    rows = replace(rows, event=rng.random(2000) < rate, day=day)
    figures = probability_figures(rows, rate)
    assert figures["log_loss_skill"].value <= 0
    assert figures["brier_skill"].value <= 0


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    held = []
    for seed in range(60):
        rows, margin = draw_scored_rows(accounts=400, weeks=2, seed=seed)
        slope = probability_figures(rows, sigmoid(margin))["calibration_slope"]
        held.append(slope.low <= 1 <= slope.high)
    assert 0.85 <= np.mean(held) <= 1.0


def test_a_row_of_weight_two_equals_the_row_twice() -> None:
    rows, margin = draw_scored_rows(accounts=60, weeks=4)
    times = np.random.default_rng(5).integers(1, 4, len(rows))
    places = np.repeat(np.arange(len(rows)), times)
    weighted, copied = replace(rows, weight=times.astype(float)), rows.take(places)
    probability = sigmoid(0.7 * margin)
    for figure in (brier_draws, log_loss_draws, night_loss_draws, observed_to_expected_draws):
        np.testing.assert_allclose(figure(weighted, probability), figure(copied, probability[places]))
    np.testing.assert_allclose(observed_rate_draws(weighted), observed_rate_draws(copied))
    lines = calibration_line(weighted, probability), calibration_line(copied, probability[places])
    for once, twice in zip(*lines, strict=True):
        assert (once.value, once.low, once.high) == pytest.approx((twice.value, twice.low, twice.high))


def test_losses_are_those_of_scikit_learn() -> None:
    rows, margin = draw_scored_rows(accounts=60, weeks=1)
    rows = replace(rows, weight=np.random.default_rng(5).uniform(0.5, 2, len(rows)))
    probability, rate = sigmoid(0.7 * margin), float(np.average(rows.event, weights=rows.weight))
    alike = np.full(len(rows), rate)
    for figure, loss in ((log_loss_draws, log_loss), (brier_draws, brier_score_loss)):
        own, base = (loss(rows.event, values, sample_weight=rows.weight) for values in (probability, alike))
        assert figure(rows, probability)[0] == pytest.approx(1 - own / base)


def test_the_loss_within_a_night_is_that_of_the_log_odds_moved_to_its_base_rate() -> None:
    from scipy.optimize import brentq

    rows, margin = draw_scored_rows(accounts=60, weeks=1)
    rows = replace(rows, weight=np.random.default_rng(5).uniform(0.5, 2, len(rows)))
    shift = brentq(lambda by: float(rows.weight @ (rows.event - sigmoid(margin + by))), -5, 5)
    expected = log_loss(rows.event, sigmoid(margin + shift), sample_weight=rows.weight)
    for level in (-3.0, 0.0, 2.0):
        assert night_loss_draws(rows, sigmoid(margin + level))[0] == pytest.approx(expected)


def test_a_probability_that_follows_the_base_rate_gains_nothing_within_nights() -> None:
    rng = np.random.default_rng(2)
    rows, _ = draw_scored_rows(accounts=200, weeks=10)
    rate = 0.05 + rows.day / 140
    rows = replace(rows, event=rng.random(len(rows)) < rate)
    gain = log_loss_gain(rows, rate, np.full(len(rows), 0.3))
    assert gain.value == pytest.approx(0.0, abs=1e-9)
    assert log_loss(rows.event, rate) < log_loss(rows.event, np.full(len(rows), 0.3)), "over all nights it does"


def test_nights_without_an_event_say_nothing_about_a_gain() -> None:
    rows, margin = draw_scored_rows(weeks=2)
    quiet = replace(rows, event=rows.event & (rows.day == 0))
    first = quiet.take(rows.day == 0)
    draws = night_loss_draws(quiet, sigmoid(margin))
    assert draws[0] == pytest.approx(night_loss_draws(first, sigmoid(margin[rows.day == 0]))[0])


def test_a_gain_in_log_loss_is_a_share_of_the_others() -> None:
    rows, margin = draw_scored_rows()
    gain = log_loss_gain(rows, sigmoid(margin), sigmoid(3 * margin))
    assert 0 < gain.low < gain.value < gain.high < 1
    same = log_loss_gain(rows, sigmoid(margin), sigmoid(margin))
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_a_calibration_group_counts_accounts_and_has_an_interval_without_events() -> None:
    rows, margin = draw_scored_rows(weeks=5)
    quiet = replace(rows, event=np.zeros(len(rows), dtype=bool))
    group = calibration_group(quiet, sigmoid(margin))
    assert group.observed.value == group.observed.low == 0
    assert group.observed.high == pytest.approx(1.96**2 / (300 + 1.96**2))
    assert group.expected == pytest.approx(sigmoid(margin).mean())
