"""The catalogue: every entry is whole, and adding one needs no other edit."""

from datetime import date

import numpy as np
import pytest
from support.worlds.factories import Story
from support.worlds.trained_factory import made_events, made_frame, made_model

from features import catalogue
from features.catalogue import FEATURES, GROUPS, check_features
from features.contract import TABLES
from features.definitions.feature import Feature
from features.definitions.support import OPENED
from features.definitions.usage import USAGE
from features.errors import UsageError
from features.frame import build
from models.explain import reasons
from pipelines.reference import feature_reference

BY_PHONE = Feature(
    "tickets_by_phone_28d",
    OPENED.count(28, "channel = 'phone'"),
    "tickets by phone in four weeks",
    "tickets",
    "{tickets_by_phone_28d:n ticket} by phone in the last four weeks",
    1,
    group="support",
)


def test_there_are_enough_features_in_every_group() -> None:
    assert len(FEATURES) >= 80
    assert {feature.group for feature in FEATURES} == set(GROUPS) - {"metrics"}


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_an_entry_is_whole(feature: Feature) -> None:
    assert feature.meaning and feature.unit and feature.sentence
    assert set(feature.sources) <= set(TABLES)
    assert feature.name in feature.sentence_fields


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_a_sentence_reads_without_holes(feature: Feature) -> None:
    for value in (0.0, 1.0, 2.5, 1204.0, -0.4):
        row = {other.name: value if other.kind == "number" else "mid" for other in FEATURES}
        told = feature.describe(row, date(2026, 2, 14))
        assert told.lstrip("-")[0].isupper() or told.lstrip("-")[0].isdigit()
        assert not set("{}[]|") & set(told)
    assert "not known" in feature.describe({}, date(2026, 2, 14))


def test_a_sentence_dates_its_fact() -> None:
    change = {feature.name: feature for feature in FEATURES}["usage_events_change_28d"]
    row: dict[str, object] = {"usage_events_change_28d": -0.43, "usage_recency_days": 2.0}
    fell, as_of = "Use fell 43% against the four weeks before", date(2026, 2, 14)
    assert change.describe(row, as_of) == f"{fell}; last used on 12 Feb"
    assert change.describe(row | {"usage_recency_days": None}, as_of) == fell


def test_one_entry_is_seen_in_frame_and_docs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_reference, "FEATURES", (*FEATURES, BY_PHONE))
    story = (
        Story()
        .account("acme")
        .ticket("acme", "2026-02-03", channel="phone")
        .ticket("acme", "2026-02-04", channel="mail")
    )
    frame = build(story.history(), [date(2026, 2, 10)], features=(*FEATURES, BY_PHONE))
    assert frame.column("tickets_by_phone_28d").to_pylist() == [1.0]
    assert "`tickets_by_phone_28d`" in feature_reference.render_features()


def test_the_same_entry_is_seen_in_the_model_and_its_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalogue._BY_NAME, BY_PHONE.name, BY_PHONE)
    weights = {BY_PHONE.name: 2.0, "usage_events_7d": 0.0}
    frame = made_frame(weights)
    model = made_model(frame, made_events(frame, weights))
    riskiest = int(np.argmax(frame.column(BY_PHONE.name).to_numpy()))
    (found,) = reasons.explain(model, frame.slice(riskiest, 1))
    assert BY_PHONE.name in model.features
    assert (found[0].group, found[0].feature) == ("support", BY_PHONE.name)
    assert "by phone in the last four weeks" in found[0].sentence


def test_an_unknown_optional_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'text'"):
        catalogue.select_features(("texts",))


def test_the_version_says_what_the_columns_mean() -> None:
    assert len(catalogue.CATALOGUE_VERSION) == 12


def test_counts_of_distinct_things_are_never_summed() -> None:
    with pytest.raises(UsageError, match="cannot be summed: use distinct"):
        USAGE.total("users", 28)


def test_a_catalogue_that_does_not_hold_together_is_refused() -> None:
    with pytest.raises(UsageError, match="two features are named"):
        check_features((BY_PHONE, BY_PHONE))
    with pytest.raises(UsageError, match="is no feature"):
        check_features((Feature("a", OPENED.count(), "a", "n", "{b:num}"),))
    with pytest.raises(UsageError, match="no group 'wrong'"):
        Feature("a", OPENED.count(), "a", "n", "{a:num}", group="wrong")
    with pytest.raises(UsageError, match="direction must be"):
        Feature("a", OPENED.count(), "a", "n", "{a:num}", monotone=True)
