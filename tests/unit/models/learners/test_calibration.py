import numpy as np
import pytest

from models.learners.calibration import (
    SLOPE_PRIOR,
    Calibrator,
    fit_calibrator,
    identity,
    log_odds,
    sigmoid,
    slope_error,
)

RNG = np.random.default_rng(5)
SCORES = RNG.normal(-2, 1.5, 20_000)
ONES = np.ones_like(SCORES)


def happened(slope: float, intercept: float) -> np.ndarray:
    return np.random.default_rng(6).random(len(SCORES)) < sigmoid(slope * SCORES + intercept)


@pytest.mark.parametrize(("events", "kind"), [(30, "sigmoid"), (499, "sigmoid"), (500, "beta"), (20_000, "isotonic")])
def test_the_kind_follows_the_number_of_accounts_with_an_event(events: int, kind: str) -> None:
    assert fit_calibrator(SCORES, happened(1, 0), ONES, events).kind == kind


@pytest.mark.parametrize("events", [400, 2000, 20_000])
def test_an_overconfident_score_is_brought_back(events: int) -> None:
    fitted = fit_calibrator(SCORES, happened(0.5, 0.3), ONES, events).apply(SCORES)
    assert np.abs(fitted - sigmoid(0.5 * SCORES + 0.3)).mean() < 0.02


@pytest.mark.parametrize("events", [100, 1000, 20_000])
def test_it_rises_and_is_never_certain(events: int) -> None:
    fitted = fit_calibrator(SCORES, SCORES > -1, ONES, events)
    line = fitted.apply(np.linspace(-40, 40, 500))
    assert np.all(np.diff(line) >= 0)
    assert 0 < line[0] < line[-1] < 1


def test_isotonic_steps_still_rank_every_score() -> None:
    fitted = fit_calibrator(SCORES, happened(1, 0), ONES, 20_000)
    ordered = np.unique(SCORES)
    assert np.all(np.diff(fitted.apply(ordered)) > 0)


def test_a_score_without_signal_becomes_the_base_rate() -> None:
    by_chance = np.random.default_rng(7).random(len(SCORES)) < 0.07
    fitted = fit_calibrator(SCORES, by_chance, ONES, 2000).apply(SCORES)
    assert fitted.mean() == pytest.approx(by_chance.mean(), abs=0.002)
    assert fitted.std() < 0.01


def test_few_events_pull_the_slope_towards_one() -> None:
    steep = happened(3.0, 0.0)
    few, many = (fit_calibrator(SCORES, steep, ONES, events).weights[0] for events in (5, 490))
    assert 1 < few < many < 3.1


def test_scores_without_a_scale_of_their_own_follow_the_outcomes_sooner() -> None:
    steep = happened(3.0, 0.0)
    usual, weak = (fit_calibrator(SCORES, steep, ONES, 30, *prior).weights[0] for prior in ((SLOPE_PRIOR,), ()))
    assert usual < weak < 3.1


@pytest.mark.parametrize("events", [100, 1000, 20_000])
def test_a_shift_raises_every_probability_alike(events: int) -> None:
    fitted = fit_calibrator(SCORES, happened(1, 0), ONES, events)
    raised = log_odds(fitted.shifted(0.4).apply(SCORES)) - log_odds(fitted.apply(SCORES))
    assert raised == pytest.approx(0.4, abs=0.03)


def test_rows_can_stand_for_several() -> None:
    doubled = np.concatenate([SCORES, SCORES[:5000]]), np.concatenate([happened(1, 0), happened(1, 0)[:5000]])
    weight = ONES + (np.arange(len(SCORES)) < 5000)
    a = fit_calibrator(doubled[0], doubled[1], np.ones(len(doubled[0])), 100)
    b = fit_calibrator(SCORES, happened(1, 0), weight, 100)
    assert a.weights == pytest.approx(b.weights, abs=1e-3)


def test_json_keeps_it() -> None:
    fitted = fit_calibrator(SCORES, happened(1, 0), ONES, 20_000)
    again = Calibrator.from_json(fitted.to_json())
    assert np.array_equal(again.apply(SCORES), fitted.apply(SCORES))


def test_identity_believes_the_score() -> None:
    assert identity().apply(SCORES) == pytest.approx(sigmoid(SCORES), abs=1e-5)
    assert log_odds(sigmoid(SCORES)) == pytest.approx(SCORES)


def test_few_accounts_with_an_event_leave_the_slope_unknown() -> None:
    """The published slope of scores that are right is off by its standard error, whatever the calibrator does."""
    wide, narrow = (slope_error(SCORES, happened(1, 0), ONES, events) for events in (50, 450))
    assert wide is not None
    assert narrow is not None
    assert wide == pytest.approx(3 * narrow, rel=0.01)
    draw = np.random.default_rng(8)
    slopes = []
    for _ in range(60):
        rows = draw.choice(len(SCORES), 1_000)
        outcome = draw.random(1_000) < sigmoid(SCORES[rows])
        own = fit_calibrator(SCORES[rows], outcome, ONES[rows], float(outcome.sum()), prior=0.0)
        slopes.append((own.weights[0] - 1) / (own.slope_error or np.nan))
    assert np.std(slopes) == pytest.approx(1, abs=0.25)


def test_the_slope_error_is_saved_and_earlier_models_have_none() -> None:
    few = slice(0, 2_000)
    fitted = fit_calibrator(SCORES[few], happened(1, 0)[few], ONES[few], 100)
    assert Calibrator.from_json(fitted.to_json()) == fitted
    assert fitted.shifted(0.2).slope_error == fitted.slope_error
    earlier = {name: value for name, value in fitted.to_json().items() if name != "slope_error"}
    assert Calibrator.from_json(earlier).slope_error is None
    assert fit_calibrator(np.zeros(10), np.arange(10) < 3, np.ones(10), 3).slope_error is None
