"""A clock that jumps stops the timers with an alarm, and escalates nothing."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from support.nights.night_factory import NIGHT, NOW, flag_of, names, record_of, run

from serving.cases import sla_timers
from serving.cases.escalation import clock_check
from serving.cases.sla_timers import run_timers
from serving.policy.state.queue_state import Decision
from serving.store import Store
from serving.store.timer_tables import TimerTick

TODAY = datetime.fromisoformat("2026-03-01T05:00")


class Clocks:
    """The clock of this machine and that of the database."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.here = self.there = TODAY
        monkeypatch.setattr(sla_timers, "utcnow", lambda: self.here)
        monkeypatch.setattr(clock_check, "_database_time", lambda _session: self.there)

    def move(self, here: timedelta, there: timedelta | None = None) -> None:
        self.here, self.there = self.here + here, self.there + (here if there is None else there)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch, store: Store) -> Clocks:
    """One severe case that escalates after 8 hours, and timers that have just run."""
    flag = flag_of("a000000", severity="high")
    run(store, record_of(names(1), Decision(NIGHT, "p1", flags=(flag,)), channels=()), NOW)
    clocks = Clocks(monkeypatch)
    assert run_timers(store).alarm is None
    return clocks


def test_the_usual_passing_of_time_is_no_alarm(clocks: Clocks, store: Store) -> None:
    clocks.move(timedelta(hours=9))
    report = run_timers(store)
    assert (report.alarm, len(report.escalated)) == (None, 1)


def test_a_clock_ahead_of_the_database_changes_nothing(clocks: Clocks, store: Store) -> None:
    clocks.move(timedelta(days=1), timedelta(minutes=1))
    report = run_timers(store)
    assert report.alarm is not None
    assert report.alarm.startswith(
        "The clock of this machine says 2 Mar 2026, 05:00 UTC and the database's 1 Mar 2026, 05:01 UTC: nothing was"
    )
    assert (report.escalated, report.breached) == ((), ())
    clocks.move(timedelta(days=-1), timedelta(minutes=1))
    assert run_timers(store).alarm is None


@pytest.mark.parametrize("days", [3, 400])
def test_a_clock_that_jumps_together_with_the_database_waits_for_somebody(
    clocks: Clocks, store: Store, days: int
) -> None:
    """Where the database is a file, both clocks are one: only the last run tells of the jump."""
    clocks.move(timedelta(days=days))
    assert "the timers last ran on 1 Mar 2026, 05:00 UTC" in (run_timers(store).alarm or "")
    assert run_timers(store).alarm is not None
    report = run_timers(store, trust_clock=True)
    assert (report.alarm, len(report.escalated)) == (None, 1)
    assert run_timers(store).alarm is None


def test_a_clock_that_goes_back_waits_too(clocks: Clocks, store: Store) -> None:
    clocks.move(timedelta(hours=-2))
    assert "before the last run" in (run_timers(store).alarm or "")
    with store.reading() as session:
        tick = session.scalars(select(TimerTick)).one()
    assert (tick.at, tick.alarm is not None) == (TODAY, True)


def test_a_simulated_time_is_not_checked(clocks: Clocks, store: Store) -> None:
    assert run_timers(store, now=NOW + timedelta(days=900)).alarm is None


def test_the_time_of_the_database_is_utc(store: Store) -> None:
    from serving.store.database import utcnow

    with store.reading() as session:
        assert abs(clock_check._database_time(session) - utcnow()) < timedelta(minutes=1)
