"""A case in a Slack channel: what the message says, how it follows the case, and what the thread tells."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from support.vendors.chat_world import ANN, BOB, ChatWorld
from support.vendors.fake_slack import ANN as ANN_MEMBER
from support.vendors.fake_slack import PLACE, TOKEN, FakeSlack, buttons, shown

from features.errors import UsageError
from serving.delivery.channel import ChannelMessage, DeliveryError
from serving.delivery.channel_settings import open_channels
from serving.delivery.chat.slack_app_channel import SlackAppChannel
from serving.store.exchange import Message

LINK = "https://rescue.example/case/c1"


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    fake = FakeSlack()
    with fake.running():
        yield fake


@pytest.fixture
def world(slack: FakeSlack, migrated_sqlite: Path, tmp_path: Path) -> Iterator[ChatWorld]:
    path = tmp_path / "queue.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    found = ChatWorld.open(f"sqlite:///{path}", slack.settings())
    yield found
    found.store.close()


def channel(slack: FakeSlack) -> SlackAppChannel:
    found = open_channels({"desk": slack.settings()})["desk"]
    assert isinstance(found, SlackAppChannel)
    return found


def to_ann(recipient: str | None, **more: Any) -> ChannelMessage:
    return ChannelMessage(
        "msg_1",
        "case.escalated",
        "2026-03-01T05:00:00Z",
        {"case": "c1", "headline": "Nordlicht"},
        title="Nordlicht: Escalated",
        text=f"Hello Ann,\n\n<!channel> has not answered.\n\nOpen it: {LINK}\n",
        link=LINK,
        to="ann",
        recipient=recipient,
        current={"version": 4, "state": "new", "acknowledged_by": None, "respond_by": "2026-03-02T05:00:00Z"},
        **more,
    )


def test_a_new_case_is_one_message_with_buttons(slack: FakeSlack, world: ChatWorld) -> None:
    assert world.deliver().sent == 1
    (message,) = slack.top()
    texts = shown(message)
    assert texts[:2] == ["Ünit a000000", "Usage fell 43%, see <!channel> and evil.example"]
    assert {"State: New", "Severity: normal", "Squad: north"} <= set(texts)
    assert any(text.startswith("Respond by: <!date^") and "UTC>" in text for text in texts)
    assert list(buttons(message)) == ["Acknowledge", "Claim", "Snooze …", "Disagree …", "Open in Rescue"]
    assert buttons(message)["Open in Rescue"]["url"] == f"https://rescue.example/case/{world.case_id()}"
    assert "<!channel>" not in message["text"]  # the notification is not plain text


def test_the_message_follows_the_case_and_the_thread_tells_what_happened(slack: FakeSlack, world: ChatWorld) -> None:
    world.deliver()
    world.cases.acknowledge(world.case_id(), BOB)
    world.deliver()
    (message,) = slack.top()
    assert "Acknowledged by: bob" in shown(message)
    assert "Acknowledge" not in buttons(message)
    world.cases.claim(world.case_id(), BOB)
    world.cases.comment(world.case_id(), ANN, text="I called <@UBOB12345>.")
    world.cases.snooze(world.case_id(), BOB, until=world.now.date().replace(day=20), reason="on leave")
    world.deliver_all()
    (message,) = slack.top()
    assert {"State: Snoozed", "Responsible: bob"} <= set(shown(message))
    assert list(buttons(message)) == ["Disagree …", "Open in Rescue"]
    world.cases.wake(world.case_id(), BOB)
    world.cases.resolve(world.case_id(), BOB, verdict="saved", comment="They renewed.")
    world.deliver_all()
    (message,) = slack.top()
    assert "State: Closed as saved" in shown(message)
    assert list(buttons(message)) == ["Open in Rescue"]
    commented, closed = slack.thread(message["ts"])
    assert (commented[:20], closed) == ("ann commented. I cal", "bob closed the case. They renewed.")
    assert "<@" not in commented


def test_an_older_state_that_comes_late_replaces_nothing(slack: FakeSlack, world: ChatWorld) -> None:
    world.deliver()
    world.cases.claim(world.case_id(), BOB)
    world.hold("case.changed", 1)
    world.cases.release(world.case_id(), BOB, reason="no time")
    world.deliver()
    world.now = world.now.replace(hour=23)
    world.deliver()
    assert "State: New" in shown(slack.top()[0])


def test_a_channel_without_announcements_posts_nothing_of_its_own(
    slack: FakeSlack, migrated_sqlite: Path, tmp_path: Path
) -> None:
    path = tmp_path / "quiet.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    world = ChatWorld.open(f"sqlite:///{path}", slack.settings(broadcast=False))
    with world.store:
        world.cases.claim(world.case_id(), BOB)
        world.deliver_all()
        assert slack.messages == []


def test_a_message_that_somebody_deleted_is_not_posted_again(slack: FakeSlack, world: ChatWorld) -> None:
    world.deliver()
    slack.messages.clear()
    world.cases.claim(world.case_id(), BOB)
    world.deliver_all()
    assert slack.top() == []
    with world.store.reading() as session:
        assert {one.status for one in session.scalars(select(Message))} == {"sent"}


def test_without_the_scope_to_look_a_message_comes_twice_rather_than_never(slack: FakeSlack, world: ChatWorld) -> None:
    slack.scopes.discard("history")
    slack.fail(None, lambda request: request.path.endswith("chat.postMessage"))
    world.deliver_all()
    assert len(slack.top()) == 2


def test_a_person_gets_the_message_directly_with_buttons(slack: FakeSlack) -> None:
    channel(slack).send(to_ann(ANN_MEMBER))
    (message,) = slack.messages
    assert message["channel"] == f"D{ANN_MEMBER[1:]}"
    assert shown(message)[0].startswith("Nordlicht: Escalated\n\nHello Ann,\n\n<!channel> has not answered.")
    assert list(buttons(message)) == ["Acknowledge", "Claim", "Snooze …", "Disagree …", "Open in Rescue"]
    channel(slack).send(to_ann(ANN_MEMBER, attempt=2))
    assert len(slack.messages) == 1  # an earlier attempt has posted it


def test_a_person_is_found_by_mail_and_nobody_is_guessed(slack: FakeSlack) -> None:
    channel(slack).send(to_ann("Ann@team.example"))
    assert [message["channel"] for message in slack.messages] == [f"D{ANN_MEMBER[1:]}"]
    with pytest.raises(DeliveryError, match="No member of the Slack workspace has the person's mail address") as caught:
        channel(slack).send(to_ann("nobody@team.example"))
    assert caught.value.permanent
    channel(slack).send(to_ann(None))
    assert slack.messages[-1]["channel"] == PLACE  # a role without an address: the channel itself


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"ok": False, "error": "not_in_channel"}, "not in the channel: invite it"),
        ({"ok": False, "error": "token_revoked"}, "install the app again"),
        ({"ok": False, "error": "<script>"}, r"refused \(unknown\)"),
        (["no", "object"], "Slack answered 200"),
    ],
)
def test_what_slack_refuses_is_a_sentence(slack: FakeSlack, answer: Any, said: str) -> None:
    slack.fail(200, body=answer)
    with pytest.raises(DeliveryError, match=said) as caught:
        channel(slack).send(to_ann(ANN_MEMBER))
    assert TOKEN not in str(caught.value)
    assert not caught.value.permanent


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"token": None}, "token is missing: set it in the environment, or token_file"),
        ({"token": "xoxp-1"}, "a bot token begins with xoxb-"),
        ({"token_file": Path("/nowhere")}, "token and token_file are both set"),
        ({"token": None, "token_file": Path("/nowhere")}, "/nowhere cannot be read"),
        ({"channel": "rescue"}, "write the id of the channel"),
        ({"allow": frozenset()}, "has to begin with https://"),
    ],
)
def test_a_wrong_setting_is_a_sentence_without_secrets(slack: FakeSlack, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        open_channels({"desk": slack.settings(**changes)})
    assert str(caught.value).startswith("[channels.desk] ")
    assert "canary" not in str(caught.value)
