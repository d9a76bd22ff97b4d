"""Intervals: the value always lies within, and they are where the draws are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.bootstrap import Estimate, draw_counts, interval, lower_bound

NUMBERS = st.floats(-1e6, 1e6)


@given(NUMBERS, st.lists(NUMBERS, min_size=20, max_size=60))
def test_the_value_lies_within_its_interval(value: float, draws: list[float]) -> None:
    estimate = interval(np.array([value, *draws]))
    assert estimate.low <= estimate.value <= estimate.high
    assert min(value, *draws) <= estimate.low
    assert estimate.high <= max(value, *draws)


def test_draws_that_are_all_larger_are_moved_to_the_value() -> None:
    draws = np.linspace(0.2, 0.4, 201)
    estimate = interval(np.array([0.24, *draws]))
    assert (estimate.low, estimate.high) == pytest.approx((0.2, 0.335))


def test_too_few_draws_give_no_interval() -> None:
    assert np.isnan(interval(np.array([0.5, *[np.nan] * 100, *[0.5] * 19])).low)
    assert np.isnan(interval(np.array([np.nan, *[0.5] * 100])).low)


def test_a_lower_bound_is_missed_with_its_probability() -> None:
    draws = np.linspace(-1, 1, 2001)
    assert lower_bound(np.array([0.0, *draws]), 0.05) == pytest.approx(-0.9)
    assert lower_bound(np.array([0.0, np.nan, *draws]), 0.05) == -np.inf


def test_draws_hold_as_many_units_as_the_sample_and_are_the_same_each_time() -> None:
    counts = draw_counts(50, 10, seed=3)
    assert np.all(counts[0] == 1)
    assert np.all(counts.sum(axis=1) == 50)
    assert np.array_equal(counts, draw_counts(50, 10, seed=3))


def test_an_undefined_estimate_is_null_in_json() -> None:
    estimate = Estimate(0.5, float("nan"), float("nan"))
    assert estimate.to_json() == {"value": 0.5, "low": None, "high": None}
    assert Estimate.from_json(estimate.to_json()).value == 0.5


def test_an_interval_leaves_out_a_fortieth_on_each_side() -> None:
    estimate = interval(np.array([0.5, *np.linspace(0, 1, 401)]))
    assert (estimate.low, estimate.high) == pytest.approx((0.025, 0.975))
