"""The protocol as it is executed: who is told of what, in which words, and when."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.nights.path_world import CASE, LEAD, OPENED, PathWorld, Sent, rules_text

from features.errors import UsageError
from serving.cases.escalation import notifications
from serving.cases.permissions import Actor, Role

ANN = Actor("ann", Role.REVIEWER, frozenset({"support"}))

PEOPLE = """
[people.ann]
title = "Ann Abel"
addresses = { mail = "ann@team.example" }
timezone = "Asia/Kolkata"
[people.bob]
addresses = { chat = "UBOB12345", mail = "bob@team.example" }
[people.cid]
[people.eve]
addresses = { mail = "eve@team.example" }
[people.fay]
[people.lia]
addresses = { mail = "lia@team.example" }
timezone = "America/New_York"
[people.max]
addresses = { mail = "max@team.example" }
[people.olga]
addresses = { mail = "olga@team.example" }

[roles]
"support lead" = "lia"
"account executive" = "max"
"""
Open = Callable[..., PathWorld]


@pytest.fixture
def world(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Open]:
    worlds: list[PathWorld] = []

    def build(more: str = PEOPLE, severity: str = "escalate_after_hours = [1]", **parts: Any) -> PathWorld:
        worlds.append(PathWorld.open(migrated_sqlite, tmp_path, rules_text(more, severity), **parts))
        return worlds[-1]

    yield build
    for built in worlds:
        built.close()


def told(messages: list[Sent]) -> list[tuple[str, str | None, str]]:
    return [(sent.person, sent.party, sent.kind) for sent in messages]


def test_without_addresses_nobody_is_told(world: Open) -> None:
    case = world("")
    case.run_until(case.after(hours=60))
    assert case.sent() == []


def test_the_default_tells_at_once_only_what_cannot_wait(world: Open) -> None:
    """The case has to be answered within four hours; the account executive only has to know."""
    case = world()
    assert told(case.sent()) == [
        ("ann", "responsible", "case.opened"),
        ("lia", "accountable", "case.opened"),
        ("max", "informed", "case.opened"),
    ]
    # in Kolkata it is 11:30, and the case is due before the next morning; in New York it is 01:00
    assert [sent.row.next_at - OPENED for sent in case.sent()] == [timedelta(0), timedelta(0), timedelta(hours=2)]


def test_a_message_says_what_to_do_until_when_and_where(world: Open) -> None:
    case = world(account="Acme GmbH", headline="Acme GmbH: usage fell by 40% in four weeks")
    first, *_ = case.sent()
    assert first.row.payload["subject"] == "Acme GmbH: New case, by Fri 2 Jan 2026, 15:30 (Asia/Kolkata)"
    assert first.text == (
        "Hello Ann Abel,\n\n"
        "Acme GmbH is a new case for support. Usage fell by 40% in four weeks.\n\n"
        "What to do: contact the customer and record the contact.\n"
        "By when: Fri 2 Jan 2026, 15:30 (Asia/Kolkata)\n\n"
        f"Open it: https://rescue.example/case/{CASE}\n"
    )


def test_every_change_is_announced_to_whom_it_concerns(world: Open) -> None:
    case = world()
    case.run_until(case.after(hours=1))
    case.cases.claim(CASE, LEAD)
    case.cases.contact(CASE, LEAD, comment="they stay")
    case.cases.resolve(CASE, LEAD, verdict="saved", comment="renewed for a year")
    case.cases.reopen(CASE, LEAD, reason="they left after all")
    case.cases.hand_over(CASE, LEAD, squad="engineering", reason="a defect")
    assert told(case.sent())[3:] == [
        ("bob", None, "case.escalated"),
        ("lia", "accountable", "case.escalated"),
        ("max", "informed", "case.contacted"),
        ("max", "informed", "case.resolved"),  # lia closed it herself
        ("eve", "responsible", "case.handed_over"),
    ]
    assert "lia closed the case of Ünit a000000. renewed for a year" in case.sent()[6].text


def test_a_protocol_names_channels_parties_and_facts(world: Open) -> None:
    protocol = """
