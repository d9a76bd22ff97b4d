"""Links in mails: they open a page that asks, they are for one person and one case, and they end."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.nights.local_receivers import Mailbox, smtp_receiver
from support.vendors.chat_world import ANN, BOB, DESK, ChatWorld
from support.web.page_forms import token_in
from support.web.web_people import HERE, TestClient, csrf_of

from features.errors import UsageError
from serving.cases.permissions import Role
from serving.cases.sla_timers import run_timers
from serving.delivery.channel_settings import message_settings
from serving.paths.references.answer_links import AnswerLinks
from serving.store import Store
from serving.store.queries.case_queries import case_history
from serving.store.tables import CaseEvent
from serving.web import create_app
from serving.web.access import Person
from serving.web.identity import users
from serving.web.identity.review_settings import ReviewSettings

KEY = "canary-key-" + "k" * 32
SETTINGS = ReviewSettings.model_validate({"answer_key": KEY, "address": "https://rescue.example/"})
LINKS = AnswerLinks("https://rescue.example", KEY)


@dataclass
class Mails:
    """The app, and the queue behind it."""

    world: ChatWorld
    app: Any
    client: TestClient

    def path(self, person: str = "ann", hours: int = 0) -> str:
        link = LINKS.link(self.world.case_id(), person, self.world.now - timedelta(hours=hours))
        return link.removeprefix("https://rescue.example")

    def get(self, path: str) -> Any:
        return self.client.get(path)

    def answer(self, path: str, action: str, **texts: str) -> Any:
        """Open the link, and send its form as a browser does."""
        page = self.client.get(path).text
        version = re.search(r'name="version" value="(\d+)"', page)
        assert version, page
        sent = {"csrf": token_in(page), "version": version[1], "token": path.partition("token=")[2], "action": action}
        return self.client.post("/answer", data=sent | texts)

    def events(self) -> list[CaseEvent]:
        with self.world.store.reading() as session:
            return [event for event in case_history(session, self.world.case_id()) if event.kind != "opened"]


@pytest.fixture
def mails(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Mails]:
    path = tmp_path / "queue.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    world = ChatWorld.open(
        f"sqlite:///{path}", {"kind": "file", "folder": tmp_path}, headline="Nordlicht: <b>Usage</b>"
    )
    for name, squad in (("ann", "north"), ("bob", "north"), ("dan", "south")):
        users.save_user(world.store, name, [Role.REVIEWER], [squad], None)
    app = create_app(world.store, SETTINGS, clock=lambda: world.now)
    with TestClient(app, base_url=HERE) as client, world.store:
        yield Mails(world, app, client)


def test_opening_a_link_changes_nothing_and_the_form_acknowledges(mails: Mails) -> None:
    page = mails.get(mails.path())
    assert page.status_code == 200
    assert "You answer as ann" in page.text
    assert "&lt;b&gt;Usage&lt;/b&gt;" in page.text
    assert mails.client.head(mails.path()).status_code in {200, 405}
    assert mails.events() == []
    done = mails.answer(mails.path(), "acknowledge")
    assert (done.status_code, "You have acknowledged the case." in done.text) == (200, True)
    (event,) = mails.events()
    assert (event.actor, event.kind, event.after["via"]) == ("ann", "acknowledge", "mail")
    assert "Acknowledge the case" not in mails.get(mails.path()).text


def test_snoozing_and_disagreeing_need_a_text_and_work_once(mails: Mails) -> None:
    path = mails.path()
    empty = mails.answer(path, "snooze", days="7", text="  ")
    assert (empty.status_code, "Write why it can wait" in empty.text) == (422, True)
    assert "Choose how long" in mails.answer(path, "snooze", text="later").text
    reason = re.search(r'<option value="([^"]+)"', mails.get(path).text)
    assert reason
    said = mails.answer(path, "disagree", reason=reason[1], text="They moved to the new product.")
    assert "The analyst reads it." in said.text
    again = mails.answer(path, "disagree", reason=reason[1], text="Once more.")
    assert (again.status_code, "used already" in again.text) == (409, True)
    other_spelling = mails.answer(f"{path}=", "disagree", reason=reason[1], text="Twice more.")
    assert (other_spelling.status_code, "used already" in other_spelling.text) == (409, True)
    assert mails.answer(path, "snooze", days="7", text="On leave.").status_code == 200
    assert [(event.kind, event.comment) for event in mails.events()] == [
        ("disagree", "They moved to the new product."),
        ("snooze", "On leave."),
    ]
    assert str(mails.world.case().snoozed_until) == "2026-03-08"


def test_a_form_that_became_old_says_so_and_can_be_sent_again(mails: Mails) -> None:
    path = mails.path()
    page = mails.get(path).text
    mails.world.cases.claim(mails.world.case_id(), BOB)
    sent = {"csrf": token_in(page), "version": "1", "token": path.partition("token=")[2], "action": "acknowledge"}
    refused = mails.client.post("/answer", data=sent)
    assert (refused.status_code, "bob claimed the case before you" in refused.text) == (409, True)
    assert mails.answer(path, "acknowledge").status_code == 200


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda mails: mails.path() + "x", "not valid"),
        (lambda mails: "/answer", "not valid"),
        (lambda mails: "/answer?token=" + "ü" * 3000, "not valid"),
        (lambda mails: mails.path(hours=73), "has expired"),
        (lambda mails: mails.path("nobody"), "nobody has no user in Rescue"),
        (lambda mails: mails.path("dan"), "belongs to another squad"),
        (
            lambda mails: AnswerLinks("", "another key" * 9).link(mails.world.case_id(), "ann", mails.world.now),
            "not valid",
        ),
    ],
)
def test_a_link_that_permits_nothing_shows_nothing(mails: Mails, spoil: Any, said: str) -> None:
    page = mails.get(spoil(mails))
    assert page.status_code in {403, 404}
    assert said in page.text
    assert "Nordlicht" not in page.text


def test_a_link_is_not_for_somebody_else_who_is_signed_in(mails: Mails) -> None:
    bob = Person("bob", frozenset({Role.REVIEWER}), frozenset({"north"}))
    mails.client.cookies.clear()
    assert mails.client.get(mails.app.state.identity.one_time_link(bob)).status_code in {200, 303, 404}
    value = mails.app.state.identity.sessions.begin(bob, how="link", address=None)
    mails.client.cookies.set("__Host-rescue", value, domain="rescue.example")
    page = mails.get(mails.path())
    assert (page.status_code, "you are signed in as bob" in page.text) == (403, True)
    mails.world.now += timedelta(0)
    assert "You answer as bob" in mails.get(mails.path("bob")).text


def test_a_disabled_or_revoked_person_answers_no_more(mails: Mails) -> None:
    path = mails.path()
    users.disable_user(mails.world.store, "ann")
    assert "ann is disabled" in mails.get(path).text


def test_a_form_from_another_site_is_refused(mails: Mails) -> None:
    path = mails.path()
    csrf_of(mails.client)
    forged = mails.client.post("/answer", data={"token": path.partition("token=")[2], "action": "acknowledge"})
    assert forged.status_code == 403
    assert mails.events() == []


def test_without_a_key_there_are_no_links(mails: Mails) -> None:
    app = create_app(mails.world.store, ReviewSettings())
    with TestClient(app, base_url=HERE) as client:
        assert "Links in mails are not used here" in client.get(mails.path()).text


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"answer_key": "short", "address": "https://x.example"}, "at least 32 characters"),
        ({"answer_key": KEY}, "needs review.address"),
        ({"answer_key": KEY, "answer_key_file": "/nowhere"}, "both set"),
    ],
)
def test_a_wrong_setting_is_a_sentence_without_the_key(settings: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        _ = ReviewSettings.model_validate(settings).answer_links
    assert "canary" not in str(caught.value)


def mailed(mailbox: Mailbox) -> list[str]:
    return [str(message.get_body().get_content()) for message in mailbox.messages]  # type: ignore[union-attr]


def test_only_mails_that_ask_somebody_to_act_at_once_have_a_link(migrated_sqlite: Path, tmp_path: Path) -> None:
    path = tmp_path / "mail.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    people = {"ann": {"mail": "ann@team.example"}, "bob": {"mail": "bob@team.example"}}
    with smtp_receiver() as mailbox:
        settings = {
            "kind": "email",
            "host": "127.0.0.1",
            "port": mailbox.port,
            "security": "none",
            "sender": "rescue@team.example",
        }
        world = ChatWorld.open(f"sqlite:///{path}", settings, people=people)
        world.store.close()
        messages = message_settings({DESK: settings}, "https://rescue.example", LINKS)
        world.store = Store(f"sqlite:///{path}", messages)
        with world.store:
            world.cases.assign(world.case_id(), ANN, person="bob")
            world.cases.release(world.case_id(), BOB, reason="no time")
            world.now += timedelta(hours=30)
            run_timers(world.store, now=world.now, trust_clock=True)
            world.deliver()
        texts = mailed(mailbox)
        asking = [text for text in texts if "/answer?token=" in text]
        assert asking
        for text in asking:
            assert text.count("/answer?token=") == 1
            token = re.search(r"token=(\S+)", text)
            assert token
            link = LINKS.read(token[1], world.now)
            assert link.case == world.case_id()
            assert "works for 72 hours" in text
        assert all("canary" not in text for text in texts)
