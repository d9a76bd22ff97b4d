"""Counts of tickets of a kind: by what was known at the opening, unresolved at the cutoff; and the path of a launch."""

from datetime import date

import pyarrow as pa
import pytest
from support.nights.policy_factory import NIGHT, account_rows, policy
from support.worlds.factories import Story

from pipelines.night.ticket_counts import ticket_count_columns
from serving.policy.decision.decide import decide
from serving.policy.definition.policy_file import Policy
from serving.policy.state.queue_state import QueueState

URGENT = """
[issue_types.urgent]
when = "priority = 'high' AND category IN ('bug', 'outage')"
opened_within_days = 7
"""
LAUNCH = """
[launches.checkout]
start = 2026-03-01T08:00:00Z
terms = ["Checkout 2"]
skill = "support"
"""
TIMEOUTS = """
[issue_types.timeouts]
terms = ["timeout*"]
launch = "checkout"

[triggers.timeouts]
when = "issues_timeouts >= 1"
risk = "churn"
raises = "alone"
skill = "billing"
message = "Timeouts"
"""
MARCH = date(2026, 3, 10)


def counts(story: Story, by: Policy, *cutoffs: date) -> dict[str, list[float | None]]:
    days = cutoffs or (MARCH,)
    frame = pa.table({"account_id": ["A"] * len(days), "as_of": pa.array(days, pa.date32())})
    columns = ticket_count_columns(story.history(), frame, by.conditions.tickets)
    return {it.name: pa.chunked_array(columns[it.column]).to_pylist() for it in by.conditions.tickets}


def bug(opened_at: str = "2026-03-08", **given: object) -> Story:
    return Story().account("A").ticket("A", opened_at, **{"priority": "high", "category": "bug", **given})


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        (bug(), 1),
        (bug(priority="low"), 0),
        (bug(priority=None), 0),
        (bug("2026-03-01"), 0),  # opened more than seven days before
        (bug("2026-03-10"), 0),  # not before the cutoff
        (bug(known_at="2026-03-11"), 0),  # not known yet
        (bug().event("solved", "2026-03-09"), 0),
        (bug().event("solved", "2026-03-11"), 1),  # resolved after the cutoff
        (bug().event("solved", "2026-03-09").event("reopened", "2026-03-09 12:00"), 1),
        (bug().event("solved", "2026-03-09").event("comment", "2026-03-09 12:00", actor="customer"), 1),
        (bug().event("solved", "2026-03-09").event("comment", "2026-03-09 12:00", actor="agent"), 0),
        (bug().event("merged", "2026-03-09"), 0),
        (bug(merged_into="T9"), 0),
        (bug().ticket("A", "2026-03-07", priority="high", category="outage"), 2),
    ],
)
def test_unresolved_tickets_of_the_last_days_that_met_the_condition(story: Story, expected: int) -> None:
    assert counts(story, policy(URGENT))["issues_urgent"] == [expected]


def test_the_first_version_decides_and_a_later_change_of_priority_does_not() -> None:
    raised = bug(priority="low", known_at="2026-03-08")
    raised.ticket("A", "2026-03-08", "T1", priority="high", category="bug", known_at="2026-03-09")
    lowered = bug(known_at="2026-03-08")
    lowered.ticket("A", "2026-03-08", "T1", priority="low", category="bug", known_at="2026-03-09")
    assert counts(raised, policy(URGENT))["issues_urgent"] == [0]
    assert counts(lowered, policy(URGENT))["issues_urgent"] == [1]


def test_a_source_without_tickets_does_not_know_them() -> None:
    story = Story().account("A").health("A", "2026-03-01", 50)
    assert counts(story, policy(URGENT))["issues_urgent"] == [None]


def test_more_rows_after_a_cutoff_change_nothing_at_it() -> None:
    early = counts(bug(), policy(URGENT), MARCH)["issues_urgent"]
    later = bug().event("solved", "2026-03-10").ticket("A", "2026-03-12", priority="high", category="bug")
    assert counts(later, policy(URGENT), MARCH, date(2026, 3, 13))["issues_urgent"] == [*early, 1]


def about(text: str, at: str = "2026-03-01 09:00") -> Story:
    return Story().account("A").ticket("A", at, subject="Question", body=text)


@pytest.mark.parametrize(
    ("text", "at", "adopted", "cutoff", "broad"),
    [
        ("Checkout 2 is broken", "2026-03-01 09:00", False, date(2026, 3, 2), 1),
        ("checkout 2: timeouts", "2026-03-01 09:00", False, date(2026, 3, 2), 1),
        ("the old checkout", "2026-03-01 09:00", False, date(2026, 3, 2), 0),
        ("Checkout 2 is broken", "2026-03-01 07:00", False, date(2026, 3, 2), 0),  # before the start
        ("Checkout 2 is broken", "2026-03-01 09:00", False, date(2026, 3, 20), 1),  # nothing was adopted: it goes on
        ("checkout 2: timeouts", "2026-03-01 09:00", True, date(2026, 3, 2), 0),  # left to its own trigger
        ("Checkout 2 is broken", "2026-03-01 09:00", True, date(2026, 3, 3), 1),  # within 48 hours
        ("Checkout 2 is broken", "2026-03-01 09:00", True, date(2026, 3, 4), 0),  # the broad path has ended
    ],
)
def test_the_broad_path_of_a_launch_takes_everything_until_triggers_are_adopted(
    text: str, at: str, adopted: bool, cutoff: date, broad: int
) -> None:
    by = policy(LAUNCH + (TIMEOUTS if adopted else ""))
    assert counts(about(text, at), by, cutoff)["launch_checkout"] == [broad]


@pytest.mark.parametrize(
    ("text", "more", "squad", "trigger"),
    [
        ("Checkout 2: timeouts", "", "support", "launch_checkout"),
        ("Checkout 2: timeouts", TIMEOUTS, "finance", "timeouts"),
        ("Checkout 2 looks odd", TIMEOUTS, "support", "launch_checkout"),
        ("An old problem", TIMEOUTS, None, None),
    ],
)
def test_a_night_routes_by_the_broad_path_until_a_trigger_takes_over(
    text: str, more: str, squad: str | None, trigger: str | None
) -> None:
    finance = '[squads.finance]\nskills = ["billing"]\nmembers = ["eva"]\ncapacity = 2\n'
    by = policy(LAUNCH.replace("03-01T08", "02-27T08") + more + finance, skills='skills = ["retention"]')
    by = Policy.parse(_text_without_billing(by, more, finance))
    frame = pa.table({"account_id": ["A"], "as_of": pa.array([NIGHT], pa.date32())})
    columns = ticket_count_columns(about(text, "2026-02-28 10:00").history(), frame, by.conditions.tickets)
    rows = account_rows({"a": "A", "p": 0.1, "e": 0.1, "arr": 50_000.0}, **columns)
    decision = decide(rows, QueueState(), by, NIGHT)
    assert [(flag.squad, flag.triggers[:1]) for flag in decision.flags] == ([(squad, (trigger,))] if squad else [])


def _text_without_billing(_: Policy, more: str, finance: str) -> str:
    from support.nights.policy_factory import POLICY

    alone = POLICY.replace('skills = ["support", "billing"]', 'skills = ["support"]')
    return alone + LAUNCH.replace("03-01T08", "02-27T08") + more + finance
