"""The sections about people: every mistake in one sentence with its line, and what they mean in words."""

import pytest
from support.nights.policy_factory import policy

from serving.paths.roster import parse_handover
from serving.policy.definition.explanation import explain
from serving.policy.definition.policy_file import Policy, PolicyError, default_text

TEAM = """
[people.success-1]
title = "Sam One"
timezone = "Europe/Madrid"
addresses = { mail = "sam@example.org" }
manager = "support-1"
max_open = 9
[people.success-2]
weight = 0.5
[people.success-3]
absences = "https://example.org/three.ics"
[people.support-1]
[people.support-2]
[people.support-3]
[people.strategic-1]
[people.strategic-2]
[roles]
"squad lead" = { success = "success-1", support = "support-1", strategic = "strategic-1" }
"head of customer success" = "success-1"
"support lead" = "support"
"product manager" = ["support-2", "support-3"]
"account executive" = "strategic-1"
"chief customer officer" = "strategic-2"
[squads.success.duty]
rotation = "weekly"
handover = "mon 09:00"
start = 2026-06-01
timezone = "Europe/Berlin"
[squads.support.duty]
rotation = "load"
[forms.technical]
skill = "technical"
[forms.technical.fields]
steps = { label = "Steps tried" }
code = { label = "Error code", required = false }
"""


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(PolicyError) as refused:
        Policy.parse(default_text() + text)
    return tuple(problem.split(": ", 1)[1] for problem in refused.value.problems)


def test_a_policy_with_people_is_accepted_without_hints() -> None:
    parsed = Policy.parse(default_text() + TEAM)
    assert parsed.hints == ()
    assert parsed.version != Policy.default().version
    roster = parsed.rules.roster
    assert (roster.person("success-1").shown, roster.address_of("success-1", "mail")) == ("Sam One", "sam@example.org")
    assert roster.role_targets("squad lead", "support") == ("support-1",)
    assert Policy.default().rules.roster.listed is False


def test_the_stored_rules_give_the_same_roster() -> None:
    rules = Policy.parse(default_text() + TEAM).rules
    assert type(rules).model_validate_json(rules.model_dump_json()).roster == rules.roster


def test_a_policy_without_the_new_sections_keeps_its_version() -> None:
    assert Policy.default().rules.content().keys().isdisjoint({"people", "roles", "forms"})
    assert "duty" not in Policy.default().rules.content()["squads"]["success"]


