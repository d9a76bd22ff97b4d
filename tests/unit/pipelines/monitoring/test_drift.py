"""Drift: the rate of false alarms is the stated one, and a real shift is found."""

import numpy as np
import pytest

from pipelines.monitoring.drift import MOVED, NIGHT_LEVEL, first_alarms, measure_category_shift, measure_shift

LEVEL = NIGHT_LEVEL / 2


def test_the_index_of_shares_known_by_hand() -> None:
    then, now = np.repeat([0.1, 0.9], 5_000), np.repeat([0.1, 0.9], [7_500, 2_500])
    found = measure_shift(then, now)
    assert found is not None
    assert found.index == pytest.approx(0.25 * np.log(1.5) - 0.25 * np.log(0.5), abs=1e-3)
    assert found.alarming(LEVEL, MOVED)


@pytest.mark.parametrize(("then", "now"), [(200, 50), (2_000, 200)])
def test_scores_that_have_not_moved_alarm_in_one_night_of_a_hundred_at_most(then: int, now: int) -> None:
    draw = np.random.default_rng(5)
    shifts = [measure_shift(draw.normal(size=then), draw.normal(size=now)) for _ in range(500)]
    assert np.mean([shift is not None and shift.alarming(LEVEL, MOVED) for shift in shifts]) <= 0.01


def test_many_features_alarm_no_more_often_than_one() -> None:
    draw = np.random.default_rng(6)
    alarms = 0
    for _ in range(60):
        shifts = {str(n): measure_shift(draw.normal(size=200), draw.normal(size=50)) for n in range(30)}
        alarms += bool(first_alarms(shifts, LEVEL, 0.0))
    assert alarms <= 2


def test_accounts_that_resemble_themselves_do_not_alarm_more_often() -> None:
    draw = np.random.default_rng(7)
    alarms = []
    for _ in range(300):
        lasting = draw.normal(size=200)
        then, now = (lasting + 0.5 * draw.normal(size=200) for _ in range(2))
        shift = measure_shift(then, now)
        alarms.append(shift is not None and shift.alarming(LEVEL, 0.0))
    assert np.mean(alarms) <= 0.01


@pytest.mark.parametrize(("then", "now", "least"), [(200, 50, 0.35), (2_000, 200, 0.9)])
def test_half_a_standard_deviation_is_found(then: int, now: int, least: float) -> None:
    draw = np.random.default_rng(8)
    shifts = [measure_shift(draw.normal(size=then), draw.normal(0.5, size=now)) for _ in range(200)]
    assert np.mean([shift is not None and shift.alarming(LEVEL, MOVED) for shift in shifts]) >= least


def test_of_many_accounts_a_shift_without_meaning_is_no_alarm() -> None:
    draw = np.random.default_rng(9)
    shift = measure_shift(draw.normal(size=50_000), draw.normal(0.05, size=50_000))
    assert shift is not None
    assert shift.p_value < 1e-6
    assert not shift.alarming(LEVEL, MOVED)


def test_missing_values_and_categories_move_too() -> None:
    draw = np.random.default_rng(10)
    then, now = draw.normal(size=500), draw.normal(size=500)
    now[:200] = np.nan
    missing = measure_shift(then, now)
    assert missing is not None
    assert missing.alarming(LEVEL, MOVED)
    names = np.array(["emea", "apac", None], dtype=object)
    same = measure_category_shift(draw.choice(names, 500), draw.choice(names, 500))
    other = measure_category_shift(draw.choice(names, 500), draw.choice(names, 500, p=[0.8, 0.1, 0.1]))
    assert same is not None
    assert other is not None
    assert (same.alarming(LEVEL, MOVED), other.alarming(LEVEL, MOVED)) == (False, True)


def test_too_few_or_equal_values_say_nothing() -> None:
    assert measure_shift(np.arange(100.0), np.arange(9.0)) is None
    assert measure_shift(np.full(100, 0.5), np.full(100, 0.5)) is None
    assert measure_shift(np.full(100, np.nan), np.full(100, np.nan)) is None
    assert first_alarms({"constant": None}, LEVEL, 0.0) == []
