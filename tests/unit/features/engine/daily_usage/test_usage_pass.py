"""The pass over usage counts what comes late in a scan, and what is too large for the sums that it begins with."""

from datetime import date

import pytest
from support.worlds.factories import Story

from features.catalogue import FEATURES
from features.engine.daily_usage import usage_pass
from features.frame import build

CUTOFFS = [date(2026, 3, 1), date(2026, 2, 22)]


def counted(story: Story, *names: str) -> list[tuple[float, ...]]:
    """The features of each account at the later cutoff, then at the earlier."""
    frame = build(story.history(), CUTOFFS, features=[feature for feature in FEATURES if feature.name in names])
    rows = sorted(frame.to_pylist(), key=lambda row: (-row["as_of"].toordinal(), row["account_id"]))
    return [tuple(row[name] for name in names) for row in rows]


def test_a_feature_that_the_first_rows_do_not_show_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_pass, "SAMPLE_ROWS", 1)
    story = Story().account("acme").account("bolt")
    story.usage("acme", "2026-02-01", days=20, feature="core").usage("acme", "2026-02-25", feature="reports", events=3)
    story.usage("bolt", "2026-02-20", feature="api")
    rows = counted(story, "usage_features_28d", "usage_events_28d")
    assert rows == [(2.0, 203.0), (1.0, 10.0), (1.0, 200.0), (1.0, 10.0)]


def test_use_of_no_feature_is_not_counted() -> None:
    story = Story().account("acme").usage("acme", "2026-02-01", days=20, feature="core")
    whole = counted(story, "usage_features_28d", "usage_events_28d")
    story.row("usage_daily", **{**story.rows["usage_daily"][-1], "feature": None, "user_id": "bea"})
    assert counted(story, "usage_features_28d", "usage_events_28d") == whole


def test_sums_of_events_may_be_larger_than_four_bytes_hold() -> None:
    story = Story().account("acme").account("bolt")
    story.usage("acme", "2026-02-02", days=26, events=2**31 - 1).usage("bolt", "2026-02-20", events=5)
    rows = counted(story, "usage_events_28d", "usage_events_7d")
    large = 2.0**31 - 1
    expected = [(26 * large, 6 * large), (5.0, 0.0), (20 * large, 7 * large), (5.0, 5.0)]
    for row, values in zip(rows, expected, strict=True):
        assert row == pytest.approx(values, rel=1e-12)
