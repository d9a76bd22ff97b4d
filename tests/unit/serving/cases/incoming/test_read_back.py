"""What people do with a record in another system is done with the case: once, with its author, or said why not."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.vendors.every_vendor import VENDORS
from support.vendors.fake_jira import FakeJira
from support.vendors.fake_vendor import CID, ZOE, FakeVendor
from support.vendors.fake_zendesk import FakeZendesk
from support.vendors.record_world import ANN, RecordWorld

from serving.cases.incoming.read_back import read_back
from serving.cases.permissions import Actor, Role
from serving.store.people_tables import User

every_vendor = pytest.mark.parametrize("vendor", list(VENDORS), indirect=True)


@pytest.fixture
def vendor(request: pytest.FixtureRequest) -> Iterator[FakeVendor]:
    """One system where the rule is the same for all; each where the test says so."""
    fake = VENDORS[getattr(request, "param", "jira")]()
    with fake.running():
        yield fake


@pytest.fixture
def world(vendor: FakeVendor, migrated_sqlite: Path, tmp_path: Path) -> Iterator[RecordWorld]:
    with _opened(vendor, migrated_sqlite, tmp_path) as opened:
        yield opened


@pytest.fixture
def desk(migrated_sqlite: Path, tmp_path: Path) -> Iterator[RecordWorld]:
    """One system is enough where the rule is the same for all."""
    fake = FakeZendesk()
    with fake.running(), _opened(fake, migrated_sqlite, tmp_path) as opened:
        yield opened


def _opened(vendor: FakeVendor, source: Path, folder: Path, **settings: object) -> "_World":
    path = folder / f"records-{len(list(folder.iterdir()))}.db"
    shutil.copy(source, path)
    return _World(RecordWorld.open(f"sqlite:///{path}", vendor, {**vendor.settings(), **settings}))


class _World:
    def __init__(self, world: RecordWorld) -> None:
        self.world = world

    def __enter__(self) -> RecordWorld:
        self.world.deliver_all()
        return self.world

    def __exit__(self, *_: object) -> None:
        self.world.store.close()


def record_of(world: RecordWorld) -> str:
    return world.vendor.views()[0].id


@every_vendor
def test_what_we_wrote_does_not_come_back(world: RecordWorld, vendor: FakeVendor) -> None:
    world.cases.assign(world.case_id(), ANN, person="ann")
    world.cases.comment(world.case_id(), ANN, text="They want a discount.")
    world.deliver_all()
    entries = len(world.history())
    for _ in range(3):
        report = world.read()
        assert (report.read, report.changes, report.problems) == (1, [], [])
    world.cases.resolve(world.case_id(), ANN, verdict="lost", comment="They left.")
    world.deliver_all()
    for _ in range(3):
        assert world.read().changes == []
    assert len(world.history()) == entries + 1
    before = len(vendor.requests)
    world.read()
    assert len(vendor.requests) - before <= 3  # a record that has not changed costs no requests of its own


@every_vendor
def test_closed_assigned_and_commented_there(world: RecordWorld, vendor: FakeVendor) -> None:
    record = record_of(world)
    vendor.they_assign(record, CID)
    vendor.they_comment(record, "The sponsor signed.")
    world.advance(hours=12)
    report = world.read()
    assert (world.case().owner, world.case().state) == ("cid", "claimed")
    assert len(report.changes) == 2
    vendor.they_comment(record, "We have the order.", by=ZOE)
    vendor.they_close(record, by=ZOE, outcome="saved")
    report = world.read()
    case, history = world.case(), world.history()
    assert (case.state, report.problems) == ("saved", [])
    resolved = history[-1]
    assert (resolved.kind, resolved.actor) == ("resolve", f"Zoe Park ({vendor.title})")
    assert resolved.after["via"] == vendor.title
    assert resolved.at < world.now  # the time there, not that of the reading
    comments = [(event.actor, event.comment) for event in history if event.kind == "comment"]
    assert comments == [
        (f"Zoe Park ({vendor.title})", "The sponsor signed."),
        (f"Zoe Park ({vendor.title})", "We have the order."),
    ]
    notes = vendor.views()[0].notes
    world.deliver_all()  # what came from there does not go back
    assert (world.read().changes, vendor.views()[0].notes, len(world.history())) == ([], notes, len(history))
    assert vendor.views()[0].closed


def test_opened_again_there(world: RecordWorld, vendor: FakeVendor) -> None:
    world.cases.assign(world.case_id(), ANN, person="ann")
    world.cases.resolve(world.case_id(), ANN, verdict="no_action")
    world.deliver_all()
    vendor.they_reopen(record_of(world), by=CID)
    report = world.read()
    assert report.problems == []
    assert world.case().closed_at is None
    known = world.history()[-1].actor == "cid"
    assert world.case().owner == ("cid" if known else None)  # somebody who is not in the squad does not keep it
    world.deliver_all()
    assert not vendor.views()[0].closed


def test_a_change_is_made_once_where_a_process_dies_after_it(
    world: RecordWorld, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = record_of(world)
    vendor.they_assign(record, CID)
    vendor.they_comment(record, "Once.")
    vendor.they_close(record, outcome="lost")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("serving.cases.incoming.read_back._Reading._store", die)
        world.read()
    entries = len(world.history())
    world.advance(minutes=10)  # past the lease of the process that died
    report = world.read()
    assert (report.changes, report.problems) == ([], [])
    assert (len(world.history()), world.case().state) == (entries, "lost")


def test_a_required_text_that_is_missing_there_is_said_and_kept(desk: RecordWorld) -> None:
    record = record_of(desk)
    desk.vendor.they_assign(record, CID)
    desk.read()
    desk.vendor.they_close(record, outcome="saved")
    report = desk.read()
    assert len(report.problems) == 1
    assert "is not possible here" in report.problems[0]
    assert desk.case().closed_at is None
    assert desk.row().problem is not None
    assert desk.read().problems == []  # said once
    desk.vendor.they_comment(record, "The sponsor signed.")
    desk.read()
    assert (desk.case().state, desk.row().problem) == ("saved", None)


def test_both_sides_gave_it_to_somebody(desk: RecordWorld) -> None:
    record = record_of(desk)
    desk.vendor.they_assign(record, CID)
    desk.cases.assign(desk.case_id(), ANN, person="ann")
    report = desk.read()
    assert desk.case().owner == "ann"
    assert any("while the case was assigned to ann here" in change for change in report.changes)
    assert "Cid Ray" in (desk.history()[-1].comment or "")
    desk.deliver_all()
    assert desk.vendor.views()[0].owner == "ann@desk.example"
    assert desk.read().changes == []


def test_both_sides_closed_it_differently(desk: RecordWorld) -> None:
    desk.cases.assign(desk.case_id(), ANN, person="ann")
    desk.deliver_all()
    desk.vendor.they_close(record_of(desk), outcome="lost")
    desk.cases.resolve(desk.case_id(), ANN, verdict="saved", comment="Signed.")
    report = desk.read()
    assert desk.case().state == "saved"
    assert "closed its record as lost, while the case was closed as saved here" in report.changes[0]


def test_a_known_person_acts_in_their_own_role(desk: RecordWorld) -> None:
    with desk.store.transaction() as session:
        row = {
            "password": None,
            "roles": [Role.VIEWER],
            "squads": ["north"],
            "created_at": desk.now,
            "disabled_at": None,
        }
        session.add(User(name="cid", **row))
    record = record_of(desk)
    desk.vendor.they_close(record, by=CID)
    report = desk.read()
    assert "does not include to work cases" in report.problems[0]
    assert desk.case().state == "new"


def test_people_who_are_not_known_can_be_refused(migrated_sqlite: Path, tmp_path: Path) -> None:
    fake = FakeZendesk()
    with fake.running(), _opened(fake, migrated_sqlite, tmp_path, role="none") as world:
        fake.they_comment(record_of(world), "Hello.")
        report = world.read()
        assert "Zoe Park may not change cases here" in report.problems[0]
        assert [event.kind for event in world.history()] == ["opened"]


def test_nothing_comes_back_where_the_settings_say_so(migrated_sqlite: Path, tmp_path: Path) -> None:
    fake = FakeZendesk()
    with fake.running(), _opened(fake, migrated_sqlite, tmp_path, read=False) as world:
        fake.they_close(record_of(world))
        assert world.read().read == 0
        assert world.case().state == "new"


def test_an_owner_there_who_is_not_known_here_is_said(desk: RecordWorld) -> None:
    desk.vendor.they_assign(record_of(desk), ZOE)
    report = desk.read()
    assert "Zoe Park owns the record, but is not known here" in report.problems[0]
    assert (desk.case().owner, desk.row().problem is not None) == (None, True)
    desk.vendor.they_assign(record_of(desk), None)
    assert (desk.read().problems, desk.row().problem) == ([], None)


def test_a_display_name_makes_nobody_somebody(desk: RecordWorld) -> None:
    fake = desk.vendor
    assert isinstance(fake, FakeZendesk)
    zoe = next(user for user in fake.users.values() if user["email"] == ZOE)
    zoe["name"] = "ann"
    fake.they_comment(record_of(desk), "I am Ann.")
    desk.read()
    assert desk.history()[-1].actor == "ann (Zendesk)"


def test_a_quoted_mark_does_not_hide_a_comment(desk: RecordWorld) -> None:
    case = desk.case_id()
    desk.vendor.they_comment(record_of(desk), f"> (Rescue {case}, entry 1)\nWe agree.")
    desk.read()
    assert (desk.history()[-1].comment or "").endswith("We agree.")


def test_a_system_that_does_not_answer_is_said_and_read_next_time(desk: RecordWorld) -> None:
    desk.vendor.they_comment(record_of(desk), "Hello.")
    desk.vendor.fail(503)
    report = desk.read()
    assert (report.failed, report.changes) == (["desk"], [])
    assert report.problems == ["desk: nothing could be read. Zendesk answered 503."]
    assert desk.row().busy_until is None
    assert len(desk.read().changes) == 1


def test_timers_read_every_five_minutes(desk: RecordWorld) -> None:
    desk.read()
    from datetime import timedelta

    again = read_back(desk.store, desk.channels, every=timedelta(minutes=5), now=desk.now + timedelta(minutes=1))
    later = read_back(desk.store, desk.channels, every=timedelta(minutes=5), now=desk.now + timedelta(minutes=6))
    assert (again.read, later.read) == (0, 1)


def test_the_actor_of_a_change_is_in_the_record(desk: RecordWorld) -> None:
    assert Actor("zoe", via="Zendesk", channel="desk", change="note:1").change == "note:1"
    desk.vendor.they_comment(record_of(desk), "Hello.")
    desk.read()
    after = desk.history()[-1].after
    assert (after["via"], after["channel"]) == ("Zendesk", "desk")
    assert after["change"].startswith("note:")


@pytest.mark.parametrize("vendor", ["jira"], indirect=True)
def test_records_that_are_missing_together_are_not_deleted(
    vendor: FakeVendor, migrated_sqlite: Path, tmp_path: Path
) -> None:
    path = tmp_path / "many.db"
    shutil.copy(migrated_sqlite, path)
    world = RecordWorld.open(f"sqlite:///{path}", vendor, vendor.settings(), count=4)
    with world.store:
        world.deliver_all()
        assert isinstance(vendor, FakeJira)
        issues, before = dict(vendor.issues), [world.row(number).read for number in range(4)]
        vendor.issues.clear()
        for _ in range(3):
            report = world.read()
            assert report.problems == [
                "desk: all 4 records are missing: does the token still see the project? Nothing was changed."
            ]
            assert (report.failed, report.read) == (["desk"], 0)
            world.advance(hours=25)
        assert [world.row(number).read for number in range(4)] == before
        key = next(iter(issues))
        vendor.issues.update({key: issues[key]})
        assert "3 of 4 records are missing" in world.read().problems[0]
        vendor.issues.update(issues)
        assert (world.read().read, world.read().failed) == (4, [])


@pytest.mark.parametrize("vendor", ["jira"], indirect=True)
def test_a_record_that_is_found_again_is_attached_again(world: RecordWorld, vendor: FakeVendor) -> None:
    assert isinstance(vendor, FakeJira)
    key, issue = next(iter(vendor.issues.items()))
    vendor.they_delete(key)
    world.read()
    vendor.issues[key] = issue
    assert world.read().problems == []
    assert world.row().problem is None
    vendor.they_delete(key)
    world.advance(hours=25)
    world.read()
    assert world.row().gone_at is None  # it was there in between
    world.advance(hours=25)
    world.read()
    assert world.row().gone_at is not None
    assert world.row().problem is not None
    vendor.issues[key] = issue
    vendor.they_comment(key, "Back again.")
    assert "was found again" in world.read().changes[-1]
    assert (world.row().gone_at, world.row().problem) == (None, None)
    assert [event.comment for event in world.history()][-1] == "Back again."
    world.cases.comment(world.case_id(), ANN, text="Good.")
    assert world.deliver().written == ("1 record written to desk",)
