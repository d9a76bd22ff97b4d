"""Channels against real servers, and the sender's schedule."""

import json
import logging
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stamina
from sqlalchemy import select
from standardwebhooks import Webhook
from support.nights.handoff_factory import handoff
from support.nights.local_receivers import Receiver, http_receiver, smtp_receiver
from support.nights.night_factory import NOW, open_cases

from features.errors import UsageError
from serving.delivery.channel import ChannelMessage, DeliveryError
from serving.delivery.channel_settings import open_channels
from serving.delivery.file_channel import FileChannel
from serving.delivery.mail_channel import MailChannel
from serving.delivery.outbox import dead_letters
from serving.delivery.sender import ATTEMPTS, FAILURES, MESSAGE_LEASE, deliver, retry_delay
from serving.delivery.slack_channel import SlackChannel
from serving.delivery.web_requests.addresses import is_public, resolve
from serving.delivery.webhook_channel import WebhookChannel
from serving.handoff.render import html, markdown
from serving.store import Store
from serving.store.exchange import Message

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoZS10ZXN0cw=="
LOOPBACK = frozenset({"127.0.0.1"})
MESSAGE = ChannelMessage(
    "msg_1",
    "case.escalated",
    "2026-03-01T05:00:00Z",
    {"case": "c1", "headline": "<!channel> Ünit & Co\nmay leave", "squad": "north", "severity": "high", "state": "new"},
)


def hook(receiver: Receiver) -> WebhookChannel:
    """A channel that waits long for an answer: only a receiver that never gives one may let it run out of time."""
    return WebhookChannel(receiver.url, SECRET, LOOPBACK, 0.3 if "hang" in receiver.script else 30.0)


def messages(store: Store) -> list[Message]:
    with store.reading() as session:
        return list(session.scalars(select(Message).order_by(Message.id)))


def test_a_webhook_can_be_verified_by_anyone_who_has_the_secret() -> None:
    with http_receiver() as receiver:
        hook(receiver).send(MESSAGE)
        headers, body = receiver.requests[0]
    told = Webhook(SECRET).verify(body, headers)
    assert (headers["webhook-id"], told["type"], told["data"]["case"]) == ("msg_1", "case.escalated", "c1")


@pytest.mark.parametrize(
    ("answer", "permanent", "retry_after"),
    [
        (500, False, None),
        ((429, {"retry-after": "120"}), False, 120.0),
        (410, True, None),
        (404, False, None),
        ((302, {"location": "/elsewhere"}), True, None),
        ("drop", False, None),
        ("hang", False, None),
    ],
)
def test_how_a_receiver_fails_decides_what_is_next(answer: object, permanent: bool, retry_after: float | None) -> None:
    with http_receiver(answer) as receiver, pytest.raises(DeliveryError) as caught:
        hook(receiver).send(MESSAGE)
    assert (caught.value.permanent, caught.value.retry_after) == (permanent, retry_after)
    assert "http" not in str(caught.value), "the host may be named, and nothing else of the address"


def test_a_redirect_within_the_host_is_followed_and_not_forever() -> None:
    with http_receiver((307, {"location": "/next"}), 200) as receiver:
        hook(receiver).send(MESSAGE)
        assert [body for _, body in receiver.requests] == [MESSAGE.body()] * 2
    with http_receiver((308, {"location": "/in"})) as receiver, pytest.raises(DeliveryError, match="more than 3"):
        hook(receiver).send(MESSAGE)


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.2:{port}/x", "https://localhost:{port}/x", "https://[::1]:{port}/x", "ftp://127.0.0.1/x", "//0/x"],
)
def test_no_redirect_leads_inside(target: str) -> None:
    with http_receiver() as inner:
        location = target.format(port=inner.port)
        with http_receiver((307, {"location": location})) as outer, pytest.raises(DeliveryError) as caught:
            hook(outer).send(MESSAGE)
        assert caught.value.permanent
        assert inner.requests == []


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "10.0.0.8", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "2130706433",
     "0x7f.1", "::1", "::ffff:127.0.0.1", "fd00::1", "fe80::1", "64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1"],
)  # fmt: skip
def test_inner_addresses_are_refused_in_every_spelling(host: str) -> None:
    with pytest.raises(DeliveryError, match=r"private network|cannot be resolved"):
        resolve(host, 443)


