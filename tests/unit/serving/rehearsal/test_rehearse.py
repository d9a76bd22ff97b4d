"""The example of the documentation, an act that is not possible, and the script in the readers' time zones."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from serving.paths.message_settings import MessageSettings
from serving.policy.definition.policy_file import Policy
from serving.rehearsal.rehearse import Rehearsal, rehearse
from serving.rehearsal.role_play import rehearsal_html, rehearsal_json, rehearsal_markdown
from serving.rehearsal.scenario_file import ScenarioError, load_scenario, parse_scenario

FOLDER = Path(__file__).parents[4] / "docs" / "how-to" / "rehearsal"

HEAD = """start = 2026-06-01T09:00:00
[[cases]]
name = "acme"
account = "Acme <b>GmbH</b>"
squad = "success"
severity = "critical"
"""


@pytest.fixture(scope="module")
def checkout() -> Rehearsal:
    policy = Policy.load(FOLDER / "checkout.policy.toml")
    return rehearse(policy, load_scenario(FOLDER / "checkout.scenario.toml", policy.rules))


def test_the_example_goes_from_the_support_lead_to_the_engineering_manager(checkout: Rehearsal) -> None:
    """14:09 the tenth minute of failures, an outage of the timers until 14:45, then each step has its full time."""
    at = datetime.fromisoformat
    assert [(hand_off.at, hand_off.person) for hand_off in checkout.timeline.hand_offs] == [
        (at("2026-06-01T13:09:30"), "sam"),
        (at("2026-06-01T13:45"), "eva"),
        (at("2026-06-01T15:15"), "mara"),
        (at("2026-06-01T16:30"), None),
    ]
    vendor = [message for message in checkout.timeline.messages if message.person == "paydesk"]
    assert [message.at for message in vendor] == [at("2026-06-01T14:15")]
    assert "check whether payments are refused on your side" in vendor[0].text
    kinds = [event.kind for event in checkout.timeline.events]
    assert kinds.count("opened") == kinds.count("acknowledge") == kinds.count("resolve") == 1
    assert kinds.count("path_repeated") == 1


def test_the_script_has_the_readers_own_time(checkout: Rehearsal) -> None:
    text = rehearsal_markdown(checkout)
    assert "# Rehearsal: Intermittent checkout failures" in text
    assert "**To mara by mail at mara@example.com (11:15 in America/New_York)**" in text
    assert "**To sam by mail at sam@example.com**" in text  # the scenario's own zone
    assert "(America/New_York)" in text.split("**To mara")[1]
    assert "sam (Mon 14:09) → eva (Mon 14:45) → mara (Mon 16:15) → nobody (Mon 17:30)" in text
    assert "The timers do not run from Mon 1 Jun 2026, 14:35 to Mon 1 Jun 2026, 14:45." in text


def test_the_script_is_a_page_and_plain_values_too(checkout: Rehearsal) -> None:
    page, content = rehearsal_html(checkout), json.loads(json.dumps(rehearsal_json(checkout)))
    assert page.count("<blockquote>") == len(content["messages"]) == len(checkout.timeline.messages)
    assert content["start"] == "2026-06-01T13:00:00Z"
    assert content["hand_offs"][0]["person"] == "sam"


def test_two_rehearsals_are_the_same(checkout: Rehearsal) -> None:
    again = rehearse(checkout.policy, checkout.scenario)
    assert again.timeline == checkout.timeline


def test_an_act_that_is_not_possible_names_its_line() -> None:
    policy = Policy.default()
    text = HEAD + '[[acts]]\nat = "1 hour"\nwho = "success-1"\ndo = "contact"\n'
    with pytest.raises(ScenarioError, match=r"line 7: at Mon 10:00 this is not possible: This cannot be done"):
        rehearse(policy, parse_scenario(text, policy.rules))
    early = HEAD.replace('name = "acme"', 'name = "acme"\nat = "2 hours"')
    with pytest.raises(ScenarioError, match="the case 'acme' is not open yet"):
        rehearse(policy, parse_scenario(early + text[len(HEAD) :], policy.rules))


def test_a_policy_without_people_is_rehearsed_and_says_that_nobody_is_told() -> None:
    policy = Policy.default()
    result = rehearse(policy, parse_scenario(HEAD, policy.rules))
    text = rehearsal_markdown(result)
    people = [hand_off.person for hand_off in result.timeline.hand_offs]
    assert people == ["success-1", "success-2", "success-3"]
    assert "Nobody got a message: the policy gives no person an address on a channel." in text
    assert "a deadline was missed at Mon 1 Jun 2026, 13:00" in text
    assert "<b>" not in text
    assert "<b>" not in rehearsal_html(result)


def test_the_length_of_a_scenario_ends_it_and_channels_are_told() -> None:
    policy = Policy.default()
    scenario = parse_scenario('length = "5 hours"\n' + HEAD, policy.rules)
    timeline = rehearse(policy, scenario, MessageSettings(None, {"hook": "webhook"}), ("hook",)).timeline
    assert [hand_off.person for hand_off in timeline.hand_offs] == ["success-1", "success-2"]
    assert {message.kind for message in timeline.messages} == {"case.opened", "case.escalated", "case.breached"}
    assert {(message.person, message.channel) for message in timeline.messages} == {(None, "hook")}
