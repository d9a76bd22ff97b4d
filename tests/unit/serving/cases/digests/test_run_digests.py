"""Digests as people get them: what they report, one per person and morning, and what each person chose."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from support.nights.path_world import CASE, OPENED, PathWorld, rules_text

from features.errors import UsageError
from serving.cases.digests.run_digests import preview_digest, run_digests
from serving.cases.digests.send_messages import send_messages
from serving.cases.escalation.message_choices import reset_choices, save_choices
from serving.cases.permissions import Actor, Role
from serving.delivery.channel import ChannelMessage, DeliveryError
from serving.operations.erase import erase_account
from serving.store.exchange import DIGEST, DigestRow, Message

ANN = Actor("ann", Role.REVIEWER, frozenset({"support"}))
BOB = Actor("bob", Role.LEAD, frozenset({"support"}))
PEOPLE = """
[people.ann]
title = "Ann Abel"
addresses = { mail = "ann@team.example", chat = "UANN" }
[people.bob]
addresses = { mail = "bob@team.example" }
[people.cid]
[people.eve]
addresses = { mail = "eve@team.example" }
[people.fay]
[people.max]
addresses = { mail = "max@team.example" }

[roles]
"support lead" = "bob"
"account executive" = "max"
"""
FRIDAY_8, SATURDAY_8 = datetime.fromisoformat("2026-01-02T08:00"), datetime.fromisoformat("2026-01-03T08:00")
ALL = {"digest": True, "at": "08:00", "weekdays": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}


class Inbox:
    """A channel that keeps what it got; it fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.messages: list[ChannelMessage] = []

    def send(self, message: ChannelMessage) -> None:
        if self.failures:
            self.failures -= 1
            raise DeliveryError("not now", retry_after=60.0)
        self.messages.append(message)

    def to(self, person: str) -> list[ChannelMessage]:
        return [message for message in self.messages if message.to == person]


@pytest.fixture
def world(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Callable[..., PathWorld]]:
    worlds: list[PathWorld] = []

    def build(more: str = PEOPLE, severity: str = "escalate_after_hours = [100]", **parts: Any) -> PathWorld:
        text = rules_text(more, severity).replace("respond_hours = 4", "respond_hours = 30")
        parts = {"account": "Acme GmbH", "headline": "Acme GmbH: usage fell by 40%"} | parts
        worlds.append(PathWorld.open(migrated_sqlite, tmp_path, text, **parts))
        return worlds[-1]

    yield build
    for built in worlds:
        built.close()


def deliver_at(case: PathWorld, at: datetime, inbox: Inbox) -> None:
    case.now = at
    send_messages(case.store, {"mail": inbox, "chat": inbox}, clock=lambda: at)


def test_one_message_with_everything_and_nothing_twice(world: Callable[..., PathWorld]) -> None:
    case, inbox = world(), Inbox()
    deliver_at(case, OPENED + timedelta(minutes=1), inbox)
    assert inbox.to("ann") == []  # due tomorrow: it waits for the morning
    for minutes in (0, 1, 90):
        deliver_at(case, FRIDAY_8 + timedelta(minutes=minutes), inbox)
    (digest,) = inbox.to("ann")
    assert digest.kind == "digest"
    assert digest.subject == "Your cases on Fri 2 Jan 2026: 1 new case"
    assert digest.text is not None
    assert digest.html is not None
    assert f'<a href="https://rescue.example/case/{CASE}">' in digest.html  # the page reaches the channel, too
    assert f"* Acme GmbH: Usage fell by 40%\n  https://rescue.example/case/{CASE}\n" in digest.text.replace(
        "usage", "Usage"
    )
    (informed,) = inbox.to("max")
    assert informed.subject == "Your morning on Fri 2 Jan 2026: 1 for your information"
    with case.store.reading() as session:
        assert {row.status for row in session.scalars(select(Message).where(Message.person == "ann"))} == {"sent"}


def test_a_day_on_which_nobody_needs_it_has_none(world: Callable[..., PathWorld]) -> None:
    case, inbox = world(), Inbox()
    deliver_at(case, FRIDAY_8, inbox)
    case.cases.claim(CASE, ANN)
    case.cases.contact(CASE, ANN, comment="They stay.")
    before = len(inbox.to("ann"))
    deliver_at(case, FRIDAY_8 + timedelta(days=4), inbox)
    deliver_at(case, FRIDAY_8 + timedelta(days=5), inbox)
    assert [it.subject for it in inbox.to("ann")[before:]] == [
        "Your cases on Tue 6 Jan 2026: 1 overdue",
        "Your cases on Wed 7 Jan 2026: 1 overdue",
    ]
    case.cases.resolve(CASE, ANN, verdict="saved", comment="They renewed.")
    deliver_at(case, FRIDAY_8 + timedelta(days=6), inbox)
    assert len(inbox.to("ann")) == before + 2
    with case.store.reading() as session:
        row = session.get_one(DigestRow, ("ann", date(2026, 1, 8)))
    assert (row.message_id, row.items) == (None, 0)


