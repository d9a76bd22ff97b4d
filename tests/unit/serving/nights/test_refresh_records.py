"""After a night, records in other systems get its figures, and open cases without a record get one."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update
from support.vendors.fake_zendesk import FakeZendesk
from support.vendors.record_world import ANN, DESK, RecordWorld

from serving.nights.refresh_records import refresh_records
from serving.store.tables import CaseScore, NightRow


@pytest.fixture
def world(migrated_sqlite: Path, tmp_path: Path) -> Iterator[RecordWorld]:
    shutil.copy(migrated_sqlite, tmp_path / "records.db")
    fake = FakeZendesk()
    with fake.running():
        opened = RecordWorld.open(f"sqlite:///{tmp_path / 'records.db'}", fake, fake.settings())
        with opened.store:
            yield opened


def next_night(world: RecordWorld, probability: float) -> None:
    """A later night that changed only the figures."""
    world.advance(days=1)
    with world.store.transaction() as session:
        session.execute(update(CaseScore).where(CaseScore.risk == "churn").values(probability=probability))
        session.execute(update(NightRow).values(as_of=world.now.date()))


def refresh(world: RecordWorld, channels: tuple[str, ...] = (DESK,)) -> int:
    with world.clock():
        return refresh_records(world.store, channels)


def test_the_figures_of_the_night_are_written_once(world: RecordWorld) -> None:
    world.deliver_all()
    next_night(world, 0.9)
    assert (refresh(world), refresh(world)) == (1, 0)
    world.deliver_all()
    assert world.vendor.account()["risk"] == 90.0
    assert len(world.vendor.views()) == 1
    assert world.vendor.views()[0].notes == ()
    assert refresh(world, ()) == 0  # without fields of accounts there is nothing to bring up to date


def test_a_case_that_was_open_before_the_channel_gets_its_record(world: RecordWorld) -> None:
    world.store.messages = replace(world.store.messages, recording=())
    world.cases.assign(world.case_id(), ANN, person="ann")
    with world.store.transaction() as session:
        for message in world.messages():
            session.delete(session.merge(message))
    world.store.messages = replace(world.store.messages, recording=(DESK,))
    assert refresh(world, ()) == 1
    world.deliver_all()
    (view,) = world.vendor.views()
    assert view.owner == "ann@desk.example"
    assert "assigned the case" in view.notes[0]


def test_nothing_is_written_where_no_channel_keeps_records(world: RecordWorld) -> None:
    world.store.messages = replace(world.store.messages, recording=())
    assert refresh(world) == 0
