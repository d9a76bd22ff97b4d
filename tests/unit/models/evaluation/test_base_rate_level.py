"""Whether the newest base rate is followed: where it has moved, and not where chance moves the counts."""

from collections.abc import Callable

import numpy as np
import pytest

from models.data.arrays import Floats
from models.evaluation.base_rate_level import Periods, count_periods, newest_level

ROUNDS = 300


def levels(mean: float, change: Callable[[Floats], Floats], periods: int = 8) -> Floats:
    """The levels found in ``ROUNDS`` draws of event counts."""
    rng = np.random.default_rng(3)
    expected = np.full(periods, mean)
    draws = rng.poisson(expected * np.exp(change(np.arange(periods) / 1.0)), (ROUNDS, periods))
    return np.array([newest_level(Periods(observed.astype(float), expected)) for observed in draws])


@pytest.mark.parametrize(("mean", "spread"), [(5, 0.1), (15, 0.06), (50, 0.03)])
def test_a_constant_rate_is_left_alone(mean: float, spread: float) -> None:
    found = levels(mean, np.zeros_like)
    assert abs(found.mean()) < 0.03
    assert found.std() < spread


def test_a_step_is_followed_where_the_events_show_it() -> None:
    def step(period: Floats) -> Floats:
        return np.where(period >= 5, 0.5, 0.0)

    true = 0.5 - np.log(np.exp(step(np.arange(8.0))).mean())  # relative to the mean of all periods
    assert levels(200, step).mean() == pytest.approx(true, abs=0.02)
    assert 0.5 * true < levels(50, step).mean() < 1.1 * true
    assert abs(levels(5, step).mean()) < 0.5 * true


def test_a_falling_rate_gives_a_negative_level() -> None:
    assert levels(100, lambda period: -0.12 * period).mean() < -0.25


def test_two_periods_or_no_event_tell_nothing() -> None:
    assert newest_level(Periods(np.array([5.0, 50.0]), np.array([20.0, 20.0]))) == 0.0
    assert newest_level(Periods(np.zeros(5), np.ones(5))) == 0.0


def test_periods_are_counted_from_the_newest_cutoff_in_units_of_accounts() -> None:
    day = np.repeat(np.arange(0, 280, 7), 10)
    happened, weight = np.ones(len(day), bool), np.full(len(day), 2.0)
    found = count_periods(day, happened, np.full(len(day), 0.5), weight, events=40.0, days=91)
    assert len(found.observed) == 3  # a week is left over and joins the first
    assert found.observed.sum() == pytest.approx(40)
    assert found.expected == pytest.approx(found.observed / 2)