def test_public_addresses_are_not_refused() -> None:
    assert str(resolve("93.184.216.34", 443)) == "93.184.216.34"
    assert is_public(resolve("2606:2800:220:1::1", 443))


def test_slack_text_can_neither_mention_nor_break_out() -> None:
    with http_receiver() as receiver:
        SlackChannel(receiver.url, LOOPBACK).send(MESSAGE)
        text = json.loads(receiver.requests[0][1])["text"]
    assert text.splitlines()[0] == "Case escalated: &lt;!channel&gt; Ünit &amp; Co may leave"


def test_mail_arrives_whole_with_a_stable_id() -> None:
    with smtp_receiver() as mailbox:
        channel = MailChannel("127.0.0.1", "rescue@example.org", ("team@example.org",), mailbox.port, "none")
        channel.send(MESSAGE)
        channel.send(MESSAGE)
    first, second = mailbox.messages
    assert first["Message-ID"] == second["Message-ID"] == "<msg_1@example.org>"
    assert first["Subject"] == "Case escalated: <!channel> Ünit & Co may leave"
    assert "Case c1, north, new." in first.get_content()


def unfolded(part: Any) -> str:
    """What was sent, before the mail's own line ends."""
    return str(part.get_content()).replace("\r\n", "\n")


def test_a_mailed_hand_off_is_text_and_a_page_that_fetches_nothing() -> None:
    package = handoff()
    with smtp_receiver() as mailbox:
        channel = MailChannel("127.0.0.1", "rescue@example.org", ("team@example.org",), mailbox.port, "none")
        channel.send(replace(MESSAGE, kind="case.opened", handoff=package.to_json()))
    (message,) = mailbox.messages
    assert message.get_content_type() == "multipart/alternative"
    text, page = message.iter_parts()
    assert (text.get_content_type(), unfolded(text)) == ("text/plain", markdown(package))
    assert (page.get_content_type(), unfolded(page)) == ("text/html", html(package) + "\n")
    assert "&lt;b&gt;Logistik&lt;/b&gt;" in page.get_content()
    assert not re.search(r"<(script|img|link|iframe|a)\b|url\(", page.get_content())


@pytest.mark.parametrize(("answer", "permanent"), [("451 later", False), ("554 never", True)])
def test_a_mail_server_that_refuses(answer: str, permanent: bool) -> None:
    with smtp_receiver() as mailbox:
        mailbox.answer = answer
        channel = MailChannel("127.0.0.1", "rescue@example.org", ("team@example.org",), mailbox.port, "none")
        with pytest.raises(DeliveryError) as caught:
            channel.send(MESSAGE)
        mailbox.refuse = lambda _: "550 nobody"
        with pytest.raises(DeliveryError, match="every recipient"):
            channel.send(MESSAGE)
    assert caught.value.permanent is permanent


def test_a_mail_server_that_is_not_there() -> None:
    with pytest.raises(DeliveryError, match="could not be reached"):
        MailChannel("127.0.0.1", "rescue@example.org", ("team@example.org",), 9, "none").send(MESSAGE)


def test_mail_without_encryption_is_not_what_is_asked_for() -> None:
    with smtp_receiver() as mailbox, pytest.raises(DeliveryError):
        MailChannel("127.0.0.1", "rescue@example.org", ("team@example.org",), mailbox.port).send(MESSAGE)
    assert mailbox.messages == []


def test_a_file_is_whole_and_the_same_letter_is_the_same_file(tmp_path: Path) -> None:
    channel = FileChannel(tmp_path / "out")
    channel.send(MESSAGE)
    channel.send(MESSAGE)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["msg_1.json"]
    assert json.loads((tmp_path / "out" / "msg_1.json").read_text())["data"]["case"] == "c1"


