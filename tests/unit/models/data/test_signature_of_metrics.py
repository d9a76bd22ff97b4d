"""A model names the metrics that it was trained with, and keeps their declarations in its file."""

import json
from datetime import date, timedelta

import pytest
from support.worlds.factories import Story

from features.catalogue import FEATURES, Metric, metric_features
from features.frame import build
from models.data.signature import InputColumn, Signature, SignatureError
from models.learners.training_set import directions

NPS = Metric("nps", "NPS", "points", "good", "NPS")
TICKETS = next(feature for feature in FEATURES if feature.name == "tickets_opened_28d")
CUTOFFS = [date(2026, 3, 1) + timedelta(weeks=week) for week in range(4)]


@pytest.fixture(scope="module")
def story() -> Story:
    told = Story().accounts("acme", "beta")
    for week in range(12):
        told.metric("acme", f"{date(2026, 1, 2) + timedelta(weeks=week)}", "NPS", 50.0 - week * week)
        told.ticket("beta", f"{date(2026, 1, 2) + timedelta(weeks=week)}")
    return told


def test_a_signature_keeps_the_declaration_and_reads_it_back(story: Story) -> None:
    frame = build(story.history(), CUTOFFS, features=[TICKETS, *metric_features(NPS)])
    signature = Signature.learn(frame, frame.column_names[2:])
    assert Signature.from_json(json.loads(json.dumps(signature.to_json()))) == signature
    declared = {column.name: bool(column.declaration) for column in signature.columns}
    assert declared["metric_nps_last"] and not declared["tickets_opened_28d"]
    assert directions(frame, signature)[0][signature.names.index("metric_nps_last")] == -1


def test_a_frame_without_the_metric_is_refused_with_the_section_to_add(story: Story) -> None:
    frame = build(story.history(), CUTOFFS, features=[TICKETS, *metric_features(NPS)])
    signature = Signature.learn(frame, frame.column_names[2:])
    undeclared = build(story.history(), CUTOFFS, features=[TICKETS])
    with pytest.raises(SignatureError, match=r"do not declare: add \[metrics\.nps\] to the settings"):
        signature.matrix(undeclared)


def test_a_declared_metric_without_rows_is_missing_and_not_an_error(story: Story) -> None:
    frame = build(story.history(), CUTOFFS, features=[TICKETS, *metric_features(NPS)])
    signature = Signature.learn(frame, frame.column_names[2:])
    empty = build(
        Story().accounts("acme", "beta").ticket("acme", "2026-02-20").history(),
        CUTOFFS[:1],
        features=[TICKETS, *metric_features(NPS)],
    )
    place = signature.names.index("metric_nps_last")
    assert set(map(str, signature.matrix(empty)[:, place].tolist())) == {"nan"}


def test_a_signature_of_an_earlier_version_has_no_declarations() -> None:
    stored = [{"name": "usage_events_7d", "type": "double", "nullable": True, "levels": []}]
    assert Signature.from_json(stored).columns == (InputColumn("usage_events_7d", "double", nullable=True),)
