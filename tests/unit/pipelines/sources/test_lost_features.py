"""A column that a source lacks costs what ``rescue check`` names, and nothing else."""

from datetime import date

from support.worlds.factories import Story

from features.catalogue import FEATURES
from features.frame import build
from pipelines.sources.lost_features import find_missing_columns


def test_features_without_their_column_are_named() -> None:
    history = Story().account("acme").ticket("acme", "2026-02-01").event("solved", "2026-02-02").history()
    missing = {(place.table, place.column): place.features for place in find_missing_columns(history, FEATURES)}
    assert missing["tickets", "channel"] == ("ticket_channels_90d",)
    assert "tickets_open_urgent" in missing["tickets", "priority"]
    assert missing["tickets", "merged_into"] == ()
    assert ("subscriptions", "seats") not in missing  # a table that is not there is reported as a whole


def test_every_other_feature_is_computed() -> None:
    story = Story().account("acme").health("acme", "2026-02-01", 90.0).health("acme", "2026-02-20", 35.0)
    history = story.history()
    lost = {name for place in find_missing_columns(history, FEATURES) for name in place.features}
    row = build(history, [date(2026, 2, 21)]).to_pylist()[0]
    health = [feature.name for feature in FEATURES if feature.sources == ("health_scores",)]
    assert not lost & set(health)
    assert row["health_score"] == row["health_score_unaided"] == 35.0
    assert row["health_spread_of_sources"] == 0.0


def test_what_is_assumed_instead_is_said() -> None:
    history = Story().account("acme").health("acme", "2026-02-01", 90.0).history()
    assumed = {(place.table, place.column): place.assumed for place in find_missing_columns(history, FEATURES)}
    assert assumed["health_scores", "source"].startswith("all scores have one source")
