"""Use in working weeks: what does not change must not look as if it did, whatever the weekday of the cutoff."""

from datetime import date, timedelta

import pytest
from support.worlds.factories import Story

from features.definitions.usage import USAGE_FEATURES
from features.frame import build

TREND = [feature for feature in USAGE_FEATURES if feature.name == "usage_trend_28d"]
MONDAY = date(2026, 3, 2)


def trends(events_by_week: list[int]) -> list[float]:
    """The trend at seven cutoffs, a Monday and the days after it, of use from Mondays to Fridays."""
    story = Story().account("acme")
    for week, events in enumerate(events_by_week):
        story.usage("acme", (MONDAY - timedelta(weeks=5 - week)).isoformat(), days=5, events=events)
    frame = build(story.history(), [MONDAY + timedelta(days=day) for day in range(7)], features=TREND)
    return [float(value) for value in frame.column("usage_trend_28d").to_pylist()]


def test_constant_use_on_working_days_has_no_trend_on_any_weekday() -> None:
    assert trends([50] * 6) == pytest.approx([0] * 7)


def test_the_trend_is_the_line_through_four_weeks_as_a_share_of_their_mean() -> None:
    assert trends([50, 40, 30, 20, 10, 0])[0] == pytest.approx(-10 / 25)
