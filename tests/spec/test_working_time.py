"""An SLA of four hours that begins on Saturday night: by the clock it ends on Saturday, in working time on Monday."""

from datetime import datetime

import pytest
from support.nights.policy_factory import POLICY

from features.errors import UsageError
from serving.policy.decision.decide import Policy
from serving.policy.definition.escalation_matrix import escalation_steps, step_text
from serving.policy.definition.explanation import explain

CALENDAR = """
[calendars.berlin]
timezone = "Europe/Berlin"
hours = ["mon-fri 09:00-17:00"]
holidays = "DE-BE"
closed = [2026-06-09]
"""
WORKING = (
    POLICY.replace("respond_hours = 4\nresolve_hours = 48", 'respond_hours = "4 working hours"\nresolve_hours = 48')
    .replace("escalate_after_hours = [4, 8]", 'escalate_after_hours = ["4 working hours", "12 working hours"]')
    .replace("capacity = 2", 'capacity = 2\ncalendar = "berlin"')
)
SATURDAY = datetime.fromisoformat("2026-06-06T00:30")
"""02:30 in Berlin."""


def steps_at(text: str) -> list[tuple[str, str]]:
    steps = escalation_steps(Policy.parse(text).rules, "care", "high", SATURDAY)
    return [(f"{step.at:%a %H:%M}", step_text(step).split(";")[0]) for step in steps]


def test_by_the_clock_the_night_counts() -> None:
    assert steps_at(POLICY)[1] == ("Sat 04:30", "escalated to ben")


def test_working_hours_wait_for_monday_and_skip_a_closed_day() -> None:
    assert steps_at(WORKING + CALENDAR) == [
        ("Sat 00:30", "ana is responsible"),
        ("Mon 00:30", "the case is due to be closed"),
        ("Mon 11:00", "escalated to ben"),
        ("Mon 11:00", "the response is overdue"),
        ("Wed 11:00", "escalated to cleo"),
    ]


def test_the_explanation_is_in_the_time_of_the_squad() -> None:
    text = explain(Policy.parse(WORKING + CALENDAR))
    assert "high (probability: 80% or more): response in 4 working hours, resolution in 48 hours" in text
    assert "care, high (Europe/Berlin): Fri 07:00 ana is responsible" in text
    assert "Fri 13:00 escalated to ben" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (WORKING, "there is no calendar 'berlin'"),
        (WORKING.replace('calendar = "berlin"\n', "") + CALENDAR, "has no calendar: add .calendars.NAME."),
        (WORKING + CALENDAR.replace("Berlin", "Berln"), "did you mean 'Europe/Berlin'"),
        (WORKING + CALENDAR.replace('"mon-fri 09:00-17:00"', ""), "A calendar needs working hours"),
        (WORKING + CALENDAR.replace("DE-BE", "DE-XY"), "DE has no region 'XY'"),
        (WORKING + CALENDAR.replace("closed", "clsed"), "did you mean 'closed'"),
        (WORKING.replace("4 working hours", "4 workin hours") + CALENDAR, "did you mean 'working hours'"),
        (WORKING.replace('["4 working hours", ', "[1, ") + CALENDAR, "have to be in the same unit"),
        (POLICY.replace("respond_hours = 4", "respond_hours = true"), "has to be a number of hours, or a text"),
        (POLICY.replace("respond_hours = 4", "respond_hours = 0"), "above 0"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_line(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        Policy.parse(text, source="p.toml")
    assert "p.toml, line " in str(caught.value)


def test_numbers_of_hours_have_the_version_that_they_had() -> None:
    """A policy that says the same has the same version."""
    texts = POLICY.replace("respond_hours = 4\n", 'respond_hours = "4 hours"\n')
    assert Policy.parse(texts).version == Policy.parse(POLICY).version
