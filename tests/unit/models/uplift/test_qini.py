"""The Qini coefficient: events prevented beyond a random order, with ties, folds and draws of units."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.uplift.qini import PER, compare_orders, qini_draws

ONCE = np.ones((1, 6))
ONE_FOLD = np.zeros(6, dtype=np.int64)
HELPED_FIRST = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0])


def coefficient(contributed: np.ndarray, score: np.ndarray, fold: np.ndarray | None = None) -> float:
    once = np.ones((1, len(score)))
    return float(
        qini_draws(contributed, score, np.zeros(len(score), dtype=np.int64) if fold is None else fold, once)[0]
    )


def test_the_coefficient_is_the_mean_height_above_a_random_order() -> None:
    score = np.arange(6, 0, -1).astype(float)
    steps = np.linspace(0, 1, 60_001)
    curve = np.interp(steps, np.linspace(0, 1, 7), np.r_[0, np.cumsum(HELPED_FIRST)] / 6)
    assert coefficient(HELPED_FIRST, score) == pytest.approx((curve - steps * curve[-1]).mean(), abs=1e-4)


def test_the_opposite_order_is_as_far_below() -> None:
    score = np.arange(6).astype(float)
    assert coefficient(HELPED_FIRST, score) == pytest.approx(-coefficient(HELPED_FIRST, -score))


def test_an_order_that_says_nothing_has_no_height() -> None:
    assert coefficient(HELPED_FIRST, np.zeros(6)) == 0


def test_equal_scores_count_by_their_expected_value() -> None:
    tied = np.array([2.0, 2.0, 2.0, 1.0, 1.0, 1.0])
    draw = np.random.default_rng(1)
    broken = [coefficient(HELPED_FIRST, tied + 1e-6 * draw.random(6)) for _ in range(4_000)]
    assert coefficient(HELPED_FIRST, tied) == pytest.approx(np.mean(broken), abs=0.002)


def test_levels_that_differ_between_folds_change_nothing() -> None:
    contributed, score = np.array([1.0, 0.0, 1.0, 0.0]), np.array([2.0, 1.0, 2.0, 1.0])
    fold = np.array([0, 0, 1, 1])
    assert coefficient(contributed, score + 100 * fold, fold) == coefficient(contributed, score, fold)


@given(
    st.lists(st.tuples(st.floats(-3, 3), st.integers(0, 4), st.integers(1, 3)), min_size=2, max_size=12),
)
def test_a_unit_drawn_twice_counts_as_two_and_the_order_of_rows_does_not_matter(
    rows: list[tuple[float, int, int]],
) -> None:
    contributed, score, times = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    fold = np.zeros(len(rows), dtype=np.int64)
    drawn = float(qini_draws(contributed, score, fold, times[None, :])[0])
    repeated = np.repeat(np.arange(len(rows)), times.astype(int))
    shuffled = np.random.default_rng(len(rows)).permutation(repeated)
    assert drawn == pytest.approx(coefficient(contributed[shuffled], score[shuffled]), abs=1e-9)


def test_orders_are_compared_in_pairs_with_their_curves() -> None:
    draw = np.random.default_rng(3)
    effect = draw.random(2_000) < 0.5
    contributed = effect + draw.normal(0, 0.5, 2_000)
    found = compare_orders(contributed, effect.astype(float), draw.random(2_000), np.zeros(2_000, dtype=np.int64))
    assert found.lead.value == pytest.approx(found.uplift.value - found.risk.value)
    assert found.lead.low > 0.8 * PER / 8  # an order that knows all: half of the area of 0.25
    assert found.lead.low < found.lead.value < found.lead.high
    assert found.curve[0] == (0.0, 0.0, 0.0)
    share, by_uplift, by_risk = found.curve[-1]
    assert share == 1
    assert by_uplift == pytest.approx(by_risk) == pytest.approx(PER * contributed.mean())
    assert found.curve[10][1] > found.curve[10][2] + 15
