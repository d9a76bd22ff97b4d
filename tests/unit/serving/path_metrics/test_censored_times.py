"""Medians of times that are not over yet, against values by hand and by SciPy; intervals and their coverage."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from serving.path_metrics.censored_times import (
    CensoredTimes,
    Estimate,
    compare_medians,
    compare_shares,
    draw_weights,
    estimate_median,
    estimate_share,
    median_of,
    wilson_interval,
)


def times(*hours: float, units: list[int] | None = None) -> CensoredTimes:
    """A negative number is a case that was seen so long without the event."""
    values = np.array(hours, dtype=float)
    numbers = np.arange(len(hours)) if units is None else np.array(units)
    return CensoredTimes(np.abs(values), values > 0, numbers.astype(np.int64))


@pytest.mark.parametrize(
    ("hours", "median"),
    [
        ((1, 2, 3, 4), 2),  # half of them have had the event at 2
        ((1, 2, 3), 2),
        ((1, -2, 3, -4), 3),  # 3/4 after 1; two are left at 3, so 3/8
        ((-1, -2, 3), 3),
        ((2, -2, -5, -6), math.inf),  # 3/4 never reached half
        ((-1, -2), math.inf),
        ((1, 1, -1, -1), 1),  # at equal times the event comes first
    ],
)
def test_a_median_by_hand(hours: tuple[float, ...], median: float) -> None:
    assert estimate_median(times(*hours)).value == median


def test_open_cases_make_the_median_longer_than_without_them() -> None:
    assert estimate_median(times(1, 2, 3)).value == 2
    assert estimate_median(times(1, 2, 3, -10, -10)).value == 3


@settings(max_examples=60, deadline=None)
@given(
    hours=st.lists(st.integers(1, 30), min_size=1, max_size=25),
    seen=st.data(),
)
def test_the_median_is_that_of_scipy(hours: list[int], seen: st.DataObject) -> None:
    observed = np.array(seen.draw(st.lists(st.booleans(), min_size=len(hours), max_size=len(hours))))
    values = np.array(hours, dtype=float)
    curve = stats.ecdf(stats.CensoredData(uncensored=values[observed], right=values[~observed])).sf
    below = curve.quantiles[curve.probabilities <= 0.5 + 1e-9]
    expected = below[0] if below.size else math.inf
    own = CensoredTimes(values, observed, np.arange(len(hours)))
    assert median_of(own, np.ones((1, len(hours))))[0] == expected


def test_a_case_of_weight_two_counts_twice() -> None:
    doubled = median_of(times(1, 5, 9), np.array([[1.0, 1.0, 3.0], [3.0, 1.0, 1.0], [1.0, 0.0, 0.0]]))
    assert doubled.tolist() == [9, 1, 1]


def test_cases_of_one_group_are_drawn_together() -> None:
    weights = draw_weights(np.array([0, 0, 1, 2]))
    assert (weights[:, 0] == weights[:, 1]).all()
    assert not (weights[:, 1] == weights[:, 2]).all()
    assert weights.mean() == pytest.approx(1, abs=0.1)


def test_an_interval_is_wider_where_few_groups_have_many_cases() -> None:
    random = np.random.default_rng(1)
    by_group = np.repeat(random.exponential(10, 12), 10)
    alone = estimate_median(times(*by_group))
    grouped = estimate_median(times(*by_group, units=list(np.repeat(np.arange(12), 10))))
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)


def test_intervals_of_medians_contain_the_truth_about_as_often_as_they_say() -> None:
    random, covered = np.random.default_rng(3), 0
    truth = math.log(2) * 10
    for _ in range(120):
        event, end = random.exponential(10, 60), random.uniform(5, 40, 60)
        sample = CensoredTimes(np.minimum(event, end), event <= end, np.arange(60))
        _, low, high = estimate_median(sample)
        covered += low <= truth <= high
    assert 0.88 <= covered / 120 <= 1


def test_no_case_has_no_median() -> None:
    assert all(map(math.isnan, estimate_median(times())))
    assert all(map(math.isnan, compare_medians(times(), times(1))))


def test_the_difference_of_two_medians() -> None:
    before, after = times(*range(10, 60)), times(*range(5, 55), units=list(range(50)))
    # the same units in both: what is drawn twice before is drawn twice after, so the difference is always the same
    assert compare_medians(before, after) == (-5, -5, -5)
    apart = compare_medians(before, after._replace(units=np.arange(50, 100)))
    assert apart.high - apart.low > 5


def test_a_wilson_interval_by_hand() -> None:
    assert wilson_interval(0.5, 20) == pytest.approx((0.2993, 0.7007), abs=1e-4)
    assert wilson_interval(15 / 148, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)  # Newcombe (1998)
    low, high = wilson_interval(0, 20)
    assert low == 0
    assert high == pytest.approx(0.1611, abs=1e-4)


def test_cases_of_the_same_group_make_the_interval_of_a_share_wider() -> None:
    hits = [True] * 5 + [False] * 15
    alone, grouped = estimate_share(hits, list(range(20))), estimate_share(hits, [n // 5 for n in range(20)])
    assert alone.value == grouped.value == 0.25
    assert alone[1:] == pytest.approx(wilson_interval(0.25, 20))
    assert grouped[1:] == pytest.approx(wilson_interval(0.25, 4))
    assert all(map(math.isnan, estimate_share([], [])))


def test_the_difference_of_two_shares_by_hand() -> None:
    """Newcombe (1998), method 10: 56/70 and 48/80 give 0.2 with (0.0524, 0.3339)."""
    first, second = (
        Estimate(hits / count, *wilson_interval(hits / count, count)) for hits, count in ((48, 80), (56, 70))
    )
    assert compare_shares(first, second) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)
