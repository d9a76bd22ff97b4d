"""The example of docs/how-to/incidents.md as it is printed: 5% of users, P2, four hours, three people and a vendor."""

import re
from pathlib import Path

from support.nights.incident_factory import at, failed, incidents, messages
from support.nights.policy_factory import POLICY

from serving.cases.permissions import Actor, Role
from serving.incidents.incident_actions import Incidents
from serving.incidents.run_incidents import run_incidents
from serving.policy.definition.policy_file import Policy
from serving.signals.signal_intake import add_signals
from serving.store import Store

LEA = Actor("lea", Role.REVIEWER, frozenset())


def documented_policy(root: Path) -> Policy:
    """The small policy with the example; its severity stands before the last one."""
    page = (root / "docs" / "how-to" / "incidents.md").read_text(encoding="utf-8")
    example = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)[0]
    severity = example[example.index("[[severities]]") : example.index("[[paths.outage]]")]
    last = POLICY.rindex("[[severities]]")
    text = POLICY[:last] + severity + POLICY[last:] + example.replace(severity, "")
    return Policy.parse(text + "".join(f"\n[people.{name}]\n" for name in ("ana", "ben", "cleo", "dan")))


def fail(store: Store, users: range, first: float) -> None:
    signals = [
        failed(
            first + place * 14 / len(users),
            signal_id=f"{first}-{user}",
            user_id=f"u{user}",
            product="shop",
            environment="production",
            account_id=f"a{user % 6}",
        )
        for place, user in enumerate(users)
    ]
    add_signals(store, signals, sender="test", now=at(first + 15))


def told(store: Store) -> list[tuple[float, str | None]]:
    """Who got a message of a step or of the protocol that does not wait, after how many minutes."""
    minutes = [
        ((one.created_at - at(0)).total_seconds() / 60, one.recipient) for one in messages(store) if not one.batch
    ]
    return list(dict.fromkeys(minutes))


def test_five_percent_of_users_within_fifteen_minutes_and_nobody_answers(store: Store, root: Path) -> None:
    policy = documented_policy(root)
    fail(store, range(19), 0)
    assert run_incidents(store, policy, now=at(15)).opened == []
    fail(store, range(20), 20)
    (opened,) = run_incidents(store, policy, now=at(35)).opened
    (incident,) = incidents(store)
    assert (incident.users, incident.users_total, incident.accounts, incident.severity) == (20, 400, 6, "P2")
    assert (incident.respond_by, incident.resolve_by) == (at(35 + 30), at(35 + 240))
    for minute in (49, 50, 65, 80, 110, 140):
        fail(store, range(2), minute - 10)  # it goes on, so it is not over
        run_incidents(store, policy, now=at(minute))
    steps = [
        (35, "lea@shop.example"),
        (50, "tom@shop.example"),
        (80, "mia@shop.example"),
        (110, "support@payments.example"),
    ]
    assert [step for step in steps if step not in told(store)] == []
    first = next(one for one in messages(store) if one.recipient == "lea@shop.example")
    assert first.incident_id == opened
    assert "20 users (5%), 6 accounts" in first.payload["text"]
    assert "By when: Mon 2 Mar 2026, 14:05 (Europe/Berlin)" in first.payload["text"]  # 30 minutes after 13:35
    run_incidents(store, policy, now=at(35 + 241))
    assert incidents(store)[0].resolve_breached_at is not None or incidents(store)[0].state == "over"


def test_the_support_lead_acknowledges_and_the_path_ends_but_the_vendor_is_told(store: Store, root: Path) -> None:
    policy = documented_policy(root)
    fail(store, range(20), 20)
    (opened,) = run_incidents(store, policy, now=at(35)).opened
    Incidents(store, clock=lambda: at(40), rules=policy.rules).acknowledge(opened, LEA)
    for minute in (50, 65, 80, 110, 111):
        fail(store, range(2), minute - 10)
        run_incidents(store, policy, now=at(minute))
    addressees = {recipient for _, recipient in told(store)}
    assert "tom@shop.example" not in addressees
    assert "support@payments.example" in addressees
    report = run_incidents(store, policy, now=at(200))
    assert report.over == [opened]
    assert {one.kind for one in messages(store) if one.created_at == at(200)} == {"incident.incident_over"}
