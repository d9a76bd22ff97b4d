"""Sources that measure at one instant are several rows, and a table without an event time has no clock of its own."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from support.worlds.factories import Story

from features.frame import build
from features.source_table import SourceTable
from features.validation.validate import Validation, validate_tables

CUTOFF = date(2026, 2, 10)


def validated(story: Story, folder: Path) -> Validation:
    tables = []
    for name, rows in story.tables().items():
        file = folder / f"{name}.parquet"
        pq.write_table(rows, file)
        tables.append(SourceTable(name, (str(file),)))
    return validate_tables(duckdb.connect(), tables, scratch=folder / "accepted", tolerance=1.0)


def features(validation: Validation, *, loop_guard: bool = False) -> dict[str, Any]:
    row: dict[str, Any] = build(validation.history, [CUTOFF], loop_guard=loop_guard).to_pylist()[0]
    return row


@pytest.mark.parametrize("versioned", [False, True], ids=["current state", "versions"])
def test_two_sources_at_one_instant_are_two_health_scores(tmp_path: Path, versioned: bool) -> None:
    known = {"known_at": "2026-02-02"} if versioned else {}
    story = Story().account("acme")
    story.health("acme", "2026-02-01", 80, source="crm", **known).health(
        "acme", "2026-02-01", 20, source="rescue", **known
    )
    story.health("acme", "2026-02-01", 60, **known)
    validation = validated(story, tmp_path)
    report = validation.report.tables["health_scores"]
    assert (report.accepted, report.duplicates, report.quarantined) == (3, 0, {})
    rows = validation.history.as_of(CUTOFF).rows("health_scores").to_pylist()
    assert [(row["source"], row["score"]) for row in rows] == [("crm", 80.0), ("rescue", 20.0), (None, 60.0)]
    assert features(validation)["health_measured_90d"] == 3.0
    assert features(validation)["health_score"] == 20.0  # the last source by name
    assert features(validation)["health_score_unaided"] == 80.0
    assert features(validation, loop_guard=True)["health_score"] == 80.0
    assert features(validation)["health_spread_of_sources"] == 60.0


def test_one_source_at_one_instant_is_one_score(tmp_path: Path) -> None:
    story = Story().account("acme").account("beta")
    story.health("acme", "2026-02-01", 80, source="crm").health("acme", "2026-02-01", 70, source="crm")
    story.health("beta", "2026-02-01", 80, source="crm").health("beta", "2026-02-01", 80, source="crm")
    report = validated(story, tmp_path).report.tables["health_scores"]
    assert (report.accepted, report.duplicates) == (1, 1)
    assert {rule.value: count for rule, count in report.quarantined.items()} == {"conflicting_rows": 2}


def test_a_correction_of_one_source_leaves_the_other(tmp_path: Path) -> None:
    story = Story().account("acme")
    story.health("acme", "2026-02-01", 80, source="crm", known_at="2026-02-01")
    story.health("acme", "2026-02-01", 50, source="survey", known_at="2026-02-01")
    story.health("acme", "2026-02-01", 40, source="survey", known_at="2026-02-05")
    rows = validated(story, tmp_path).history.as_of(CUTOFF).rows("health_scores").to_pylist()
    assert [(row["source"], row["score"]) for row in rows] == [("crm", 80.0), ("survey", 40.0)]


@pytest.mark.parametrize("known_at", [None, "2026-02-01"], ids=["current state", "versions"])
def test_contacts_and_links_are_read_as_of_a_cutoff(tmp_path: Path, known_at: str | None) -> None:
    known = {"known_at": known_at} if known_at else {}
    story = Story().account("acme").health("acme", "2026-02-08", 50)
    story.row("contacts", contact_id="c1", account_id="acme", role="sponsor", left_at="2026-02-20", **known)
    story.row("links", account_id="acme", system="crm", url="https://crm.example/acme", **known)
    story.row("links", account_id="none", system="crm", url="https://crm.example/none", **known)
    validation = validated(story, tmp_path)
    snapshot = validation.history.as_of(CUTOFF)
    (contact,) = snapshot.rows("contacts").to_pylist()
    assert contact["left_at"] == (datetime(2026, 2, 20) if known_at else None)  # noqa: DTZ001
    (link,) = snapshot.rows("links", accounts=["acme"]).to_pylist()
    assert link["url"] == "https://crm.example/acme"
    assert validation.report.tables["links"].quarantined
    assert validation.history.span.until == date(2026, 2, 9)
    assert "links" not in validation.report.missing and "metrics" not in validation.report.missing


def test_a_contact_that_is_known_later_is_not_read_before(tmp_path: Path) -> None:
    story = Story().account("acme")
    story.row("contacts", contact_id="c1", account_id="acme", name="Ada", known_at="2026-02-01")
    story.row("contacts", contact_id="c1", account_id="acme", name="Bo", known_at="2026-02-20")
    history = validated(story, tmp_path).history
    assert history.as_of(CUTOFF).rows("contacts").column("name").to_pylist() == ["Ada"]
    assert history.as_of(date(2026, 3, 1)).rows("contacts").column("name").to_pylist() == ["Bo"]
