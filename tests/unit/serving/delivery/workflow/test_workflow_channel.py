"""Work that is started in a workflow engine: the variables, the keys, and what an instance is told at the end."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.vendors.chat_world import ANN, BOB, DESK, ChatWorld
from support.vendors.fake_workflows import FakeCamunda7, FakeCamunda8, FakeN8n, FakeUiPath

from features.errors import UsageError
from serving.delivery.channel import TEST, ChannelMessage, DeliveryError
from serving.delivery.channel_settings import open_channels
from serving.delivery.connection_tests import check_connections

OpenWorld = Callable[[dict[str, Any]], ChatWorld]


@pytest.fixture
def open_world(migrated_sqlite: Path, tmp_path: Path) -> Iterator[OpenWorld]:
    worlds: list[ChatWorld] = []

    def opened(settings: dict[str, Any]) -> ChatWorld:
        path = tmp_path / f"queue-{len(worlds)}.db"
        path.write_bytes(migrated_sqlite.read_bytes())
        worlds.append(ChatWorld.open(f"sqlite:///{path}", settings))
        return worlds[-1]

    yield opened
    for world in worlds:
        world.store.close()


def test_camunda_8_gets_plain_variables_and_the_hand_off(open_world: OpenWorld) -> None:
    fake = FakeCamunda8(unique=True)
    with fake.running():
        world = open_world(
            fake.settings(process="rescue-case", business_id=True, over_message="case-over", tenant="t1")
        )
        world.deliver_all()
        (instance,) = fake.instances
        key = f"rescue-case-{world.case_id()}"
        assert (instance["processDefinitionId"], instance["businessId"], instance["tenantId"]) == (
            "rescue-case",
            key,
            "t1",
        )
        variables = instance["variables"]
        assert variables["case"] == world.case_id()
        assert variables["source"] == "rescue"
        assert variables["link"] == f"https://rescue.example/case/{world.case_id()}"
        assert isinstance(variables["priority"], float)
        assert variables["handoff"]["risks"]
        world.cases.claim(world.case_id(), BOB)
        world.cases.resolve(world.case_id(), BOB, verdict="saved", comment="They renewed.")
        world.deliver_all()
        (over,) = fake.published.values()
        assert (over["name"], over["correlationKey"]) == ("case-over", key)
        assert over["variables"] == {"state": "saved", "owner": "bob"}
        world.cases.reopen(world.case_id(), ANN, reason="They left after all.")
        world.deliver_all()
        assert len(fake.instances) == 2  # new work, under a key of its own
        assert fake.instances[1]["businessId"].startswith(f"{key}-")


def test_camunda_7_gets_typed_variables_and_may_not_wait_for_the_end(open_world: OpenWorld) -> None:
    fake = FakeCamunda7()
    with fake.running():
        world = open_world(fake.settings(over_message="case-over", tenant="a b"))
        world.deliver_all()
        (instance,) = fake.instances
        assert instance["path"] == "/process-definition/key/rescue/tenant-id/a b/start"
        assert instance["variables"]["handoff"]["type"] == "Json"
        assert json.loads(instance["variables"]["handoff"]["value"])["risks"]
        fake.waiting = False
        world.cases.claim(world.case_id(), BOB)
        world.cases.resolve(world.case_id(), BOB, verdict="lost", comment="Gone.")
        world.deliver_all()
        assert fake.correlated == []


def test_camunda_7_starts_by_a_message(open_world: OpenWorld) -> None:
    fake = FakeCamunda7()
    with fake.running():
        world = open_world(fake.settings(process="", start_message="rescue-case"))
        world.deliver_all()
        assert [one["messageName"] for one in fake.correlated] == ["rescue-case"]
        assert fake.correlated[0]["businessKey"] == f"rescue-case-{world.case_id()}"


def test_uipath_gets_an_item_of_flat_values(open_world: OpenWorld) -> None:
    fake = FakeUiPath()
    with fake.running():
        world = open_world(fake.settings())
        world.deliver_all()
        (item,) = fake.items
        assert item["Reference"] == f"rescue-case-{world.case_id()}"
        assert item["Priority"] == "Normal"
        assert all(isinstance(value, str | int | float | bool) for value in item["SpecificContent"].values())
        assert json.loads(item["SpecificContent"]["handoff"])["risks"]


def test_n8n_gets_the_start_and_the_end(open_world: OpenWorld) -> None:
    fake = FakeN8n()
    with fake.running():
        world = open_world(fake.settings())
        world.deliver_all()
        world.cases.claim(world.case_id(), BOB)
        world.cases.resolve(world.case_id(), BOB, verdict="no_action", comment="Nothing to do.")
        world.deliver_all()
        assert [body["event"] for body in fake.executions.values()] == ["started", "over"]
        assert len({body["key"] for body in fake.executions.values()}) == 1


def test_what_is_missing_there_is_a_sentence(open_world: OpenWorld) -> None:
    fake = FakeUiPath()
    with fake.running():
        world = open_world(fake.settings(queue="Other"))
        assert world.deliver().retried == 1
        (check,) = check_connections(open_channels({DESK: fake.settings(folder="7")}))
        assert (check.works, "answered 400" in check.sentence) == (False, True)


def test_each_engine_says_where_it_leads_and_starts_nothing(open_world: OpenWorld) -> None:
    said = {}
    for name, fake, more in (
        ("camunda", FakeCamunda8(), {"process": "p"}),
        ("camunda 7", FakeCamunda7(), {}),
        ("uipath", FakeUiPath(), {}),
        ("n8n", FakeN8n(), {}),
    ):
        with fake.running():
            channels = open_channels({DESK: fake.settings(**more)})  # type: ignore[attr-defined]
            (check,) = check_connections(channels)
            said[name] = (check.works, check.sentence)
            test = ChannelMessage("m", TEST, "2026-03-01T05:00:00Z", {"headline": "Test"}, title="Test", text="Test")
            channels[DESK].send(test)
            assert not getattr(fake, "instances", []) and not getattr(fake, "items", [])
    assert said == {
        "camunda": (True, "desk: Camunda lets us in (a cluster of 1)."),
        "camunda 7": (True, "desk: Camunda lets us in (the engine default)."),
        "uipath": (True, "desk: UiPath Orchestrator lets us in (the queue Rescue)."),
        "n8n": (None, "desk: its settings are complete; only a message can tell whether it works."),
    }


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"kind": "camunda", "url": "https://c.example"}, "process: set either"),
        ({"kind": "camunda", "url": "https://c.example", "process": "p", "start_message": "m"}, "process: set either"),
        ({"kind": "camunda", "url": "https://c.example", "process": "p", "version": "6"}, "version: it is 8, or 7"),
        ({"kind": "camunda", "url": "https://c.example", "process": "p", "client_id": "a"}, "client_secret is missing"),
        (
            {"kind": "camunda", "url": "https://c.example", "process": "p", "user": "a", "client_id": "b"},
            "user and client_id are both set",
        ),
        ({"kind": "uipath", "url": "https://u.example", "queue": "q", "folder": "1"}, "client_id is missing"),
        ({"kind": "uipath", "url": "https://u.example", "queue": "q", "token": "t"}, "folder"),
        ({"kind": "n8n", "url": "https://n.example/x"}, "value is missing"),
        ({"kind": "n8n", "url": "https://n.example/x", "value": "v", "header": "a b"}, "header: the name of a header"),
    ],
)
def test_a_wrong_setting_is_a_sentence(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        open_channels({DESK: settings})


def test_a_sign_in_server_that_refuses_is_a_sentence() -> None:
    fake = FakeUiPath()
    with fake.running():
        channel: Any = open_channels({DESK: fake.settings(client_secret="wrong-canary")})[DESK]
        with pytest.raises(DeliveryError, match="refuses the client id or its secret") as caught:
            channel.test()
        assert "canary" not in str(caught.value)
