"""Reports that the previous version wrote, in its file and in its database, load and can be printed."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from serving.night_report.decision_text import decision_lines
from serving.night_report.effect_text import effect_line
from serving.night_report.report_schema import NightReport
from serving.night_report.report_text import risk_line, warning_lines


@pytest.fixture(scope="module")
def earlier() -> dict[str, Any]:
    """A report of version 1 as it lay in ``nights/<date>/report.json``."""
    report: dict[str, Any] = json.loads((Path(__file__).parent / "report_version_1.json").read_text(encoding="utf-8"))
    return report


def test_every_number_is_carried_over(earlier: dict[str, Any]) -> None:
    report = NightReport.from_json(earlier)
    assert (report.as_of, report.run_id) == (date(2026, 7, 1), "f23c8709b21c")
    assert {table.name: table.rows for table in report.tables} == {
        name: counts["rows"] for name, counts in earlier["tables"].items()
    }
    assert {risk.name: (risk.scored, risk.eligible, risk.model_version) for risk in report.risks} == {
        "churn": (294, 295, "1"),
        "escalation": (305, 306, "1"),
    }
    decision = report.decision
    assert (decision.accounts, decision.flagged, decision.waiting, decision.held_out) == (400, 19, 1, 6)
    assert decision.suppressed == {"open_case": 3}
    assert decision.detected == {"churn": 23, "escalation": 7}
    assert decision.triggers["notice_given"] == 11
    assert report.seconds["validate"] == earlier["seconds"]["admit"]
    assert [row.horizon_days for row in report.realised_outcomes] == [97, 14]


def test_the_queue_keeps_its_cases_and_its_times_are_utc(earlier: dict[str, Any]) -> None:
    first = NightReport.from_json(earlier).queue[0]
    assert first.account_id == earlier["queue"][0]["account_id"]
    assert first.respond_by == datetime(2026, 11, 29, 18, 38, tzinfo=UTC)


def test_the_report_of_the_database_has_counts_in_place_of_the_queue(earlier: dict[str, Any]) -> None:
    recorded = earlier | {"queue": {**earlier["counts"], "opened": 18, "raised_again": 1, "expired": 2}}
    report = NightReport.from_json(recorded)
    assert report.queue == ()
    assert (report.cases.opened, report.cases.raised_again, report.cases.expired) == (18, 1, 2)


def test_it_can_be_printed(earlier: dict[str, Any]) -> None:
    report = NightReport.from_json(earlier)
    assert risk_line(report.risks[0]) == (
        "Churn: 294 accounts scored. Not scored: 94 without a running subscription; 11 with a cancellation that is "
        "already known; 1 no usable value of days to the next renewal."
    )
    assert warning_lines(report) == ["tickets delivered its last row 30 days ago."]
    assert len(list(decision_lines(report.decision, report.cases))) == 2
    assert "Not recorded" in effect_line(report.realised_outcomes[0].effect)


def test_once_converted_it_is_a_report_of_this_version(earlier: dict[str, Any]) -> None:
    report = NightReport.from_json(earlier)
    assert NightReport.from_json(report.to_json()) == report
