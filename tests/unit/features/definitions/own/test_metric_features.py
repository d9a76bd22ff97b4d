"""The features of declared metrics: their values by hand, point in time, and their sentences."""

from datetime import date

import pytest
from support.worlds.factories import Story

from features.catalogue import (
    FEATURES,
    Metric,
    declaration_of,
    features_of,
    find_feature,
    group_of_column,
    metric_features,
    select_features,
)
from features.errors import UsageError
from features.frame import build

NPS = Metric("nps", "NPS", "points", "good", "NPS")
BACKLOG = Metric("backlog", "Open work", "%", "bad", "what's open")
CUTOFF = date(2026, 3, 1)


def features(story: Story, cutoff: date = CUTOFF, metric: Metric = NPS) -> dict[str, object]:
    (row,) = build(story.history(), [cutoff], features=metric_features(metric)).to_pylist()
    return {name.removeprefix(f"metric_{metric.key}_"): row[name] for name in row if name.startswith("metric_")}


def nps(story: Story, *values: tuple[str, float], **columns: object) -> Story:
    for measured_at, value in values:
        story.metric("acme", measured_at, "NPS", value, **columns)
    return story


def test_value_change_trend_and_age_are_as_defined() -> None:
    told = nps(Story().account("acme"), ("2025-12-31", 60), ("2026-01-30", 50), ("2026-02-09", 40), ("2026-02-19", 30))
    assert features(told) == {
        "last": 30.0,
        "change_28d": 30.0 - 50.0,  # on 1 Feb the latest value was that of 30 Jan
        "trend_90d": pytest.approx(-800 / 1400 * 30),  # days 0, 30, 40, 50 around 30; values around 45
        "age_days": 10.0,
    }


def test_a_trend_needs_two_days_and_a_change_an_earlier_value() -> None:
    told = nps(Story().account("acme"), ("2026-02-19 08:00", 30), ("2026-02-19 09:00", 31))
    assert features(told) == {"last": 31.0, "change_28d": None, "trend_90d": None, "age_days": 10.0}


def test_a_value_known_late_is_not_seen_before() -> None:
    told = nps(Story().account("acme"), ("2026-02-01", 50), known_at="2026-02-01")
    nps(told, ("2026-02-10", 10), known_at="2026-03-02")
    assert features(told)["last"] == 50.0
    assert features(told, date(2026, 3, 3))["last"] == 10.0


def test_a_correction_replaces_its_value_from_when_it_was_known() -> None:
    told = nps(Story().account("acme"), ("2026-02-01", 50), known_at="2026-02-01", source="survey")
    nps(told, ("2026-02-01", 5), known_at="2026-02-20", source="survey")
    assert features(told, date(2026, 2, 10))["last"] == 50.0
    assert features(told)["last"] == 5.0


def test_two_sources_at_one_instant_are_two_values_of_which_the_last_by_name_is_the_latest() -> None:
    told = nps(Story().account("acme"), ("2026-02-01", 50), source="crm")
    nps(told, ("2026-02-01", 70), source="survey")
    assert features(told)["last"] == 70.0


def test_another_metric_and_an_undeclared_one_are_not_mixed_in() -> None:
    told = nps(Story().account("acme"), ("2026-02-01", 50))
    told.metric("acme", "2026-02-20", "nps", -1).metric("acme", "2026-02-21", "what's open", 12.5)
    assert features(told)["last"] == 50.0
    assert features(told, metric=BACKLOG)["last"] == 12.5


def test_without_the_table_everything_is_unknown() -> None:
    assert set(features(Story().account("acme")).values()) == {None}


def test_direction_follows_the_declaration_and_age_has_none() -> None:
    assert [feature.direction for feature in metric_features(NPS)] == [-1, -1, -1, 0]
    assert [feature.direction for feature in metric_features(BACKLOG)] == [1, 1, 1, 0]
    assert {feature.group for feature in metric_features(NPS)} == {"metrics"}


def test_its_sentences_use_title_and_unit() -> None:
    row = {"metric_backlog_last": 12.5, "metric_backlog_change_28d": -3.0, "metric_backlog_trend_90d": 0.04}
    row |= {"metric_backlog_age_days": 3.0}
    assert [feature.describe(row, CUTOFF) for feature in metric_features(BACKLOG)] == [
        "Open work: 12.5%, measured on 26 Feb",
        "Open work fell by 3% in four weeks, to 12.5%",
        "Over 90 days Open work rose by 0.04% a month",
        "Open work last measured on 26 Feb",
    ]
    assert metric_features(NPS)[0].describe({}, CUTOFF) == "Latest value of NPS: not known"
    unchanged = {"metric_nps_change_28d": 0.0}
    assert metric_features(NPS)[1].describe(unchanged, CUTOFF) == "NPS did not change in four weeks"


def test_a_frame_carries_the_declaration_of_each_metric() -> None:
    told = nps(Story().account("acme"), ("2026-02-01", 50))
    frame = build(told.history(), [CUTOFF], features=select_features(metrics=(NPS, BACKLOG)))
    rebuilt = features_of(frame.filter([True]).schema)
    assert list(rebuilt.values()) == [*FEATURES, *metric_features(NPS), *metric_features(BACKLOG)]
    field = frame.schema.field("metric_backlog_last")
    assert find_feature("metric_backlog_last", declaration_of(field)) == metric_features(BACKLOG)[0]
    assert declaration_of(frame.schema.field("usage_events_7d")) == ""
    assert find_feature("metric_backlog_last") is None


def test_a_column_has_a_group_whether_or_not_its_declaration_is_known() -> None:
    assert group_of_column("metric_gone_last") == "metrics"
    assert group_of_column("usage_events_7d") == "usage"
    assert group_of_column("of_an_older_version") == "account"


def test_two_metrics_of_one_key_are_refused() -> None:
    with pytest.raises(UsageError, match="two features are named 'metric_nps_age_days'"):
        select_features(metrics=(NPS, NPS))
