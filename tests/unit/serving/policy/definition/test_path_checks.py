"""Mistakes in paths and in the protocol: every one with its line and the nearest name, all at once."""

import json

import pytest
from support.nights.path_world import CHANNELS, rules_text

from serving.policy.definition.policy_file import Policy, PolicyError
from serving.policy.definition.policy_schema import PolicyFile

PATH = """
[[paths.p]]
to = "primary"
"""
USE = 'path = "p"'


def problems(more: str, severity: str = USE, squad: str = "") -> list[str]:
    with pytest.raises(PolicyError) as caught:
        Policy.parse(rules_text(more, severity, squad), channels=CHANNELS)
    return [problem.removeprefix("policy, ") for problem in caught.value.problems]


def hints(more: str, severity: str = USE, squad: str = "") -> tuple[str, ...]:
    return Policy.parse(rules_text(more, severity, squad), channels=CHANNELS).hints


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (PATH + 'then = "q"', "line 33: there is no path 'q': "),
        (PATH + 'then = "p"', "line 33: the path 'p' has no end: p goes on with p."),
        (
            PATH + 'then = "q"\n[[paths.q]]\nto = "primary"\nthen = "p"',
            "line 33: the path 'p' has no end: p goes on with q goes on with p.",
        ),
        (PATH + 'then = "p"\n[[paths.p]]\nto = "bob"\nafter = 1', "line 33: only the last step of the path"),
        ("[[paths.p]]\nto = []", "paths.p[0].to must not be empty"),
        ('[[paths.p]]\nto = "support led"', "no person, role or squad 'support led': did you mean 'support'?"),
        ('[[paths.p]]\nto = "architect"', "addressed to nobody: no person fills the role 'architect'"),
        (PATH + '[[paths.p]]\nto = "bob"', "line 33: the step of the path 'p' needs `after`"),
        (PATH + 'channels = ["mial"]', "line 33: the channel 'mial' is not configured: did you mean 'mail'?"),
        (PATH + "repeat = { every = 1 }", "paths.p[0].repeat.count is missing"),
        (PATH + 'message = "{acount}"', "message cannot contain {acount}: did you mean 'account'?"),
        (PATH + 'to_ = "x"', "paths.p[0].to_ is not a known key: did you mean 'to'?"),
        (PATH + "[protocol.escaladed]", "there is no event 'escaladed': did you mean 'escalated'?"),
        (PATH + "[protocol.opened]\nresponsable = true", "did you mean 'responsible'?"),
        (PATH + '[protocol.opened]\nresponsible = "pager"', "line 34: the channel 'pager' is not configured"),
        (PATH + '[protocol.opened]\ndaily = ["informed"]', "informed is in `daily` and gets no message"),
        (PATH + '[protocol.opened]\nfields = ["revenu"]', "fields[0] cannot be \"revenu\": did you mean 'revenue'"),
        ("", "line 14: there is no path 'p': there are none."),
    ],
)
def test_a_mistake_is_one_message_with_its_line(more: str, message: str) -> None:
    found = problems(more)
    assert len(found) == 1
    assert message in found[0]


def test_every_mistake_is_listed_at_once() -> None:
    more = PATH + 'channels = ["mial"]\n[[paths.q]]\nto = "nobdy"\nthen = "r"\n[protocol.opend]\ninformed = true'
    assert len(problems(more)) == 4


def test_working_time_beside_an_escalation_by_the_clock_is_a_contradiction() -> None:
    squad = 'calendar = "office"'
    calendar = "[calendars.office]\ntimezone = 'UTC'\nhours = ['mon-fri 09:00-17:00']\n"
    text = rules_text(calendar, "escalate_after_hours = [4]", squad)
    text = text.replace("respond_hours = 4", 'respond_hours = "4 working hours"').replace("= 48", '= "9 working hours"')
    with pytest.raises(PolicyError, match="which may be at night: count both in working hours"):
        Policy.parse(text)
    Policy.parse(text.replace("escalate_after_hours = [4]", 'escalate_after_hours = ["4 working hours"]'))
    by_path = text.replace("escalate_after_hours = [4]", USE) + PATH + '[[paths.p]]\nto = "bob"\nafter = "4 hours"\n'
    with pytest.raises(PolicyError, match="escalates after 4 hours of the clock"):
        Policy.parse(by_path)
    Policy.parse(by_path.replace('after = "4 hours"', 'after = "4 working hours"'))


def test_working_time_needs_a_calendar() -> None:
    more = PATH + '[[paths.p]]\nto = "bob"\nafter = "1 working day"'
    assert "the path 'p' counts working time, and the squad support has no calendar" in problems(more)[0]


def test_a_severity_has_a_path_or_times() -> None:
    assert "either a path or escalate_after_hours" in problems(PATH, f"{USE}\nescalate_after_hours = [1]")[0]


def test_what_has_no_effect_is_a_hint() -> None:
    assert hints(PATH) == ()
    unused = PATH + '[[paths.q]]\nto = "bob"'
    assert [hint.split(": ")[1] for hint in hints(unused)] == ["no severity uses the path 'q'"]
    tertiary = PATH + '[[paths.p]]\nto = "tertiary"\nafter = 1'
    assert "the squad engineering has no tertiary" in hints(tertiary)[0]


def test_an_address_without_a_channel_is_a_hint() -> None:
    people = "".join(f"[people.{name}]\n" for name in ("ann", "cid", "eve", "fay"))
    people += '[people.bob]\naddresses = { slack = "U1", pager = "P1" }\n'
    (hint,) = (hint for hint in hints(PATH + people) if "nothing is sent" in hint)
    assert "nothing is sent to bob there, because the channel 'pager' is not configured: allowed: chat, hook" in hint


def test_a_role_without_a_person_can_be_told_through_a_channel() -> None:
    assert hints('[[paths.p]]\nto = "architect"\nchannels = ["mail"]') == ()


def test_without_settings_channels_are_not_checked() -> None:
    assert Policy.parse(rules_text(PATH + 'channels = ["anything"]', USE)).hints == ()


def test_a_policy_with_paths_is_the_same_after_it_was_stored() -> None:
    more = PATH + 'repeat = { count = 2, every = "10 minutes" }\n[protocol.opened]\ninformed = true\nvendor = ["hook"]'
    rules = Policy.parse(rules_text(more, USE), channels=CHANNELS).rules
    assert PolicyFile.model_validate_json(json.dumps(rules.model_dump(mode="json"))) == rules


def test_a_policy_without_paths_keeps_its_version() -> None:
    assert {"paths", "protocol"} & Policy.default().rules.content().keys() == set()
    assert "path" not in Policy.default().rules.content()["severities"][0]