def test_people_duty_and_forms_are_explained() -> None:
    text = explain(Policy.parse(default_text() + TEAM))
    for sentence in (
        "Sam One (success-1): time zone Europe/Madrid, at most 9 open cases, reached by mail, manager support-1.",
        "success-2: 0.5 × the share of others.",
        "success-3: absences from a calendar.",
        "Without further details: support-1, support-2, support-3, strategic-1, strategic-2.",
        "On duty in success: success-1, success-2, success-3 take turns weekly, on Mon at 09:00 Europe/Berlin, the "
        "first from the shift of 1 Jun 2026.",
        "On duty in support: whoever of support-1, support-2, support-3 has the fewest open cases by weight.",
        "The squad lead is success-1 in success; support-1 in support; strategic-1 in strategic.",
        "technical, for hand-overs to squads with the skill technical: Steps tried required; optional: Error code.",
    ):
        assert sentence in text, sentence
    for word in ("People and duty", "Hand-off forms"):
        assert word not in explain(policy())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (TEAM.replace("[people.success-2]", "[people.succes-2]"), "there is no person 'success-2': did you mean"),
        (TEAM + "[people.Success-1]\n", "the person 'Success-1' is listed twice: the other is 'success-1'."),
        (TEAM + "[people.success-1]\n", "the person 'success-1' is defined twice."),
        (TEAM.replace('manager = "support-1"', 'manager = "support1"'), "there is no person 'support1': did you mean"),
        (
            TEAM.replace("[people.support-1]", '[people.support-1]\nmanager = "success-1"'),
            "the managers form a circle: success-1 → support-1 → success-1.",
        ),
        (TEAM.replace("Europe/Madrid", "Europe/Madird"), "There is no time zone 'Europe/Madird'; did you mean"),
        (TEAM.replace("weight = 0.5", 'calendar = "madrid"'), "there is no calendar 'madrid': there are none."),
        (TEAM.replace("weight = 0.5", "weight = 0"), "weight has to be a number, more than 0 and at most 100, not 0."),
        (TEAM.replace('"mon 09:00"', '"09:00"'), "handover = '09:00' has no weekday: write 'mon 09:00'."),
        (TEAM.replace('"mon 09:00"', '"noon"'), "handover = 'noon' cannot be read: write 'mon 09:00'."),
        (
            TEAM.replace('rotation = "load"', 'rotation = "load"\nhandover = "09:00"'),
            'rotation = "load" has no hand-over: remove handover.',
        ),
        (
            TEAM.replace('rotation = "load"', 'rotation = "load"\norder = []'),
            "the rota of the squad 'support' has nobody: list at least one.",
        ),
        (
            TEAM.replace('rotation = "load"', 'rotation = "load"\norder = ["support-4"]'),
            "there is no member of the squad 'support-4': did you mean",
        ),
        (TEAM.replace('"support lead" = "support"', '"support lead" = "suport"'), "there is no person 'suport': did"),
        (TEAM.replace('"support lead"', "primary"), "the role 'primary' is filled by the duty rota or the severity"),
        (
            TEAM.replace('skill = "technical"\n[forms', 'skill = "tecnical"\n[forms'),
            "no squad has the skill 'tecnical'",
        ),
        (
            TEAM + '[forms.second]\nskill = "technical"\nfields = {a = {label = "A"}}\n',
            "are for the same skill and tier",
        ),
        (TEAM + 'impact = { label = "I", kind = "choice" }\n', "the field 'I': choices are required for a choice"),
        (TEAM + 'day = { label = "D", kind = "date", prefill = "plan" }\n', "the date 'D' can only be filled from"),
        (TEAM + "[forms.empty]\nfields = {}\n", "forms.empty.fields must not be empty."),
        (TEAM.replace("max_open = 9", "maxopen = 9"), "people.success-1.maxopen is not a known key: did you mean"),
    ],
)
def test_a_mistake_is_one_sentence(text: str, sentence: str) -> None:
    found = problems(text)
    assert any(sentence in problem for problem in found), found


def test_every_mistake_of_a_calendar_is_reported_with_its_line() -> None:
    calendar = 'timezone = "Europe/Berln"\nhours = ["mo-fri 9-17", "tue 17:00-09:00"]\nholidays = "XY"\n'
    with pytest.raises(PolicyError) as refused:
        Policy.parse(default_text() + "[calendars.berlin]\n" + calendar)
    last = len(default_text().splitlines())
    assert [problem.split(":")[0] for problem in refused.value.problems] == [
        f"policy, line {last + 2}",
        f"policy, line {last + 3}",
        f"policy, line {last + 3}",
        f"policy, line {last + 4}",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("hours = []", "A calendar needs working hours, for example hours = ['mon-fri 09:00-17:00']."),
        ("", "calendars.berlin.hours is missing."),
        ('hours = ["mon 09:00-17:00"]\nholidays = "DE-XX"', "DE has no region 'XX'; allowed: "),
        ('hours = ["mon 09:00-12:00", "mon 11:00-13:00"]', "The working hours of a day overlap."),
    ],
)
def test_a_calendar_that_cannot_be_used_is_refused(text: str, sentence: str) -> None:
    found = problems(f'[calendars.berlin]\ntimezone = "Europe/Berlin"\n{text}\n')
    assert any(problem.startswith(sentence) for problem in found), found


def test_a_role_that_nobody_fills_is_a_hint_once_there_are_people() -> None:
    text = TEAM.replace('"support lead" = "support"\n', "").replace(', strategic = "strategic-1"', "")
    hints = Policy.parse(default_text() + text).hints
    assert [hint.split(": ", 1)[1] for hint in hints] == [
        "nobody fills the role 'support lead', so nobody is notified for it: add it to [roles].",
        "nobody fills the role 'squad lead' in the squad strategic, so nobody is notified for it: add it to [roles].",
    ]
    assert Policy.default().hints == ()


def test_a_rota_without_a_hand_over_changes_at_midnight() -> None:
    text = default_text() + '[squads.support.duty]\nrotation = "daily"\n'
    duty = Policy.parse(text).rules.roster.squads["support"].duty
    assert duty is not None
    assert (duty.handover_time.hour, duty.order) == (0, ("support-1", "support-2", "support-3"))
    assert parse_handover("SUN 07:30") == (6, parse_handover("07:30")[1])
