"""A mistake in a policy file is reported as one sentence with its line and what is allowed; nothing is decided."""

import re
import time
from pathlib import Path

import pytest
from support.nights.policy_factory import POLICY, policy

from features.errors import RescueError
from serving.policy.decision.decide import Policy, PolicyError
from serving.policy.definition.policy_file import default_text

TRIGGER = """
[triggers.quiet]
when = "{when}"
risk = "churn"
raises = "alone"
message = "Quiet"
"""


def mistake(text: str) -> str:
    """The message of a policy that cannot be used; one sentence that ends as one."""
    with pytest.raises(PolicyError) as caught:
        Policy.parse(text, source="p.toml")
    message = str(caught.value)
    assert "\n" not in message
    assert isinstance(caught.value, RescueError)
    assert caught.value.exit_code == 2
    return message


def replaced(old: str, new: str) -> str:
    assert POLICY.count(old) >= 1, old
    return POLICY.replace(old, new, 1)


def line_with(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("leave = 0.3", "leave = 0.6", "leave = 0.6 has to be lower than enter = 0.5"),
        ("leave = 0.3", "leave = 0.5", "leave = 0.5 has to be lower than enter = 0.5"),
        ("capacity = 2", "capacity = 0", "squads.care.capacity has to be a whole number from 1 to 100,000, not 0"),
        ("capacity = 2", 'capacity = "2"', 'squads.care.capacity has to be a whole number from 1 to 100,000, not "2"'),
        ("capacity = 2", "capacity = 2.5", "squads.care.capacity has to be a whole number from 1 to 100,000, not 2.5"),
        ('members = ["ana", "ben", "cleo"]', "members = []", "squads.care.members must not be empty"),
        ("enter = 0.5", "enter = nan", "risks.churn.enter has to be a number, more than 0 and less than 1, not NaN"),
        ("worsen_by = 0.1", "worsn_by = 0.1", "risks.churn.worsn_by is not a known key: did you mean 'worsen_by'?"),
        ('fallback = "care"', 'fallback = "cares"', "there is no squad 'cares': did you mean 'care'?"),
        ('skill = "retention"', 'skill = "retentoin"', "no squad has the skill 'retentoin': did you mean 'retention'?"),
        (
            'when = "probability >= 0.8"',
            'when = "probabilty >= 0.8"',
            "unknown column probabilty; did you mean probability",
        ),
        ('when = "probability >= 0.8"', 'when = "segment >= 0.8"', "compares the text segment with the number 0.8"),
        ("resolve_hours = 48", "resolve_hours = 3", "resolve_hours cannot be less than respond_hours"),
        (
            "escalate_after_hours = [4, 8]",
            "escalate_after_hours = [8, 4]",
            "escalate_after_hours takes at most two increasing numbers",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line(old: str, new: str, said: str) -> None:
    text = replaced(old, new)
    message = mistake(text)
    assert said in message
    assert f"p.toml, line {line_with(text, new)}:" in message


@pytest.mark.parametrize(
    ("added", "line", "said"),
    [
        ("[holdot]\nshare = 0.1", "[holdot]", "holdot is not a known key: did you mean 'holdout'?"),
        (
            "[holdout]\nshare = 0.9\nsalt = 's'",
            "share = 0.9",
            "holdout.share has to be a number from 0 to 0.5, not 0.9",
        ),
        ("[holdout]\nshare = 0.1", "[holdout]", "holdout.salt is missing"),
        (
            '[holdout]\nsalt = "s"\n[holdout.exempt]\nbig = "arr >"',
            'big = "arr >"',
            "the condition of big cannot be read",
        ),
        ('[routing.reasons]\nusge = "billing"', "usge", "there is no reason group 'usge': did you mean 'usage'?"),
        (
            '[routing.vip]\nwhen = "arr > 1"\nskill = "billing"',
            'members = ["dan"]',
            "the VIP squad 'support' needs at least two",
        ),
        (
            '[routing.vip]\nwhen = "arr > 1"',
            "[routing.vip]",
            "no squad has the skill 'vip': allowed: billing, retention",
        ),
        (
            "[priority]\nurgency = [{within_days = 9, factor = 2}, {within_days = 9, factor = 1}]",
            "urgency =",
            "overlap",
        ),
        (TRIGGER.format(when="tickets_opn > 1"), "when", "unknown column tickets_opn; did you mean tickets_open"),
        (TRIGGER.format(when="tickets_open"), 'when = "tick', "the condition of quiet is a number, not a condition"),
        (
            TRIGGER.format(when="churn > 0.1").replace('"churn"', '"chrun"'),
            "chrun",
            "no risk 'chrun': did you mean 'churn'?",
        ),
        (TRIGGER.format(when="churn > 0.1") + 'severity = "hihg"', "hihg", "no severity 'hihg': did you mean 'high'?"),
        (
            TRIGGER.format(when="churn > 0.1") + "min_probability = 0.2",
            'raises = "alone"',
            "min_probability is required with raises",
        ),
        (
            TRIGGER.format(when="churn > 0.1").replace("alone", "alon"),
            'raises = "alon"',
            "cannot be \"alon\": did you mean 'alone'? Allowed: alone, with_risk",
        ),
    ],
)
def test_a_mistake_in_a_table_is_named_with_its_line(added: str, line: str, said: str) -> None:
    text = POLICY + added
    message = mistake(text)
    assert said in message
    number = int(re.search(r"line (\d+)", message)[1])
    assert line in text.splitlines()[number - 1]


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


def test_text_that_is_not_toml_is_named_with_its_line() -> None:
    assert mistake("[risks.churn\nenter = 1") == (
        "p.toml: Expected ']' at the end of a table declaration (at line 1, column 13); this is not TOML."
    )


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="There is no policy file"):
        Policy.load(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe9")
    with pytest.raises(PolicyError, match="cannot be read"):
        Policy.load(tmp_path / "latin.toml")


def test_the_severities_after_one_without_condition_never_apply() -> None:
    message = mistake(replaced('when = "probability >= 0.8"\n', ""))
    assert "'high' has no condition, so the severities after it never apply" in message


def test_the_version_depends_on_the_content_only() -> None:
    said = policy()
    assert Policy.parse("# a comment\n" + POLICY.replace(" = ", "  =  ")).version == said.version
    assert policy(enter="enter = 0.51").version != said.version
    assert len(said.version) == 12


def test_the_policy_that_comes_with_rescue_loads(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(default_text(), encoding="utf-8")
    assert Policy.load(file).version == Policy.default().version
    assert Policy.default().hints == ()


def test_a_policy_with_the_earlier_trigger_for_cancellations_is_valid_and_gets_a_hint() -> None:
    text = POLICY + TRIGGER.format(when="contract_notices >= 1")
    assert Policy.parse(text, source="p.toml").hints == (
        f"p.toml, line {line_with(text, '[triggers.quiet]')}: the trigger quiet can be removed: [cancellations] raises "
        "received cancellations by their own value.",
    )


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ('[cancellations]\nrisk = "chrun"', "there is no risk 'chrun': did you mean 'churn'?"),
        ('[cancellations]\nseverity = "hgih"', "there is no severity 'hgih': did you mean 'high'?"),
        ('[partial_losses]\nskill = "biling"', "no squad has the skill 'biling': did you mean 'billing'?"),
        ("[cancellations]\nurgency = [{within_days = 9, factor = 2}, {within_days = 9, factor = 1}]", "overlap"),
        ('[exclude]\nwhen = {pilot = "pln = 1"}', "unknown column pln"),
        ("[reconcile]\nnight = 3", "reconcile.night is not a known key: did you mean 'nights'?"),
        ("[cooldown]\nsavd = 3", "cooldown.savd is not a known key: did you mean 'saved'?"),
        ("[groups]\none_case = 1", "groups.one_case has to be true or false, not 1"),
        ("[partial_losses]\nmin_share = 2", "has to be a number from 0 to 1, not 2"),
    ],
)
def test_a_mistake_in_the_rules_of_cases_is_named_with_its_line(added: str, said: str) -> None:
    message = mistake(POLICY + added)
    assert said in message
    assert "p.toml, line " in message


def test_an_unknown_section_is_named_with_its_line() -> None:
    text = POLICY.replace("[squads.", "[squad.")
    assert f"p.toml, line {line_with(text, '[squad.')}: squad is not a known key: did you mean 'squads'?" in mistake(
        text
    )


def test_a_member_cannot_be_listed_twice() -> None:
    text = default_text().replace('["strategic-1", "strategic-2"]', '["strategic-1", "strategic-1"]')
    said = mistake(text)
    assert said.endswith("the member strategic-1 is listed twice.")
    assert f"line {line_with(text, 'strategic-1')}" in said


@pytest.mark.parametrize(
    ("present", "earlier"),
    [
        ("escalate_after_hours = [4, 8]", "hand_on_hours = [4, 8]"),
        ("save_rate = 0.5", "saveability = 0.5"),
        ('members = ["dan"]', 'members = ["dan"]\nowners = ["dan"]'),
    ],
)
def test_a_key_of_an_earlier_policy_file_is_answered_with_its_present_name(present: str, earlier: str) -> None:
    names = {"hand_on_hours": "escalate_after_hours", "saveability": "save_rate", "owners": "escalation_path"}
    message = mistake(replaced(present, earlier))
    key = next(name for name in names if name in earlier)
    assert f"{key} is not a known key: did you mean {names[key]!r}?" in message


def test_a_trigger_of_an_earlier_policy_file_is_answered_with_the_present_names() -> None:
    trigger = TRIGGER.format(when="churn > 0.1").replace("message = ", "says = ").replace("alone", "with_risk")
    with pytest.raises(PolicyError) as caught:
        Policy.parse(POLICY + trigger + "at_least = 0.2")
    problems = " ".join(caught.value.problems)
    assert "triggers.quiet.says is not a known key: did you mean 'message'?" in problems
    assert "triggers.quiet.at_least is not a known key: did you mean 'min_probability'?" in problems


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