def test_the_night_is_delivered_with_its_handoff(store: Store) -> None:
    open_cases(store, 2)
    with http_receiver() as receiver:
        done = deliver(store, {"hook": hook(receiver)}, clock=lambda: NOW)
        again = deliver(store, {"hook": hook(receiver)}, clock=lambda: NOW)
    assert (done.sent, again.sent) == (2, 0)
    told = json.loads(receiver.requests[0][1])["data"]
    assert (told["handoff"]["account_id"], told["handoff"]["as_of"]) == (told["account_id"], "2026-03-01")
    assert {message.status for message in messages(store)} == {"sent"}


def test_failures_wait_longer_each_time_and_end_as_dead_letters(store: Store) -> None:
    open_cases(store, 1)
    now = NOW
    with http_receiver(500) as receiver:
        for _ in range(ATTEMPTS):
            assert deliver(store, {"hook": hook(receiver)}, clock=lambda at=now: at).sent == 0
            assert deliver(store, {"hook": hook(receiver)}, clock=lambda at=now: at).retried == 0
            now += retry_delay(ATTEMPTS) + MESSAGE_LEASE
        dead = messages(store)[0]
        assert (dead.status, dead.attempts, dead.error) == ("dead", ATTEMPTS, "The receiver answered 500.")
        receiver.script = [200]
        assert deliver(store, {"hook": hook(receiver)}, replay=dead.id, clock=lambda: now).sent == 1
    assert receiver.ids == [dead.id] * (ATTEMPTS + 1)


def test_a_receiver_that_is_gone_is_not_asked_again(store: Store) -> None:
    open_cases(store, 1)
    with http_receiver(410) as receiver:
        assert deliver(store, {"hook": hook(receiver)}, clock=lambda: NOW).dead == 1
        assert deliver(store, {"hook": hook(receiver)}, clock=lambda: NOW + timedelta(days=9)).dead == 0
    assert len(receiver.requests) == 1


def test_one_bad_channel_holds_up_no_other(store: Store) -> None:
    class Broken:
        def send(self, _message: ChannelMessage) -> None:
            raise KeyError("a secret word")

    open_cases(store, 2)
    done = deliver(store, {"hook": Broken()}, clock=lambda: NOW)
    assert done.retried == 2
    assert {message.error for message in messages(store)} == {"The channel itself failed (KeyError)."}


def test_a_hiccup_is_waited_out_at_once(store: Store) -> None:
    open_cases(store, 1)
    with http_receiver(500, "drop", 200) as receiver, stamina.set_testing(True, attempts=3):
        done = deliver(store, {"hook": hook(receiver)}, clock=lambda: NOW)
    assert (done.sent, done.retried, len(receiver.requests)) == (1, 0, 3)
    assert len(set(receiver.ids)) == 1
    assert messages(store)[0].attempts == 1


@pytest.mark.parametrize("answer", [410, (429, {"retry-after": "120"})])
def test_what_is_final_or_asks_for_time_is_not_tried_again_at_once(store: Store, answer: object) -> None:
    open_cases(store, 1)
    with http_receiver(answer) as receiver, stamina.set_testing(True, attempts=3):
        deliver(store, {"hook": hook(receiver)}, clock=lambda: NOW)
    assert len(receiver.requests) == 1


def test_a_channel_that_fails_in_a_row_rests_until_the_next_run(store: Store) -> None:
    open_cases(store, FAILURES + 3)
    with http_receiver("hang") as silent, http_receiver() as well:
        done = deliver(store, {"hook": hook(silent)}, clock=lambda: NOW)
        silent.wait_for(FAILURES)
        assert (done.retried, done.paused, len(silent.requests)) == (FAILURES, ["hook"], FAILURES)
        later = deliver(store, {"hook": hook(well)}, clock=lambda: NOW)
    assert (later.sent, later.paused) == (3, [])


