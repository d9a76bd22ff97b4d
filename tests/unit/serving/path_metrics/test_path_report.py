"""The figures of a few timelines, computed by hand: open cases, working time, undone and missed deadlines, versions."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from serving.path_metrics.case_timelines import CaseTimeline, Stopwatch
from serving.path_metrics.censored_times import Estimate
from serving.path_metrics.path_report import MIN_CASES, GroupFigures, PathReport, measure_paths
from serving.path_metrics.path_text import (
    difference_text,
    group_cells,
    hours_text,
    share_difference_text,
    share_text,
    time_text,
)
from serving.paths.calendars import WorkingCalendar

MONDAY = datetime.fromisoformat("2026-06-01T08:00")
NOW = MONDAY + timedelta(hours=100)
OFFICE = WorkingCalendar.checked("UTC", ["mon-fri 09:00-17:00"])


def hours(count: float) -> datetime:
    return MONDAY + timedelta(hours=count)


def case(number: int, **changes: object) -> CaseTimeline:
    """A case of the squad care that was opened on Monday at 8 and that nobody touched."""
    blank = CaseTimeline(
        case_id=f"c{number:03d}",
        unit=f"u{number:03d}",
        squad="care",
        skill="retention",
        severity="high",
        policy_version="v1",
        opened_at=MONDAY,
        accepted_at=None,
        contacted_at=None,
        closed_at=None,
        outcome=None,
        respond_within="24 hours",
        resolve_within="72 hours",
        respond_breached=False,
        resolve_breached=False,
        returns=0,
        hand_overs=0,
        escalations=0,
    )
    return replace(blank, **changes)  # type: ignore[arg-type]


def whole(*cases: CaseTimeline, **more: object) -> GroupFigures:
    return measure_paths(cases, more.get("calendars", {}), NOW).groups[0]  # type: ignore[arg-type]


def test_times_of_open_and_closed_cases_by_hand() -> None:
    figures = whole(
        case(1, accepted_at=hours(1), contacted_at=hours(2), closed_at=hours(50), outcome="saved"),
        case(2, accepted_at=hours(3), contacted_at=hours(6)),
        case(3, accepted_at=hours(5)),  # seen for 100 hours without contact
        case(4, closed_at=hours(4), outcome="expired"),  # seen for 4 hours without contact, then closed
    )
    assert figures.times["accept"].median.value == 3  # 3/4 after 1, 2/4 after 3
    assert figures.times["contact"].median.value == 6  # 3/4 after 2, censored at 4, 3/8 after 6
    assert figures.times["resolve"].median.value == 50  # 3/4 after 4, 2/4 after 50
    assert {name: time.reached for name, time in figures.times.items()} == {"accept": 3, "contact": 2, "resolve": 2}
    assert not figures.working_time


def test_shares_count_what_is_known() -> None:
    figures = whole(
        case(1, contacted_at=hours(30), respond_breached=True, closed_at=hours(50), outcome="saved", returns=2),
        case(2, contacted_at=hours(2), closed_at=hours(90), outcome="lost", resolve_breached=True),
        case(3, closed_at=hours(9), outcome="false_alarm"),
        case(4, opened_at=hours(90)),  # its deadlines are not over: it is neither kept nor missed
        case(5, opened_at=hours(90), contacted_at=hours(91)),  # nor is this one: it would count only when kept
    )
    counted = {name: (share.hits, share.cases) for name, share in figures.shares.items()}
    assert counted == {
        "response_breached": (1, 3),
        "resolution_breached": (1, 3),
        "returned": (1, 5),
        "saved": (1, 2),
    }


def test_working_time_is_measured_where_every_squad_has_a_calendar() -> None:
    """Opened on Monday at 8: the office opens at 9. Tuesday at 10 is 26 hours later, and 8 + 1 working hours."""
    cases = (case(1, contacted_at=hours(26)), case(2, squad="night", contacted_at=hours(26)))
    report = measure_paths(cases, {"care": OFFICE}, NOW)
    by_name = {(group.dimension, group.name): group for group in report.groups}
    assert by_name["squad", "care"].working_time
    assert by_name["squad", "care"].times["contact"].median.value == pytest.approx(9)
    assert by_name["squad", "night"].times["contact"].median.value == pytest.approx(26)
    mixed = by_name["all", "all"]
    assert not mixed.working_time  # 9 working hours and 26 hours cannot be compared
    assert mixed.times["contact"].median.value == pytest.approx(26)


def test_the_stopwatch_agrees_with_the_calendar() -> None:
    late = WorkingCalendar.checked("Europe/Berlin", ["mon-thu 09:00-12:30 13:30-17:30", "sat 10:00-14:00"], "DE-BE")
    ends = [hours(number * 7.3) for number in range(13)]
    cases = [case(n, contacted_at=end, opened_at=hours(n)) for n, end in enumerate(ends)]
    found = Stopwatch(cases, {"care": late}, NOW)
    measured = found.times(cases, "contact", units=_numbers(len(cases)), working=True).hours
    for row, value in zip(cases, measured, strict=True):
        expected = late.elapsed(row.opened_at, row.contacted_at or NOW).total_seconds() / 3600
        assert value == pytest.approx(expected, abs=1e-6)


def _numbers(count: int) -> object:
    import numpy as np

    return np.arange(count)


def test_every_squad_skill_severity_and_version_is_a_group() -> None:
    report = measure_paths(
        [case(1), case(2, skill=None, severity="normal"), case(3, squad="tech", policy_version=None)], {}, NOW
    )
    names = [(group.dimension, group.name) for group in report.groups]
    assert names == [
        ("all", "all"),
        ("squad", "care"),
        ("squad", "tech"),
        ("skill", "retention"),
        ("skill", "unknown"),
        ("severity", "high"),
        ("severity", "normal"),
        ("policy_version", "v1"),
        ("policy_version", "unknown"),
    ]


def faster(report_cases: int = 40) -> PathReport:
    """Version b, which opened its cases a day later, reached customers after 4 hours instead of 10."""
    first = [case(n, policy_version="b" if n % 2 else "a") for n in range(report_cases)]
    cases = [
        replace(row, opened_at=hours(24), contacted_at=hours(28), accepted_at=hours(25))
        if row.policy_version == "b"
        else replace(row, contacted_at=hours(10), accepted_at=hours(1), respond_breached=number % 4 == 0)
        for number, row in enumerate(first)
    ]
    return measure_paths(cases, {}, NOW)


def test_a_version_is_compared_with_the_one_before_it() -> None:
    (pair,) = faster().comparisons
    assert (pair.before.name, pair.after.name, pair.enough) == ("a", "b", True)
    assert pair.times["contact"] == (-6, -6, -6)
    assert pair.times["accept"].value == 0
    assert pair.shares["response_breached"].value == pytest.approx(-0.5)
    assert pair.shares["response_breached"].high < -0.2
    assert faster(2 * MIN_CASES - 2).comparisons[0].enough is False


def test_the_json_has_null_for_what_cannot_be_estimated() -> None:
    content = measure_paths([case(1), case(2)], {}, NOW).to_json()
    assert content["groups"][0]["times"]["contact"] == {
        "cases": 2,
        "reached": 0,
        "median": None,
        "low": None,
        "high": None,
        "not_reached": True,
    }
    assert content["groups"][0]["shares"]["saved"]["share"] is None
    assert measure_paths([], {}, NOW).to_json()["groups"] == []


def test_the_texts_of_figures() -> None:
    nan, inf = float("nan"), float("inf")
    assert [hours_text(value) for value in (0.5, 5.25, 8, 31.4, inf, nan)] == [
        "30 min",
        "5.2 h",
        "8 h",
        "31 h",
        "not reached",
        "–",
    ]
    assert time_text(Estimate(6, 4, inf)) == "6 h (at least 4 h)"
    assert time_text(Estimate(inf, 357, inf)) == "not reached (at least 357 h)"
    assert time_text(Estimate(inf, inf, inf)) == "not reached"
    assert time_text(Estimate(6, 0.5, 9)) == "6 h (30 min to 9 h)"
    assert time_text(Estimate(6, 4, 9)) == "6 h (4 to 9 h)"
    assert share_text(Estimate(0.43, 0.31, 0.56)) == "43% (31% to 56%)"
    assert difference_text(Estimate(-3, -5, 1)) == "−3 h (−5 to +1 h)"
    assert difference_text(Estimate(-inf, -inf, 1)) == "not reached"
    assert share_difference_text(Estimate(-0.04, -0.09, 0.02)) == "−4 points (−9 to +2)"


def test_too_few_cases_are_a_dash() -> None:
    report = faster(MIN_CASES)
    assert group_cells(report.groups[0])[2] != "–"
    assert group_cells(report.of("policy_version")[0])[1:] == ["–"] * 7
