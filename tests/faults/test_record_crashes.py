"""One record a case, whatever happens: senders die at every request, answers are lost, systems refuse and recover."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.vendors.every_vendor import VENDORS
from support.vendors.fake_jira import FakeJira
from support.vendors.fake_salesforce import FakeSalesforce
from support.vendors.fake_vendor import FakeVendor, VendorRequest
from support.vendors.fake_zendesk import FakeZendesk
from support.vendors.record_world import ANN, RecordWorld

from serving.delivery.records import stored_records
from serving.delivery.web_requests import access_tokens

CLOSED_TEXT = "They stay for a year."


class Killed(BaseException):
    """The process is gone: nothing after this point happens."""


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> Iterator[FakeVendor]:
    fake = VENDORS[request.param]()
    with fake.running():
        yield fake


def opened(vendor: FakeVendor, source: Path, folder: Path, **settings: Any) -> RecordWorld:
    path = folder / f"records-{len(list(folder.iterdir()))}.db"
    shutil.copy(source, path)
    return RecordWorld.open(f"sqlite:///{path}", vendor, {**vendor.settings(), **settings})


def play(world: RecordWorld) -> None:
    """What happens to the case before anything is delivered."""
    world.cases.assign(world.case_id(), ANN, person="ann")
    world.cases.comment(world.case_id(), ANN, text="They want a discount.")
    world.cases.resolve(world.case_id(), ANN, verdict="saved", comment=CLOSED_TEXT)


def check(world: RecordWorld, vendor: FakeVendor) -> None:
    """One record, with each note once, that is closed."""
    (view,) = vendor.views()
    assert view.closed
    assert view.owner == "ann@desk.example"
    texts = "\n".join(view.notes)
    assert [texts.count(text) for text in ("assigned the case", "They want a discount.", CLOSED_TEXT)] == [1, 1, 1]
    assert len(view.notes) == 3
    assert world.row().external_id == view.id
    assert world.read().changes == []


def test_senders_that_die_at_every_request(
    vendor: FakeVendor, migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = opened(vendor, migrated_sqlite, tmp_path)
    play(world)
    request_json, budget = access_tokens.request_json, [0]

    def die_after(*args: Any, **how: Any) -> Any:
        answer = request_json(*args, **how)
        budget[0] -= 1
        if budget[0] < 0:
            raise Killed  # what was asked is done, and nobody knows
        return answer

    deaths = 0
    with world.store:
        with monkeypatch.context() as patched:
            patched.setattr(access_tokens, "request_json", die_after)
            for requests in range(60):
                budget[0] = requests
                try:
                    world.deliver()
                    break
                except Killed:
                    deaths += 1
                    world.advance(minutes=6)  # past the leases of the message and of the record
        world.deliver_all()
        assert deaths >= 6
        check(world, vendor)


def test_senders_that_die_before_they_store(
    migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeZendesk()
    with fake.running():
        world = opened(fake, migrated_sqlite, tmp_path)
        play(world)

        def die(*_: Any, **__: Any) -> None:
            raise Killed

        with world.store:
            for place in ("store_record", "release_record"):
                with monkeypatch.context() as patched, pytest.raises(Killed):
                    patched.setattr(f"serving.delivery.sender.{place}", die)
                    world.deliver()
                world.advance(minutes=6)
            world.deliver_all()
            check(world, fake)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(1, 30))])
def test_systems_that_refuse_and_lose_answers(
    vendor: FakeVendor, migrated_sqlite: Path, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(f"{vendor.title}{seed}")
    world = opened(vendor, migrated_sqlite, tmp_path)
    play(world)

    def unlucky(request: VendorRequest) -> bool:
        return chance.random() < 0.3

    with world.store:
        for status, headers in ((None, {}), (500, {}), (429, {"retry-after": "120"})):
            vendor.fail(status, unlucky, times=3, headers=headers)
        world.deliver_all()
        check(world, vendor)


def test_two_senders_write_one_record(migrated_sqlite: Path, tmp_path: Path) -> None:
    """The second finds the record taken and leaves its message for later."""
    fake = FakeJira()
    with fake.running():
        world = opened(fake, migrated_sqlite, tmp_path)
        play(world)
        inner: list[int] = []

        def deliver_too(request: VendorRequest) -> bool:
            if request.method == "POST" and not inner:
                inner.append(0)
                fake._lock.release()
                try:
                    inner.append(world.deliver().sent)
                finally:
                    fake._lock.acquire()
            return False

        with world.store:
            fake.fail(500, deliver_too)
            world.deliver()
            assert inner[1] == 0
            world.advance(minutes=1)
            world.deliver_all()
            fake.faults.clear()
            check(world, fake)


def test_a_quota_is_waited_for(migrated_sqlite: Path, tmp_path: Path) -> None:
    fake = FakeZendesk()
    with fake.running():
        world = opened(fake, migrated_sqlite, tmp_path)
        with world.store:
            fake.fail(429, headers={"retry-after": "600"})
            report = world.deliver()
            assert (report.sent, report.retried) == (0, 1)
            (message,) = world.messages()
            assert (message.next_at - world.now).total_seconds() >= 600
            assert message.error == "Zendesk takes no more requests for now (429)."


def test_a_token_that_expired_is_fetched_once(migrated_sqlite: Path, tmp_path: Path) -> None:
    fake = FakeSalesforce(client=True)
    with fake.running():
        world = opened(fake, migrated_sqlite, tmp_path)
        with world.store:
            channels = world.channels
            from serving.delivery.sender import deliver

            deliver(world.store, channels, clock=lambda: world.now)
            assert (len(fake.views()), fake.tokens) == (1, 1)
            fake.expire()
            world.cases.comment(world.case_id(), ANN, text="Once.")
            assert deliver(world.store, channels, clock=lambda: world.now).sent == 1
            assert fake.tokens == 2
            assert len(fake.views()[0].notes) == 1


def test_a_token_that_cannot_be_renewed_is_said(migrated_sqlite: Path, tmp_path: Path) -> None:
    fake = FakeSalesforce()
    with fake.running():
        world = opened(fake, migrated_sqlite, tmp_path)
        with world.store:
            fake.expire()
            report = world.deliver()
            (message,) = world.messages()
            assert (report.retried, report.dead) == (1, 0)
            assert message.error == (
                "Salesforce does not accept the credentials (401): they have expired or are wrong; renew them."
            )
            fake.token = "secret-token"
            world.deliver_all()
            assert len(fake.views()) == 1


def test_a_field_that_was_removed_is_named_and_the_record_is_complete(migrated_sqlite: Path, tmp_path: Path) -> None:
    fake = FakeSalesforce()
    with fake.running():
        world = opened(fake, migrated_sqlite, tmp_path)
        with world.store:
            fake.account_fields.remove("Rescue_Risk__c")
            report = world.deliver()
            (message,) = world.messages()
            assert (report.dead, message.status) == (1, "dead")
            assert message.error == (
                "Salesforce refuses what is written (400, INVALID_FIELD): it names the field Rescue_Risk__c."
            )
            assert len(fake.views()) == 1
            assert world.row().external_id == fake.views()[0].id
            fake.account_fields.add("Rescue_Risk__c")
            world.cases.comment(world.case_id(), ANN, text="Again.")
            world.deliver_all()
            assert fake.account()["risk"] == 60.0
            assert len(fake.views()) == 1


def test_a_missing_permission_is_said(migrated_sqlite: Path, tmp_path: Path) -> None:
    fake = FakeZendesk()
    with fake.running():
        world = opened(fake, migrated_sqlite, tmp_path)
        with world.store:
            fake.fail(403, lambda request: request.method == "POST")
            world.deliver()
            (message,) = world.messages()
            assert message.error == "Zendesk does not permit it (403): give the user of the channel the right to."
            world.deliver_all()
            assert len(fake.views()) == 1


def test_a_process_that_died_holds_a_record_no_longer_than_its_lease(migrated_sqlite: Path, tmp_path: Path) -> None:
    fake = FakeZendesk()
    with fake.running():
        world = opened(fake, migrated_sqlite, tmp_path)
        with world.store:
            with world.store.transaction() as session:
                stored_records.hold_record(session, session.merge(world.messages()[0]), world.now)
            assert world.deliver().sent == 0
            world.advance(minutes=6)
            assert world.deliver().sent == 1