def test_dead_letters_are_listed_with_their_id_and_why(store: Store) -> None:
    open_cases(store, 2)
    with http_receiver(410) as receiver:
        deliver(store, {"hook": hook(receiver)}, clock=lambda: NOW)
    with store.reading() as session:
        given_up = dead_letters(session)
    assert {message.id for message in given_up} == set(receiver.ids)
    assert {message.error for message in given_up} == {"The receiver is gone (410)."}


def test_messages_for_a_channel_that_is_not_set_up_wait_and_are_counted(store: Store) -> None:
    open_cases(store, 2)
    done = deliver(store, {}, clock=lambda: NOW)
    assert (done.without_channel, {message.status for message in messages(store)}) == (2, {"pending"})


def test_replaying_an_unknown_message_is_said(store: Store) -> None:
    with pytest.raises(UsageError, match="no message 'msg_x'"):
        deliver(store, {}, replay="msg_x", clock=lambda: NOW)


def test_no_secret_is_logged_or_kept(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    open_cases(store, 1)
    with http_receiver(500) as receiver, caplog.at_level(logging.INFO):
        url = receiver.url + "/T0CANARY"
        channels = {"hook": WebhookChannel(url, SECRET, LOOPBACK, 30.0)}
        deliver(store, channels, clock=lambda: NOW)
    kept = caplog.text + repr(channels) + str(messages(store)[0].error)
    assert "answered 500" in caplog.text
    assert "CANARY" not in kept
    assert SECRET not in kept


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"kind": "webhok"}, r"\[channels.crm\] kind: there is no channel 'webhok': did you mean 'webhook'\?"),
        ({}, r"\[channels.crm\] kind: there is no channel ''.*email, file, .*slack, slack_app, .*webhook"),
        (
            {"kind": "webhook", "ulr": "https://CANARY", "secret": SECRET},
            r"ulr is not a key here.*'url'\?",
        ),
        ({"kind": "webhook", "url": "https://10.0.0.5/CANARY", "secret": SECRET}, "private network"),
        ({"kind": "webhook", "url": "https://0x7f.1/CANARY", "secret": SECRET}, "private network"),
        ({"kind": "slack", "url": "https://localhost/CANARY"}, "private network"),
        ({"kind": "slack", "url": "http://hooks.example/CANARY"}, "has to begin with https"),
        ({"kind": "slack", "url": "CANARY"}, "has to begin with https"),
        ({"kind": "slack", "url": "https://\x00CANARY/"}, "cannot be read"),
        ({"kind": "webhook", "url": "https://CANARY"}, r"crm\] secret is missing: .*RESCUE_CHANNELS__CRM__SECRET_FILE"),
        ({"kind": "webhook", "url": "https://CANARY", "secret": "!"}, "has to be base64"),
        ({"kind": "email", "host": "h", "sender": "s", "recipients": []}, "recipients"),
        ({"kind": "file", "folder": "x", "colour": "red"}, "colour"),
    ],
)
def test_a_wrong_channel_setting_is_one_sentence_without_values(table: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        open_channels({"crm": table})
    assert "CANARY" not in str(caught.value)


def test_settings_open_each_kind(tmp_path: Path) -> None:
    channels = open_channels(
        {
            "crm": {"kind": "webhook", "url": "https://hooks.example", "secret": SECRET},
            "chat": {"kind": "slack", "url": "https://chat.example"},
            "mail": {"kind": "email", "host": "mx", "sender": "a@b", "recipients": ["c@d"], "password": "p"},
            "disk": {"kind": "file", "folder": str(tmp_path)},
        }
    )
    assert {name: type(channel) for name, channel in channels.items()} == {
        "crm": WebhookChannel,
        "chat": SlackChannel,
        "mail": MailChannel,
        "disk": FileChannel,
    }
    assert "hooks.example" not in repr(channels["crm"])
