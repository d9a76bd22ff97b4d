"""Explained equals executed: what a policy says will be sent is what the outbox contains, under a simulated clock.

Policies are generated (people, calendars, rotas, absences, paths, protocols), and so are the actions of people and the
down-times of the timers. The expectation has no database: it is the plan of the policy, moved by the same actions.
"""

import re
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from support.nights.expected_messages import Expectation, Row, expectation
from support.nights.generated_paths import (
    Scenario,
    scenarios,
)
from support.nights.path_world import CASE, CHANNELS, LEAD, OPENED, PathWorld, rules_text

from features.errors import RescueError
from serving.paths.directory import Directory
from serving.paths.path_plan import plan_path
from serving.paths.path_progress import PathState
from serving.paths.protocol import step_notifications
from serving.paths.subjects import Subject
from serving.policy.definition.escalation_matrix import path_timeline
from serving.policy.definition.explanation import explain
from serving.policy.definition.policy_file import Policy, PolicyError

END = OPENED + timedelta(days=12)


def rows_of(world: PathWorld) -> list[Row]:
    """The messages to people in the outbox."""
    return [
        (sent.at, sent.row.next_at, sent.person, sent.channel, sent.row.recipient, sent.kind, sent.party)
        for sent in world.sent()
    ]


def do(world: PathWorld, expected: Expectation, action: str) -> str | None:
    """Do an action in the queue; its name for the expectation, None where the queue refuses it."""
    other = "engineering" if expected.squad == "support" else "support"
    person = "cid" if expected.squad == "support" else "fay"
    until = world.now.date() + timedelta(days=2)
    words: dict[str, dict[str, Any]] = {
        "assign": {"person": person},
        "hand over": {"squad": other, "reason": "x"},
        "snooze": {"until": until, "reason": "x"},
        "resolve": {"verdict": "saved", "comment": "They stay."},
        "reopen": {"reason": "x"},
    }
    if action == "wait" or (action == "hand over" and [row.kind for row in world.history()].count("hand_over") >= 3):
        return None  # a fourth hand-over would be the third return, which gives the case to the accountable person
    try:
        getattr(world.cases, action.replace(" ", "_"))(CASE, LEAD, **words.get(action, {}))
    except RescueError:
        return None
    return f"assign to {person}" if action == "assign" else action


def follow(world: PathWorld, expected: Expectation, until: datetime) -> None:
    """Both run whenever something is due."""
    while (due := expected.due()) is not None and due <= until:
        at = max(due, world.now)
        world.tick(at)
        expected.tick(at)
    world.run_until(until)


def check(scenario: Scenario, source: Path) -> None:
    """Play the scenario in the queue and in the plan, and compare the messages."""
    rules = Policy.parse(scenario.text, channels=CHANNELS).rules
    with TemporaryDirectory() as folder:
        world = PathWorld.open(source, Path(folder), scenario.text, absent=scenario.absent, disabled=scenario.disabled)
        try:
            expected = expectation(scenario, rules)
            for hours, action in scenario.actions:
                at = world.now + timedelta(hours=hours)
                if action == "outage":
                    world.tick(at)
                    expected.tick(at)
                    continue
                follow(world, expected, at)
                done = do(world, expected, action)
                if done is not None:
                    event(f"action {action}")
                    expected.act(done, world.now)
            follow(world, expected, max(END, world.now))
            assert rows_of(world) == sorted(rows_of(world), key=lambda row: row[0])
            assert sorted(rows_of(world), key=str) == sorted(expected.rows, key=str)
            _check_texts(world)
        finally:
            world.close()


def _check_texts(world: PathWorld) -> None:
    """Each message names the account and, for the team, the link; nothing in it is for machines."""
    for sent in world.sent():
        assert "Ünit a000000" in sent.text
        assert ("https://rescue.example/case/" + CASE in sent.text) == ("@" not in sent.person)
        assert not re.search(r"\d{4}-\d\d-\d\dT|case\.[a-z]|\{|0\.\d{3}", sent.text)


def check_explanation(scenario: Scenario, source: Path) -> None:
    """The line of `rescue policy explain` names each message of the path at its time, and no other."""
    policy = Policy.parse(scenario.text, channels=CHANNELS)
    line = next(
        line for line in explain(policy, CHANNELS).splitlines() if line.startswith("  - support, normal, path p")
    )
    calendar = policy.rules.calendar_of("support")
    explained = re.findall(r"(?=\b(\w{3} \d\d:\d\d) ((?:(?!; (?:after \d+ days: )?\w{3} \d\d:\d\d).)*))", line)
    with TemporaryDirectory() as folder:
        world = PathWorld.open(source, Path(folder), scenario.text)
        try:
            world.run_until(OPENED + timedelta(days=60))
            sent = world.sent(steps=True)
        finally:
            world.close()
    for message in sent:
        local = calendar.local(message.at) if calendar else message.at
        reader = f"the {message.person}" if message.person == "account executive" else message.person
        texts = [text for at, text in explained if at == f"{local:%a %H:%M}"]
        assert any(f"{reader} (" in text and message.channel in text for text in texts), (message, line)
    directory = Directory(policy.rules.roster, channels=CHANNELS)
    steps = policy.rules.path_of("normal", "support").steps
    planned = [row.sent for row in path_timeline(policy.rules, "support", "normal", OPENED, directory) if row.sent]
    routed = sum(len(step_notifications(sent.readers, steps[sent.step].channels, directory)) for sent in planned)
    assert routed == len(sent)


LIMITS: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.explicit, Phase.generate],  # to shrink a scenario of this size takes many minutes
}


def _valid(scenario: Scenario) -> bool:
    """Whether the policy is; the owner of the account, whom the policy does not know, is in no explanation."""
    if not scenario.actions and "account owner" in scenario.text:
        return False
    try:
        Policy.parse(scenario.text, channels=CHANNELS)
    except PolicyError:
        return False
    return True


@pytest.mark.parametrize(
    ("policies", "kind"),
    [
        (20, "actions"),
        (15, "explained"),
        pytest.param(1000, "actions", marks=pytest.mark.soak),
        pytest.param(500, "explained", marks=pytest.mark.soak),
    ],
)
def test_what_is_explained_is_what_is_sent(policies: int, kind: str, migrated_sqlite: Path) -> None:
    with_actions = kind == "actions"

    @settings(max_examples=policies, **LIMITS)
    @given(scenarios(with_actions=with_actions).filter(_valid))
    def compare(scenario: Scenario) -> None:
        if with_actions:
            check(scenario, migrated_sqlite)
        else:
            check_explanation(scenario, migrated_sqlite)

    compare()


def test_the_plan_is_the_policy_alone() -> None:
    """The plan needs no database: two calls give the same steps."""
    rules = Policy.parse(rules_text("[[paths.p]]\nto = 'primary'\n", "path = 'p'")).rules
    directory = Directory(rules.roster)
    subject = Subject(id="", title="", squad="support", severity="normal", opened_at=OPENED)
    first = list(plan_path(rules.path_named("p"), PathState(since=OPENED), subject, directory, None))
    assert [(step.at, step.responsible) for step in first] == [(OPENED, "ann")]
