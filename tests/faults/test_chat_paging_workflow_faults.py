"""Whatever goes wrong between Rescue and a chat, a paging service or a workflow engine: every case is there once."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.vendors.chat_world import BOB, DESK, ChatWorld
from support.vendors.fake_paging import FakeOpsgenie, FakePagerDuty
from support.vendors.fake_slack import FakeSlack
from support.vendors.fake_vendor import FakeVendor, VendorRequest
from support.vendors.fake_workflows import FakeCamunda7, FakeCamunda8, FakeN8n, FakeUiPath

from serving.delivery.channel_settings import open_channels
from serving.delivery.sender import deliver
from serving.store.exchange import ExternalRecordRow, Message


class System(NamedTuple):
    """A fake, its settings, and what it has: the keys of the cases, one for each thing that a person would see."""

    make: Callable[[], Any]
    settings: Callable[[Any], dict[str, Any]]
    there: Callable[[Any], list[str]]
    creates: Callable[[VendorRequest], bool]


SYSTEMS = {
    "slack": System(
        FakeSlack,
        lambda fake: fake.settings(),
        lambda fake: [one["metadata"]["event_payload"]["case"] for one in fake.top()],
        lambda request: request.path.endswith("chat.postMessage"),
    ),
    "pagerduty": System(
        FakePagerDuty, lambda fake: fake.settings(), lambda fake: fake.opened, lambda request: request.method == "POST"
    ),
    "opsgenie": System(
        FakeOpsgenie,
        lambda fake: fake.settings(),
        lambda fake: list(fake.alerts),
        lambda request: request.path == "/v2/alerts",
    ),
    "camunda 8, business id": System(
        lambda: FakeCamunda8(unique=True),
        lambda fake: fake.settings(process="rescue", business_id=True),
        lambda fake: [one["variables"]["rescue_key"] for one in fake.instances],
        lambda request: request.path == "/v2/process-instances",
    ),
    "camunda 8, asked": System(
        FakeCamunda8,
        lambda fake: fake.settings(process="rescue"),
        lambda fake: [one["variables"]["rescue_key"] for one in fake.instances],
        lambda request: request.path == "/v2/process-instances",
    ),
    "camunda 8, message": System(
        FakeCamunda8,
        lambda fake: fake.settings(start_message="rescue-case"),
        lambda fake: list(fake.published),
        lambda request: request.path == "/v2/messages/publication",
    ),
    "camunda 7": System(
        FakeCamunda7,
        lambda fake: fake.settings(),
        lambda fake: [one["businessKey"] for one in fake.instances],
        lambda request: request.path.endswith("/start"),
    ),
    "uipath, unique": System(
        FakeUiPath,
        lambda fake: fake.settings(),
        lambda fake: [one["Reference"] for one in fake.items],
        lambda request: request.path.endswith("AddQueueItem"),
    ),
    "uipath, asked": System(
        lambda: FakeUiPath(unique=False),
        lambda fake: fake.settings(),
        lambda fake: [one["Reference"] for one in fake.items],
        lambda request: request.path.endswith("AddQueueItem"),
    ),
    "n8n": System(
        FakeN8n,
        lambda fake: fake.settings(),
        lambda fake: list(fake.executions),
        lambda request: request.method == "POST",
    ),
}


@pytest.fixture(params=SYSTEMS, scope="module")
def system(request: pytest.FixtureRequest) -> System:
    return SYSTEMS[request.param]


@pytest.fixture
def open_world(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Callable[..., ChatWorld]]:
    worlds: list[ChatWorld] = []

    def opened(settings: dict[str, Any], **how: Any) -> ChatWorld:
        path = tmp_path / f"queue-{len(worlds)}.db"
        path.write_bytes(migrated_sqlite.read_bytes())
        worlds.append(ChatWorld.open(f"sqlite:///{path}", settings, **how))
        return worlds[-1]

    yield opened
    for world in worlds:
        world.store.close()


def test_every_fault_leaves_each_case_there_once(system: System, open_world: Callable[..., ChatWorld]) -> None:
    fake: FakeVendor = system.make()
    with fake.running():
        world = open_world(system.settings(fake), count=5)
        world.deliver_and_die()
        fake.fail(500, system.creates)
        fake.fail(429, system.creates, headers={"Retry-After": "7"})
        fake.fail(None, system.creates)  # done, and the answer is lost
        world.deliver_all()
        assert len(system.there(fake)) == len(set(system.there(fake))) == 5
        before = list(system.there(fake))
        world.send_again()
        world.deliver_all()
        assert system.there(fake) == before  # a replay by an operator adds nothing


def test_a_receiver_that_asks_for_time_gets_it(system: System, open_world: Callable[..., ChatWorld]) -> None:
    fake: FakeVendor = system.make()
    with fake.running():
        world = open_world(system.settings(fake))
        fake.fail(429, system.creates, headers={"Retry-After": "90"})
        world.deliver()
        with world.store.reading() as session:
            waits = {(one.next_at - world.now).total_seconds() >= 90 for one in session.query(Message)}
        assert waits == {True}
        assert world.deliver().sent == 0


def test_what_is_over_is_over_there_also_when_messages_come_late(open_world: Callable[..., ChatWorld]) -> None:
    fake = FakePagerDuty()
    with fake.running():
        world = open_world(fake.settings())
        world.deliver()
        world.cases.claim(world.case_id(), BOB)
        assert next(iter(fake.alerts.values()))["state"] == "triggered"
        world.deliver_all()
        assert next(iter(fake.alerts.values()))["state"] == "acknowledged"
        world.cases.resolve(world.case_id(), BOB, verdict="saved", comment="They stay.")
        world.deliver_all()
        world.send_again(lambda message: message.kind == "case.opened")
        world.deliver_all()
        assert [(alert["state"], alert["triggers"]) for alert in fake.alerts.values()] == [("resolved", 1)]


def test_tokens_that_expire_are_renewed_within_the_attempt(open_world: Callable[..., ChatWorld]) -> None:
    for fake, settings in ((camunda := FakeCamunda8(), {"process": "rescue"}), (uipath := FakeUiPath(), {})):
        with fake.running():
            world = open_world(fake.settings(**settings), count=2)
            channels = open_channels({DESK: world.settings})
            assert deliver(world.store, channels, clock=lambda world=world: world.now).sent == 2
            fake.expire_token()
            world.send_again()
            with world.store.transaction() as session:
                for row in session.query(ExternalRecordRow):
                    session.delete(row)
            assert deliver(world.store, channels, clock=lambda world=world: world.now).sent == 2
            assert [request.path for request in fake.requests].count("/token") == 2
    assert len(camunda.instances) == 4  # the records are gone, and a first attempt does not ask
    assert len(uipath.items) == 2


def test_wrong_credentials_are_a_sentence_without_them(
    open_world: Callable[..., ChatWorld], caplog: pytest.LogCaptureFixture
) -> None:
    secrets = []
    for name, system in SYSTEMS.items():
        fake = system.make()
        with fake.running():
            settings = system.settings(fake)
            for key in ("token", "routing_key", "key", "client_secret", "value"):
                if key in settings:
                    settings[key] = "xoxb-wrong-canary" if name == "slack" else "wrong-canary"
                    secrets.append(settings[key])
            if name == "camunda 7":
                continue
            world = open_world(settings)
            assert world.deliver().retried == 1, name
            with world.store.reading() as session:
                said = [one.error for one in session.query(Message) if one.error]
            assert len(said) == 1
            assert "canary" not in said[0]
            assert any(word in said[0] for word in ("refuse", "credentials", "integration key")), said
    assert secrets
    assert "canary" not in caplog.text
