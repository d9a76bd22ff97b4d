"""Values of a policy that cannot be used: of a wrong type, hostile, or compared with each other."""

import re
import time

import pytest
from support.nights.policy_factory import POLICY
from support.nights.policy_mistakes import TRIGGER, line_with, replaced

from serving.policy.decision.decide import Policy, PolicyError


def test_all_mistakes_are_collected_and_the_message_counts_them() -> None:
    text = replaced("leave = 0.3", "leave = 0.6").replace("capacity = 2", "capacity = 0")
    with pytest.raises(PolicyError, match=r"\(and 2 more: see `rescue policy check`\)") as caught:
        Policy.parse(text)
    assert len(caught.value.problems) == 3


def test_a_wrong_key_hides_no_mistake_in_the_rest() -> None:
    """Keys, types, rules between keys, names of other sections and conditions are reported together."""
    text = (
        replaced("capacity = 2", 'capactiy = "2"')
        .replace("leave = 0.3", "leave = 0.9", 1)
        .replace('fallback = "care"', 'fallback = "cares"')
        .replace('when = "probability >= 0.8"', 'when = "probabilty >= 0.8"')
    )
    with pytest.raises(PolicyError) as caught:
        Policy.parse(text + '[calendars.office]\ntimezone = "Europe/Berln"\nhours = 3\n', source="p.toml")
    problems = list(caught.value.problems)
    for part in (
        "squads.care.capactiy is not a known key: did you mean 'capacity'?",
        'squads.care.capacity has to be a whole number from 1 to 100,000, not "2"',
        "leave = 0.9 has to be lower than enter = 0.5",
        "there is no squad 'cares': did you mean 'care'?",
        "unknown column probabilty",
        "did you mean 'Europe/Berlin'",
        'calendars.office.hours has to be a list of texts, such as ["a", "b"], not 3',
    ):
        assert sum(part in problem for problem in problems) == 1, part
    assert "capactiy" in problems[0]
    assert not [problem for problem in problems if "is missing" in problem]


@pytest.mark.parametrize(
    ("added", "said"),
    [
        (
            "[squads.more]\nskills = 3\nmembers = ['ana']\ncapacity = 1",
            ["squads.more.skills has to be a list of texts"],
        ),
        ("[priority]\nurgency = 3", ["priority.urgency has to be a list of tables, not 3"]),
        ("[cooldown]\nsaved = []", ["cooldown.saved has to be a whole number from 0 to 3,660, not []"]),
        ("[groups]\none_case = {x = 1}", ["groups.one_case has to be true or false, not a table"]),
        ("[people]\nana = 3", ["people.ana has to be a table, not 3"]),
        ("[roles]\nlead = 3", ["roles.lead has to be a text or a list of texts, such as"]),
        ("[calendars]\noffice = {timezone = 'UTC', hours = ['mon'], closed = ['2026-13-01']}", ["mon", "2026-12-24"]),
        ("hypothesis = ''", ["hypothesis must not be empty"]),
    ],
)
def test_a_value_of_a_wrong_type_is_answered_in_plain_words(added: str, said: list[str]) -> None:
    """One sentence for each mistake, without the validator's own English and without errors that follow from it."""
    with pytest.raises(PolicyError) as caught:
        Policy.parse(added + "\n" + POLICY if added.startswith("hypothesis") else POLICY + added, source="p.toml")
    problems = caught.value.problems
    assert len(problems) == len(said), problems
    for part, problem in zip(said, problems, strict=True):
        assert part in problem
        assert "should be" not in problem
        assert "Input" not in problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = " + "[" * 50_000 + "]" * 50_000, "nested too deeply"),
        ("[" + ".".join(["a"] * 5_000) + "]", "nested too deeply"),
        ("x = " + "9" * 5_000, "one of its numbers is too large"),
        ("# " + "x" * 1_000_001, "a policy has at most 1,000,000"),
        ("\n".join(f"key{number} = 1" for number in range(20_000)), "is not a known key"),
        (POLICY.replace("resolve_hours = 48", "resolve_hours = " + "9" * 400), "has to be above 0 and at most a year"),
    ],
    ids=["brackets", "dots", "digits", "size", "keys", "duration"],
)
def test_a_text_that_is_made_to_hurt_is_refused_at_once(text: str, said: str) -> None:
    """A policy may come from a browser: no traceback, and no minute of processor time."""
    start = time.process_time()
    with pytest.raises(PolicyError) as caught:
        Policy.parse(text)
    assert time.process_time() - start < 3
    assert said in caught.value.problems[0]
    assert len(caught.value.problems) <= 200


def test_a_value_that_replaces_a_wrong_one_is_never_reported() -> None:
    """A wrong probability and a wrong time hide no unknown column and no unknown risk, and cause no further errors."""
    text = replaced("enter = 0.5", "enter = 1.5").replace("leave = 0.3", "leave = 0.1", 1)
    text = text.replace("resolve_hours = 48", 'resolve_hours = "2 wrking days"')
    text += TRIGGER.format(when="tickets_opened_28 > 3").replace('"churn"', '"chrn"')
    with pytest.raises(PolicyError) as caught:
        Policy.parse(text, source="p.toml")
    said = {
        "enter = 1.5": "risks.churn.enter has to be a number, more than 0 and less than 1, not 1.5.",
        "wrking": "severities[0].resolve_hours is wrong: '2 wrking days' is no duration; did you mean 'working days'? "
        "Allowed: days, hours, minutes, weeks, working days, working hours.",
        '"chrn"': "there is no risk 'chrn': did you mean 'churn'?",
        "[triggers.quiet]": "the condition of quiet names the unknown column tickets_opened_28; did you mean "
        "tickets_opened_28d?",
    }
    problems = list(caught.value.problems)
    assert len(problems) == len(said), problems
    for part, sentence in said.items():
        found = next(problem for problem in problems if sentence in problem)
        place = int(re.search(r"line (\d+)", found)[1])
        assert abs(place - line_with(text, part)) <= 1


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"enter = 0.5": "enter = 1.5", "leave = 0.3": "leave = -1"}, {"enter", "leave"}),
        ({"enter = 0.5": "enter = -1"}, {"enter"}),
        ({"leave = 0.3": "leave = 2"}, {"leave"}),
        ({"resolve_hours = 48": "resolve_hours = -1"}, {"resolve_hours"}),
        ({"respond_hours = 4": "respond_hours = -1", "resolve_hours = 48": "resolve_hours = []"}, {"resp", "resolve"}),
        ({'when = "probability >= 0.8"': "when = 3"}, {"when"}),
    ],
)
def test_wrong_values_that_are_compared_with_each_other_are_reported_once(
    changes: dict[str, str], wrong: set[str]
) -> None:
    text = POLICY
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(PolicyError) as caught:
        Policy.parse(text + TRIGGER.format(when="churn > 0.1").replace('"churn"', '"chrn"'))
    *first, last = caught.value.problems
    assert "there is no risk 'chrn'" in last
    assert len(first) == len(wrong), first
    assert all(any(f".{key}" in problem for problem in first) for key in wrong)
