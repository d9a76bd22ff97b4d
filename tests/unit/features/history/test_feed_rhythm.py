"""A feed is late by its own rhythm: by weekday, from its own history, and not before there is one."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from features.history.feed_rhythm import FeedRhythm, rhythm_of
from pipelines.monitoring.feed_freshness import feed_reports
from pipelines.sources import open_source, validate_rows

MONDAY = date(2026, 3, 2)
ALL = [MONDAY - timedelta(days=day) for day in range(1, 183)]


def is_late(rhythm: FeedRhythm, age: int) -> bool:
    return replace(rhythm, newest_on=MONDAY - timedelta(days=age)).is_late(MONDAY)


def delivered(weekdays: range, until: date = MONDAY, rows: int = 10) -> dict[date, int]:
    return {day: rows for day in ALL if day.weekday() in weekdays and day < until}


@pytest.mark.parametrize(
    ("weekdays", "night", "limit"),
    [
        (range(7), MONDAY, 1),
        (range(5), MONDAY, 3),  # Friday's rows
        (range(5), MONDAY - timedelta(days=3), 1),  # on Friday, Thursday's
        (range(1), MONDAY, 7),
        (range(1), MONDAY - timedelta(days=5), 2),
    ],
)
def test_the_limit_is_that_of_the_weekday(weekdays: range, night: date, limit: int) -> None:
    rhythm = rhythm_of(delivered(weekdays, night), night)
    assert rhythm.late_after_days == limit
    assert not is_late(rhythm, limit)
    assert is_late(rhythm, limit + 1)


def test_a_feed_that_stopped_three_nights_ago_is_late_on_a_thursday() -> None:
    thursday = MONDAY - timedelta(days=4)
    stopped = delivered(range(5), thursday - timedelta(days=2))
    rhythm = rhythm_of(stopped, thursday)
    assert rhythm.newest_on == thursday - timedelta(days=3)
    assert is_late(rhythm, 3)
    assert not is_late(rhythm_of(delivered(range(5)), MONDAY), 3)


def test_a_monthly_feed_is_not_late_within_its_month() -> None:
    monthly = {day: 100 for day in ALL if day.day == 1}
    assert not is_late(rhythm_of(monthly, MONDAY), 20)
    assert is_late(rhythm_of(monthly, MONDAY), 45)


def test_nothing_is_said_of_a_feed_without_history() -> None:
    assert rhythm_of({}, MONDAY) == FeedRhythm()
    short = dict.fromkeys(ALL[:40], 5)
    assert rhythm_of(short, MONDAY).late_after_days is None
    assert not is_late(rhythm_of(short, MONDAY), 30)
    assert not FeedRhythm(late_after_days=3).is_late(MONDAY)


def test_the_usual_rows_are_those_of_the_same_weekday() -> None:
    rows = {day: 50 if day.weekday() < 5 else 30 for day in ALL}
    rows[MONDAY - timedelta(days=1)] = 12
    rhythm = rhythm_of(rows, MONDAY)
    assert (rhythm.newest_rows, rhythm.expected_rows) == (12, 30)


@pytest.mark.parametrize("weekend", [0, 8, 148])
def test_a_stray_row_is_no_delivery(weekend: int) -> None:
    usual = {day: count for day in ALL if (count := 148 if day.weekday() < 5 else weekend)}
    stopped = {day: count for day, count in usual.items() if day < MONDAY - timedelta(days=9)}
    stray = stopped | {MONDAY - timedelta(days=3): 1}
    rhythm = rhythm_of(stray, MONDAY)
    expected = rhythm_of(stopped, MONDAY)
    assert expected.is_late(MONDAY)
    assert rhythm == replace(expected, rows_since=expected.rows_since + 1)
    assert not rhythm_of(usual, MONDAY).is_late(MONDAY)


def test_a_weekend_with_its_usual_rows_is_a_delivery() -> None:
    rows = {day: 1300 if day.weekday() < 5 else 90 for day in ALL}
    assert rhythm_of(rows, MONDAY) == FeedRhythm(ALL[0], 1, 90, 90)


def test_a_feed_may_catch_up_on_a_sunday() -> None:
    rows = {day: 60 if day.weekday() < 5 else 2 for day in ALL if not 2 <= (MONDAY - day).days <= 9}
    assert rhythm_of(rows | {ALL[0]: 300}, MONDAY).newest_on == ALL[0]
    assert rhythm_of(rows, MONDAY).is_late(MONDAY)


@pytest.mark.parametrize("stray", [{}, {MONDAY - timedelta(days=8): 1}])
def test_a_delay_does_not_raise_its_own_limit(stray: dict[date, int]) -> None:
    rows = {day: 148 for day in ALL if day < MONDAY - timedelta(days=16)} | stray
    rhythm = rhythm_of(rows, MONDAY)
    assert (rhythm.newest_on, rhythm.late_after_days) == (MONDAY - timedelta(days=17), 1)
    assert rhythm.is_late(MONDAY)


def test_a_small_feed_delivers_with_every_row() -> None:
    rows = dict.fromkeys(ALL[2:], 15) | {ALL[0]: 1}
    assert rhythm_of(rows, MONDAY) == FeedRhythm(ALL[0], 1, 1, 15)


@pytest.mark.parametrize(("workday", "weekend"), [(200, 18), (1300, 90), (148, 3)])
def test_weekends_with_about_a_tenth_of_the_rows_are_not_late(workday: int, weekend: int) -> None:
    rows = {day: workday if day.weekday() < 5 else weekend + weekend // 4 * (day.toordinal() % 2) for day in ALL}
    nights = [MONDAY - timedelta(days=days) for days in range(90)]
    assert not any(rhythm_of({day: rows[day] for day in ALL if day < it}, it).is_late(it) for it in nights)


def test_a_table_that_does_not_say_when_its_rows_arrived_has_a_day_more() -> None:
    yesterday_missing = delivered(range(7), MONDAY - timedelta(days=1))
    assert is_late(rhythm_of(yesterday_missing, MONDAY), 2)
    assert not is_late(rhythm_of(yesterday_missing, MONDAY, lag=1), 2)
    assert is_late(rhythm_of(yesterday_missing, MONDAY, lag=1), 3)


def test_no_feed_of_the_samples_is_late_although_usage_arrives_a_day_after_it_happened(
    root: Path, tmp_path: Path
) -> None:
    history = validate_rows(open_source(str(root / "data_samples")), tmp_path).history
    reports = [feed for week in range(6) for feed in feed_reports(history, date(2026, 7, 1) - timedelta(days=8 * week))]
    assert [feed.table for feed in reports if feed.late] == []
    usage = next(feed for feed in reports if feed.table == "usage_daily")
    assert (usage.age_days, usage.late_after_days) == (2, 1)
