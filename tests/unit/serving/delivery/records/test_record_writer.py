"""What every system gets of a case: one record, its notes, its owner, its end, the fields of the account."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.vendors.every_vendor import VENDORS
from support.vendors.fake_vendor import ANN as ANN_THERE
from support.vendors.fake_vendor import CID, FakeVendor
from support.vendors.record_world import ANN, RecordWorld

from serving.delivery.connection_tests import check_connections

every_vendor = pytest.mark.parametrize("vendor", list(VENDORS), indirect=True)


@pytest.fixture
def vendor(request: pytest.FixtureRequest) -> Iterator[FakeVendor]:
    """One system where the rule is the same for all; each where the test says so."""
    fake = VENDORS[getattr(request, "param", "zendesk")]()
    with fake.running():
        yield fake


@pytest.fixture
def world(vendor: FakeVendor, migrated_sqlite: Path, tmp_path: Path) -> Iterator[RecordWorld]:
    path = tmp_path / "records.db"
    shutil.copy(migrated_sqlite, path)
    opened = RecordWorld.open(f"sqlite:///{path}", vendor, vendor.settings())
    with opened.store:
        yield opened


@every_vendor
def test_a_case_becomes_one_record_that_follows_it(world: RecordWorld, vendor: FakeVendor) -> None:
    world.deliver_all()
    (view,) = vendor.views()
    assert view.subject.endswith(f"[Rescue {world.case_id()}]")
    assert f"https://rescue.example/case/{world.case_id()}" in view.text
    assert "Renewal" in view.text  # of the hand-off
    assert (view.closed, view.notes) == (False, ())
    assert world.row().external_id == view.id
    assert (world.row().url or "").startswith(("http://127.0.0.1", "https://app.hubspot.com"))

    world.cases.assign(world.case_id(), ANN, person="ann")
    world.cases.comment(world.case_id(), ANN, text="They want a discount.")
    world.cases.comment(world.case_id(), ANN, text="Between us: no.", private=True)
    world.deliver_all()
    (view,) = vendor.views()
    assert view.owner == ANN_THERE
    assert len(view.notes) == 2
    assert "They want a discount." in view.notes[1]
    assert "Between us" not in json.dumps(view.notes)

    world.cases.resolve(world.case_id(), ANN, verdict="saved", comment="They stay.")
    world.deliver_all()
    (view,) = vendor.views()
    assert (view.closed, len(view.notes)) == (True, 3)
    assert "They stay." in view.notes[2]
    if world.settings["kind"] != "rt":
        assert vendor.account()["state"] == "saved"
        assert float(vendor.account()["risk"]) == 60.0
        assert float(vendor.account()["health"]) > 0

    world.cases.reopen(world.case_id(), ANN, reason="They changed their mind.")
    world.deliver_all()
    (view,) = vendor.views()
    assert not view.closed
    assert {message.status for message in world.messages()} == {"sent"}


def test_a_message_that_is_replayed_writes_nothing(world: RecordWorld, vendor: FakeVendor) -> None:
    world.deliver_all()
    world.cases.comment(world.case_id(), ANN, text="Once.")
    world.deliver_all()
    from serving.delivery.sender import deliver

    before = len(vendor.writes())
    for message in world.messages():
        deliver(world.store, world.channels, replay=message.id, clock=lambda: world.now)
    searches = [request for request in vendor.writes()[before:] if "batch/read" not in request.path]
    assert [request for request in searches if not request.path.endswith(("/search", "/token"))] == []
    assert len(vendor.views()[0].notes) == 1


def test_an_owner_without_an_address_there_is_said(world: RecordWorld, vendor: FakeVendor) -> None:
    world.deliver_all()
    world.cases.assign(world.case_id(), ANN, person="bob")
    world.deliver_all()
    assert "bob has no address" in world.row().written["warning"]
    world.cases.assign(world.case_id(), ANN, person="cid")
    world.deliver_all()
    assert vendor.views()[0].owner == CID
    assert world.row().written["warning"] is None


def test_a_record_that_was_deleted_there_stays_so(world: RecordWorld, vendor: FakeVendor) -> None:
    world.deliver_all()
    vendor.they_delete(vendor.views()[0].id)
    report = world.read()
    assert "was not found there" in report.problems[0]
    assert report.failed == []
    world.cases.comment(world.case_id(), ANN, text="Still here.")
    assert world.deliver().retried == 1
    world.advance(hours=23)
    assert world.read().problems == []
    assert world.row().gone_at is None
    world.advance(hours=1)
    assert "was deleted there" in world.read().problems[0]
    report = world.deliver()
    assert (report.sent, report.unneeded, report.waiting) == (0, 1, 0)
    assert [view for view in vendor.views() if view.notes] == []
    assert world.row().gone_at is not None
    assert world.read().problems == []


@every_vendor
def test_the_connection_is_checked_with_one_sentence(world: RecordWorld, vendor: FakeVendor) -> None:
    (check,) = check_connections(world.channels)
    assert check.works
    assert check.sentence.startswith(f"desk: {vendor.title} lets us in (")
    vendor.fail(401, times=4)
    (check,) = check_connections(world.channels)
    assert not check.works
    assert check.sentence.count(".") == 1
    assert vendor.token not in check.sentence


def test_messages_to_people_are_refused(world: RecordWorld) -> None:
    from serving.delivery.channel import ChannelMessage, DeliveryError

    with pytest.raises(DeliveryError, match="sends no messages") as caught:
        world.channels["desk"].send(ChannelMessage("m", "case.opened", "", {"headline": ""}))
    assert caught.value.permanent
