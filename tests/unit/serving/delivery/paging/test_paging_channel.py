"""Alerts of cases and incidents: when they wake somebody up, who has them, and when they are over."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.vendors.chat_world import ANN, BOB, DESK, ChatWorld
from support.vendors.fake_paging import KEY, FakeOpsgenie, FakePagerDuty

from features.errors import UsageError
from serving.cases.permissions import Actor, Role
from serving.delivery.channel import TEST, ChannelMessage, DeliveryError, ExternalRecord
from serving.delivery.channel_settings import open_channels
from serving.delivery.paging.alert import AlertStep, alert_of
from serving.paths.references.external_keys import is_own_key
from serving.store import Store

DAN = Actor("dan", Role.REVIEWER, frozenset({"south"}))
AT = "2026-03-01T05:00:00Z"


def message(kind: str, data: dict[str, Any] | None = None, **more: Any) -> ChannelMessage:
    known = {"case": "c1", "version": 3, "headline": "Nordlicht: usage fell", "severity": "high", "state": "new"}
    return ChannelMessage("msg_1", kind, AT, known if data is None else known | data, **more)


@pytest.fixture
def pagerduty() -> Iterator[FakePagerDuty]:
    fake = FakePagerDuty()
    with fake.running():
        yield fake


@pytest.mark.parametrize(
    ("kind", "data", "step"),
    [
        ("case.opened", {}, "trigger"),
        ("case.escalated", {"state": "claimed"}, "trigger"),
        ("case.breached", {}, "trigger"),
        ("case.changed", {"change": "acknowledge", "acknowledged_by": "ann"}, "acknowledge"),
        ("case.changed", {"change": "claim", "state": "claimed"}, "acknowledge"),
        ("case.changed", {"change": "snooze", "state": "snoozed"}, "acknowledge"),
        ("case.changed", {"change": "release"}, None),
        ("case.changed", {"change": "resolve", "state": "saved"}, "resolve"),
        ("case.closed", {"state": "expired"}, "resolve"),
        ("case.changed", {"change": "reopen", "state": "claimed"}, "trigger"),
        ("incident.incident_opened", {"case": None, "incident": "i1", "state": "open"}, "trigger"),
        (
            "incident.changed",
            {"case": None, "incident": "i1", "state": "open", "acknowledged_by": "ann"},
            "acknowledge",
        ),
        ("incident.incident_over", {"case": None, "incident": "i1", "state": "over"}, "resolve"),
        ("operations.night_failed", {"case": None, "state": ""}, "trigger"),
    ],
)
def test_what_a_message_means_to_a_paging_service(kind: str, data: dict[str, Any], step: str | None) -> None:
    found = alert_of(message(kind, data))
    assert (found and found.step) == step
    if found is not None:
        assert is_own_key(found.key)
        assert found.step in set(AlertStep)


def test_an_alert_has_the_facts_and_a_link(pagerduty: FakePagerDuty) -> None:
    channel: Any = open_channels({DESK: pagerduty.settings()})[DESK]
    link = "https://rescue.example/case/c1"
    record = channel.write(message("case.opened", {"link": link}), ExternalRecord(), lambda _: None)
    event = pagerduty.alerts["rescue-case-c1"]["event"]
    assert record == ExternalRecord("rescue-case-c1", None, {"version": 3, "step": "trigger"})
    assert event["client_url"] == link
    assert event["payload"]["summary"] == "New case: Nordlicht: usage fell"
    assert event["payload"]["severity"] == "error"
    assert event["payload"]["custom_details"]["severity"] == "high"


def test_a_step_of_a_path_pages_and_the_end_of_the_case_ends_it(
    pagerduty: FakePagerDuty, migrated_sqlite: Path, tmp_path: Path
) -> None:
    """A channel without announcements, which only messages to people use."""
    path = tmp_path / "queue.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    settings = pagerduty.settings() | {"broadcast": False}
    world = ChatWorld.open(f"sqlite:///{path}", settings, people={"dan": {"pagerduty": "dan"}})
    with world.store:
        world.cases.acknowledge(world.case_id(), BOB)
        world.deliver_all()
        assert pagerduty.requests == []  # nobody was paged, so there is nothing to acknowledge
        world.cases.hand_over(world.case_id(), ANN, squad="south", reason="theirs")
        world.deliver_all()
        assert [alert["state"] for alert in pagerduty.alerts.values()] == ["triggered"]
        world.cases.claim(world.case_id(), DAN)
        world.deliver_all()
        assert [alert["state"] for alert in pagerduty.alerts.values()] == ["acknowledged"]
        world.cases.resolve(world.case_id(), DAN, verdict="lost", comment="Too late.")
        world.deliver_all()
        assert [alert["state"] for alert in pagerduty.alerts.values()] == ["resolved"]
        assert pagerduty.opened == [f"rescue-case-{world.case_id()}"]


def test_a_test_message_opens_an_alert_and_closes_it(pagerduty: FakePagerDuty) -> None:
    channel: Any = open_channels({DESK: pagerduty.settings()})[DESK]
    channel.send(ChannelMessage("msg_t", TEST, AT, {"headline": "Test"}, title="Test message", text="It works."))
    assert [alert["state"] for alert in pagerduty.alerts.values()] == ["resolved"]


def test_opsgenie_has_one_alert_for_a_case() -> None:
    fake = FakeOpsgenie()
    with fake.running():
        channel: Any = open_channels({DESK: fake.settings()})[DESK]
        record = ExternalRecord()
        for kind, data in (
            ("case.opened", {}),
            ("case.escalated", {"version": 4}),
            ("case.changed", {"version": 5, "acknowledged_by": "ann"}),
            ("case.changed", {"version": 6, "state": "lost"}),
        ):
            record = channel.write(message(kind, data), record, lambda _: None) or record
        (alert,) = fake.alerts.values()
        assert (alert["state"], alert["count"], alert["body"]["priority"]) == ("closed", 2, "P2")
        late = channel.write(message("case.opened", {}), record, lambda _: None)
        assert late is None
        fake.alerts.clear()
        channel.write(message("case.changed", {"version": 7, "state": "lost"}), record, lambda _: None)
        assert fake.alerts == {}  # closed by somebody there, and deleted since


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"kind": "pagerduty"}, "routing_key is missing"),
        ({"kind": "pagerduty", "routing_key": KEY, "region": "mars"}, "region"),
        ({"kind": "opsgenie", "key": KEY, "api": "http://10.0.0.1"}, "https://"),
    ],
)
def test_a_wrong_setting_is_a_sentence(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        open_channels({DESK: settings})
    assert "canary" not in str(caught.value)


def test_a_wrong_key_is_a_sentence(pagerduty: FakePagerDuty) -> None:
    channel: Any = open_channels({DESK: pagerduty.settings() | {"routing_key": "wrong"}})[DESK]
    with pytest.raises(DeliveryError, match="check the integration key"):
        channel.send(message("operations.night_failed", {"case": None}))


def test_the_queue_itself_follows_an_alert_to_its_end(
    pagerduty: FakePagerDuty, migrated_sqlite: Path, tmp_path: Path
) -> None:
    path = tmp_path / "queue.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    world = ChatWorld.open(f"sqlite:///{path}", pagerduty.settings(), count=2)
    store: Store = world.store
    with store:
        world.deliver_all()
        world.cases.acknowledge(world.case_id(0), BOB)
        world.cases.claim(world.case_id(1), BOB)
        world.cases.resolve(world.case_id(1), BOB, verdict="lost", comment="Too late.")
        world.deliver_all()
        states = {key: alert["state"] for key, alert in pagerduty.alerts.items()}
        assert states == {
            f"rescue-case-{world.case_id(0)}": "acknowledged",
            f"rescue-case-{world.case_id(1)}": "resolved",
        }
