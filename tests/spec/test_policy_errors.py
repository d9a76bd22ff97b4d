"""A mistake in a policy file is reported as one sentence with its line and what is allowed; nothing is decided."""

import re
from pathlib import Path

import pytest
from support.nights.policy_factory import POLICY, policy
from support.nights.policy_mistakes import TRIGGER, line_with, mistake, replaced

from serving.policy.decision.decide import Policy, PolicyError
from serving.policy.definition.policy_file import default_text


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
