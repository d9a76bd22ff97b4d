"""Messages to persons through each channel, and one message a morning for what can wait."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from support.nights.local_receivers import http_receiver, smtp_receiver
from support.nights.night_factory import NOW

from features.errors import UsageError
from serving.delivery.channel import ChannelMessage, DeliveryError
from serving.delivery.channel_settings import broadcast_channels, open_channels
from serving.delivery.file_channel import FileChannel
from serving.delivery.mail_channel import MailChannel
from serving.delivery.sender import deliver
from serving.delivery.slack_channel import SlackChannel
from serving.store import Store
from serving.store.exchange import Message

LOOPBACK = frozenset({"127.0.0.1"})
LINK = "https://rescue.example/case/c1"
TEXT = f"Hello Ann,\n\n<!channel> & evil.example left.\n\nOpen it: {LINK}\n"
TO_ANN = ChannelMessage(
    "msg_1",
    "case.opened",
    "2026-03-01T05:00:00Z",
    {"case": "c1", "headline": "<!channel> & evil.example"},
    title="<!channel> & evil.example: new case",
    text=TEXT,
    link=LINK,
    to="ann",
    recipient="UANN12345",
)


class Inbox:
    """A channel that keeps what it gets; it fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.messages: list[ChannelMessage] = []
        self.failures = failures

    def send(self, message: ChannelMessage) -> None:
        if self.failures:
            self.failures -= 1
            raise DeliveryError("not now", retry_after=60)
        self.messages.append(message)


def row(number: int, **changes: Any) -> Message:
    """A message to Ann that waits for the morning."""
    payload = {
        "timestamp": "2026-03-01T05:00:00Z",
        "to": "ann",
        "reader": "Ann Abel",
        "party": "informed",
        "subject": f"Account {number}: new case",
        "text": f"Hello Ann Abel,\n\nAccount {number} is a new case.\n\nOpen it: https://x.example/case/{number}\n",
        "link": f"https://x.example/case/{number}",
        "data": {"case": f"c{number}", "headline": f"Account {number}"},
    }
    fields: dict[str, Any] = {
        "id": f"msg_{number}",
        "channel": "mail",
        "kind": "case.opened",
        "person": "ann",
        "recipient": "ann@team.example",
        "batch": "msg_morning",
        "payload": payload,
        "status": "pending",
        "attempts": 0,
        "created_at": NOW + timedelta(seconds=number),
        "next_at": NOW + timedelta(hours=3),
    }
    return Message(**(fields | changes))


def store_rows(store: Store, rows: list[Message]) -> None:
    with store.transaction() as session:
        session.add_all(rows)


def statuses(store: Store) -> list[tuple[str, int]]:
    with store.reading() as session:
        return [(found.status, found.attempts) for found in session.scalars(select(Message).order_by(Message.id))]


def test_messages_of_a_morning_are_one(store: Store) -> None:
    store_rows(store, [row(1), row(2), row(3, batch=None, next_at=NOW), row(4, batch="other", person="bob")])
    inbox = Inbox()
    assert deliver(store, {"mail": inbox}, clock=lambda: NOW).sent == 1
    assert deliver(store, {"mail": inbox}, clock=lambda: NOW + timedelta(hours=3)).sent == 2
    assert [(message.id, message.kind) for message in inbox.messages] == [
        ("msg_3", "case.opened"),
        ("msg_1", "digest"),
        ("msg_4", "case.opened"),
    ]
    digest = inbox.messages[1]
    assert digest.subject == "2 messages about cases"
    assert (digest.text or "").startswith("Hello Ann Abel,\n\n2 messages that could wait until this morning:\n\n---")
    assert (digest.text or "").count("Hello") == 1
    assert "Open it: https://x.example/case/2" in (digest.text or "")
    assert statuses(store) == [("sent", 1)] * 4


def test_a_morning_that_fails_is_sent_again_with_the_same_id_and_content(store: Store) -> None:
    store_rows(store, [row(1), row(2)])
    inbox, later = Inbox(failures=1), NOW + timedelta(hours=3)
    assert deliver(store, {"mail": inbox}, clock=lambda: later).retried == 1
    assert deliver(store, {"mail": inbox}, clock=lambda: later).sent == 0
    assert deliver(store, {"mail": inbox}, clock=lambda: later + timedelta(hours=1)).sent == 1
    assert [message.id for message in inbox.messages] == ["msg_1"]
    assert statuses(store) == [("sent", 2), ("sent", 2)]


def test_a_mail_goes_to_the_person_as_plain_text() -> None:
    with smtp_receiver() as mailbox:
        MailChannel("127.0.0.1", "rescue@team.example", (), mailbox.port, "none").send(_to("ann@team.example"))
        team = ("team@team.example",)
        MailChannel("127.0.0.1", "rescue@team.example", team, mailbox.port, "none").send(_to(None))
    first, second = mailbox.messages
    assert (first["To"], second["To"]) == ("ann@team.example", "team@team.example")
    assert first["Subject"] == "<!channel> & evil.example: new case"
    assert first["Auto-Submitted"] == "auto-generated"
    assert first.get_content_type() == "text/plain"
    assert first.get_content().replace("\r\n", "\n") == TEXT


def test_a_mail_to_nobody_is_refused_for_good() -> None:
    with pytest.raises(DeliveryError, match="no recipients") as caught:
        MailChannel("localhost", "rescue@team.example", ()).send(_to(None))
    assert caught.value.permanent


def test_slack_mentions_the_person_and_links_only_to_the_case() -> None:
    with http_receiver() as receiver:
        SlackChannel(receiver.url, LOOPBACK).send(TO_ANN)
        text = json.loads(receiver.requests[0][1])["text"]
    assert text.startswith("<@UANN12345> &lt;!channel&gt; &amp; evil")
    assert text.endswith(f"Open it: <{LINK}>")
    assert "evil.example" not in text


def test_a_file_has_the_text_and_the_address(tmp_path: Path) -> None:
    FileChannel(tmp_path).send(TO_ANN)
    data = json.loads((tmp_path / "msg_1.json").read_text())["data"]
    assert (data["to"], data["recipient"], data["text"], data["link"]) == ("ann", "UANN12345", TEXT, LINK)


def test_a_channel_can_be_for_people_only(tmp_path: Path) -> None:
    settings = {
        "files": {"kind": "file", "folder": str(tmp_path)},
        "people": {"kind": "file", "folder": str(tmp_path), "broadcast": False},
        "mail": {"kind": "email", "host": "h", "sender": "s@x.example"},
        "team": {"kind": "email", "host": "h", "sender": "s@x.example", "recipients": ["t@x.example"]},
    }
    assert set(open_channels(settings)) == set(settings)
    assert broadcast_channels(settings) == ("files", "team")
    with pytest.raises(UsageError, match="broadcast"):
        open_channels({"files": {"kind": "file", "folder": "x", "broadcast": "never"}})


def _to(recipient: str | None) -> ChannelMessage:
    return ChannelMessage(
        "msg_1", "case.opened", TO_ANN.timestamp, TO_ANN.data, title=TO_ANN.title, text=TEXT, recipient=recipient
    )