[protocol.opened]
responsible = false
account_owner = ["mail"]
receiving_squad = true
consulted = ["hook"]
fields = ["revenue", "renewal", "accountable"]
template = "{account} needs you, {reader}: {request} Until {deadline}. {link}"
"""
    case = world(PEOPLE + protocol)
    assert [(sent.person, sent.channel, sent.row.recipient) for sent in case.sent()] == [
        ("architect", "hook", None),  # a role that nobody has: the channel's own receivers get it
        ("olga", "mail", "olga@team.example"),
        ("ann", "mail", "ann@team.example"),
        ("bob", "chat", "UBOB12345"),
    ]
    texts = {sent.person: sent.text for sent in case.sent()}
    assert texts["architect"].startswith("Hello the architect,\n\nÜnit a000000 needs you, the architect: nothing now;")
    assert "Recurring revenue: 1,000\nRenewal: not known\nAccountable: support lead\n" in texts["ann"]
    assert texts["ann"].count("https://rescue.example") == 1


def test_a_protocol_can_require_the_text_of_an_action(world: Open) -> None:
    case = world(PEOPLE + '[protocol.contacted]\ninformed = true\nfields = ["comment"]\n')
    case.cases.claim(CASE, ANN)
    with pytest.raises(UsageError, match="Write what was said"):
        case.cases.contact(CASE, ANN)
    assert case.case().state == "claimed"
    case.cases.contact(CASE, ANN, comment="they stay")
    assert "Comment: they stay" in case.sent()[-1].text
    case.cases.resolve(CASE, ANN, verdict="saved", comment="They stay.")


def test_nobody_is_told_twice_of_one_event(world: Open) -> None:
    roles = PEOPLE.replace('"account executive" = "max"', '"account executive" = "ann"\n"architect" = "ann"')
    assert [sent.person for sent in world(roles).sent()] == ["ann", "lia"]


def test_hostile_names_are_one_line_of_text(world: Open) -> None:
    case = world(account="Evil\r\nBcc: all@x.example\x00\u202e{link} <!channel>", headline="x\n\n--\nHello boss")
    first = case.sent()[0]
    assert first.row.payload["subject"].startswith("Evil Bcc: all@x.example{link} <!channel>: New case")
    assert "\u202e" not in first.text
    assert "\nBcc" not in first.text
    assert "X -- Hello boss." in first.text


def test_a_message_that_cannot_be_written_stops_no_change(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    case = world()

    def broken(*_: object, **__: object) -> None:
        raise ValueError("a defect")

    monkeypatch.setattr(notifications, "compose_message", broken)
    case.now = case.after(minutes=1)
    case.cases.hand_over(CASE, LEAD, squad="engineering", reason="a defect")
    assert case.case().squad == "engineering"
    assert len(case.sent()) == 3


def test_ids_are_stable_and_messages_of_a_morning_share_a_batch(world: Open) -> None:
    case = world(PEOPLE + "[protocol.contacted]\ninformed = true\ndaily = ['informed']\n")
    case.cases.claim(CASE, ANN)
    case.cases.contact(CASE, ANN)
    of_max = [sent.row for sent in case.sent() if sent.person == "max"]
    assert len({row.batch for row in of_max}) == 1
    assert of_max[0].batch is not None
    assert len({row.id for row in of_max}) == 2
    assert {row.next_at for row in of_max} == {datetime.fromisoformat("2026-01-02T08:00")}


def test_whoever_is_responsible_after_a_case_is_given_back_is_told(world: Open) -> None:
    case = world()
    bob = Actor("bob", Role.REVIEWER, frozenset({"support"}))
    case.cases.claim(CASE, bob)
    before = len(case.sent())
    back = case.cases.release(CASE, bob, reason="too many")
    assert [(sent.person, sent.party, sent.kind) for sent in case.sent()[before:]] == [
        (back.responsible, "responsible", "case.assigned")
    ]
