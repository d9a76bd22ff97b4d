"""What an operator should look at, as sentences."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from pipelines.cli.commands.operations.retention import _counted
from pipelines.cli.commands.operations.status import _lines
from serving.operations.operation_state import OperationState, OutboxState, RecordedNightState, list_problems
from serving.store.migrations import HEAD
from serving.store.operations_tables import AttemptRow

DAY = date(2026, 7, 1)
NOW = datetime(2026, 7, 1, 4, 30)  # noqa: DTZ001 - naive UTC, as stored


def state(attempt: AttemptRow | None = None, dead: int = 0) -> OperationState:
    night = RecordedNightState(DAY, NOW, 12.0, {}, {}, {"churn": 9}, 1, {"tickets": 1}, (), {})
    outbox, breaches = OutboxState(0, dead, 0, None), {"respond": 1, "resolve": 1}
    return OperationState(NOW, night, attempt, {"new": 3}, breaches, outbox, HEAD)


@pytest.mark.parametrize(
    ("outcome", "step", "reason", "ended", "text"),
    [
        ("interrupted", "features", "1", NOW, "was interrupted in step features (1 Jul 2026, 04:30 UTC)."),
        ("failed", "score", "no model", NOW, "failed in step score (1 Jul 2026, 04:30 UTC): no model"),
        ("stopped", None, None, NOW, "was stopped (1 Jul 2026, 04:30 UTC)."),
        ("interrupted", None, None, None, "was interrupted (started 1 Jul 2026, 02:00 UTC)."),
    ],
)
def test_how_the_last_attempt_ended(
    outcome: str, step: str | None, reason: str | None, ended: datetime | None, text: str
) -> None:
    attempt = AttemptRow(
        id="a", as_of=DAY, started_at=NOW.replace(hour=2, minute=0), outcome=outcome, step=step, reason=reason,
        ended_at=ended,
    )  # fmt: skip
    assert list_problems(state(attempt), DAY) == [f"The last attempt {text}"]


def test_counts_agree_with_their_nouns() -> None:
    assert list_problems(state(dead=1), DAY)[0].startswith("1 message could not be delivered")
    assert list_problems(state(dead=2), DAY)[0].startswith("2 messages could not")
    lines = _lines(state(), [], 0, {})
    assert lines[0] == "Night:    1 Jul 2026, 12 s; scored: churn 9; flagged: 1 account"
    assert "Cases:    3 new; overdue: 2" in lines
    counted = [_counted(1, name) for name in ("accounts", "case_events", "outbox", "nights", "reports files")]
    assert counted == ["1 account", "1 case event", "1 message", "1 report of a night", "1 report file"]
    assert [_counted(2, name) for name in ("hand_overs", "quarantine files")] == ["2 hand overs", "2 quarantine files"]


def test_a_late_feed_is_named_with_its_newest_delivery() -> None:
    known = state()
    assert known.night is not None
    late = replace(known.night, late_feeds=("tickets",), deliveries={"tickets": date(2026, 6, 30)})
    now = replace(known, night=late)
    assert list_problems(now, DAY) == ["The feed tickets is late: its newest delivery is of 30 Jun 2026."]
    assert "Feeds:    age of the newest row: tickets 1 day (late)" in _lines(now, [], 0, {})


def test_ages_are_those_of_the_night_and_tables_without_a_rhythm_have_their_newest_day() -> None:
    known = state()
    assert known.night is not None
    newest = {"tickets": date(2026, 6, 30), "subscriptions": date(2026, 5, 4)}
    later = replace(known, at=NOW + timedelta(days=40), night=replace(known.night, newest=newest))
    lines = _lines(later, [], 0, {})
    assert "Feeds:    age of the newest row in the night of 1 Jul 2026: tickets 1 day" in lines
    assert any(line.startswith("Others:   newest row of subscriptions 4 May 2026; they have no reg") for line in lines)
