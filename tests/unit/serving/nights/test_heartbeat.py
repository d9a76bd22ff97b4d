"""A night is kept for as long as somebody works on it, and for little longer."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from support.nights.night_factory import NIGHT

from serving.nights.heartbeat import RENEW_INTERVAL, keep_lease
from serving.nights.night_lease import LEASE, Night, NightHeldError, RecordedNight, abandon_night, begin_night
from serving.store import Store, utcnow
from serving.store.database import StoreUnavailableError
from serving.store.tables import NightRow

SOON = timedelta(milliseconds=5)


def lease(store: Store) -> datetime:
    with store.reading() as session:
        row = session.get(NightRow, NIGHT)
        assert row
        return row.lease_until


def in_time(happened: Callable[[], bool]) -> bool:
    """Whether something happens within ten seconds."""
    end = time.monotonic() + 10
    while not happened():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def taken(store: Store, run_id: str, *, now: datetime | None = None) -> Night:
    night = begin_night(store, NIGHT, run_id, now=now)
    assert not isinstance(night, RecordedNight)
    return night


def test_three_beats_may_be_lost() -> None:
    assert RENEW_INTERVAL * 4 <= LEASE


def test_a_night_that_takes_longer_than_its_lease_is_kept(store: Store) -> None:
    night = taken(store, "one", now=utcnow() - LEASE)
    with keep_lease(store, night, every=SOON):
        assert in_time(lambda: lease(store) > utcnow())
        with pytest.raises(NightHeldError):
            begin_night(store, NIGHT, "two")


def test_when_the_work_ends_so_does_the_beat(store: Store) -> None:
    night = taken(store, "one")
    with pytest.raises(ZeroDivisionError), keep_lease(store, night, every=SOON):
        raise ZeroDivisionError
    last = lease(store)
    time.sleep(20 * SOON.total_seconds())
    assert lease(store) == last


def test_a_run_that_was_replaced_gets_nothing_back(store: Store) -> None:
    night = taken(store, "one", now=utcnow() - LEASE)
    second = taken(store, "two")
    before = lease(store)
    with keep_lease(store, night, every=SOON):
        time.sleep(20 * SOON.total_seconds())
        assert lease(store) == before
    abandon_night(store, second, "still the second's to give back")


def test_a_database_that_is_away_for_a_beat_is_asked_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    night, asked = taken(store, "one", now=utcnow() - LEASE), []

    def away(*_: object) -> None:
        asked.append(1)
        monkeypatch.undo()
        raise StoreUnavailableError("does not answer")

    monkeypatch.setattr("serving.nights.heartbeat.renew_lease", away)
    with keep_lease(store, night, every=SOON):
        assert in_time(lambda: lease(store) > utcnow())
    assert asked