def test_what_is_due_today_overdue_mentioned_and_changed_by_others(world: Callable[..., PathWorld]) -> None:
    case, inbox = world(), Inbox()
    deliver_at(case, FRIDAY_8, inbox)
    case.now = FRIDAY_8 + timedelta(hours=2)
    case.cases.claim(CASE, ANN)
    case.cases.comment(CASE, BOB, text="I know their director. @ann call me first.")
    deliver_at(case, SATURDAY_8, inbox)
    digest = next(it for it in inbox.to("ann") if "Sat" in it.subject)
    assert digest.subject == "Your cases on Sat 3 Jan 2026: 1 due today, 1 mention, 1 changed"
    assert digest.text is not None
    assert (
        "Due today (1)\n-------------\n* Acme GmbH: contact the customer by Sat 3 Jan 2026, 12:00 (UTC)" in digest.text
    )
    assert "* Acme GmbH: bob commented: I know their director. @ann call me first." in digest.text
    deliver_at(case, SATURDAY_8 + timedelta(days=1), inbox)
    late = inbox.to("ann")[-1]
    assert late.subject == "Your cases on Sun 4 Jan 2026: 2 overdue"
    assert late.text is not None
    assert "contact the customer: it was due Sat 3 Jan 2026, 12:00 (UTC)" in late.text


def test_an_assignment_is_announced_at_once_and_never_to_oneself(world: Callable[..., PathWorld]) -> None:
    case = world()
    case.now = FRIDAY_8 + timedelta(hours=1)
    case.cases.assign(CASE, BOB, person="ann")
    sent = [it for it in case.sent() if it.kind == "case.assigned"]
    assert [(it.person, it.row.next_at) for it in sent] == [("ann", case.now)]
    assert "bob gave you the case of Acme GmbH." in sent[0].text
    case.cases.assign(CASE, BOB, person="bob")
    assert len([it for it in case.sent() if it.kind == "case.assigned"]) == 1


def test_each_person_chooses_time_days_channel_and_what_does_not_wait(world: Callable[..., PathWorld]) -> None:
    case, inbox = world(), Inbox()
    chosen = {"digest": True, "at": "10:30", "weekdays": ["sat"], "channel": "chat", "immediate": []}
    deliver_at(case, FRIDAY_8, inbox)
    save_choices(case.store, "ann", chosen, ("mail", "chat"), now=case.now)
    inbox.messages.clear()
    case.now = FRIDAY_8 + timedelta(hours=1)
    case.cases.assign(CASE, BOB, person="ann")
    deliver_at(case, FRIDAY_8 + timedelta(hours=8), inbox)
    assert inbox.to("ann") == []
    deliver_at(case, SATURDAY_8, inbox)
    deliver_at(case, SATURDAY_8 + timedelta(hours=2, minutes=30), inbox)
    assert [(it.kind, it.recipient) for it in inbox.to("ann")] == [("digest", "UANN")]
    reset_choices(case.store, "ann")
    case.cases.comment(CASE, BOB, text="@ann well done")
    deliver_at(case, case.now, inbox)
    assert inbox.to("ann")[-1].kind == "case.mentioned"


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"at": "late"}, "'late' cannot be read"),
        ({"weekdays": []}, "at least one day"),
        ({"weekdays": ["someday"]}, "someday"),
        ({"channel": "fax"}, "fax cannot be chosen: choose one of mail"),
        ({"immediate": ["everything"]}, "'everything'"),
    ],
)
def test_choices_that_there_are_not_are_refused(
    world: Callable[..., PathWorld], change: dict[str, object], part: str
) -> None:
    case = world()
    with pytest.raises(UsageError, match=part):
        save_choices(case.store, "ann", ALL | change, ("mail",), now=case.now)


def test_without_a_digest_what_waited_still_arrives_in_the_morning(world: Callable[..., PathWorld]) -> None:
    case, inbox = world(), Inbox()
    save_choices(case.store, "ann", ALL | {"digest": False}, ("mail",), now=case.now)
    deliver_at(case, FRIDAY_8, inbox)
    assert [it.kind for it in inbox.to("ann")] == ["case.opened"]


def test_a_failing_channel_delays_the_digest_and_doubles_nothing(world: Callable[..., PathWorld]) -> None:
    case, inbox = world(), Inbox(failures=1)
    deliver_at(case, FRIDAY_8, inbox)
    for minutes in (5, 10, 30):
        deliver_at(case, FRIDAY_8 + timedelta(minutes=minutes), inbox)
    assert [it.kind for it in inbox.to("ann")] == ["digest"]


def test_an_absent_person_gets_none_until_they_are_back(world: Callable[..., PathWorld]) -> None:
    case, inbox = world(absent={"max": (date(2026, 1, 2), date(2026, 1, 2))}), Inbox()
    deliver_at(case, FRIDAY_8, inbox)
    assert not [it for it in inbox.to("max") if it.kind == "digest"]


def test_a_preview_changes_nothing(world: Callable[..., PathWorld]) -> None:
    case = world()
    with case.store.reading() as session:
        digest = preview_digest(session, "ann", FRIDAY_8)
    assert digest.items == 1
    assert run_digests(case.store, now=FRIDAY_8).written == ["ann", "bob", "max"]
    assert run_digests(case.store, now=FRIDAY_8).written == []


def test_an_erased_account_is_in_no_digest_any_more(world: Callable[..., PathWorld]) -> None:
    case = world()
    run_digests(case.store, now=FRIDAY_8)
    erase_account(case.store, "a000000", "admin")
    with case.store.reading() as session:
        rows = session.scalars(select(Message).where(Message.kind == DIGEST)).all()
        assert {row.status for row in rows} == {"dead"}
        assert not [row.id for row in rows if "Acme" in str(row.payload) or "fell by" in str(row.payload)]
    inbox = Inbox()
    deliver_at(case, FRIDAY_8 + timedelta(minutes=1), inbox)
    assert [it for it in inbox.messages if "Acme" in it.body()] == []
