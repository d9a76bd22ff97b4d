"""A clock that jumps must not escalate the whole queue: it is compared with the database's and with the last run.

An outage of the timers cannot be distinguished from a jump by this machine alone, where the database is a file beside
it. So after a gap that is longer than any usual outage, somebody has to say that the clock is right.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from serving.store.database import is_simulated
from serving.store.timer_tables import TimerTick

FARTHEST_FROM_DATABASE = timedelta(minutes=10)
BACKWARD = timedelta(minutes=10)
LONGEST_GAP = timedelta(days=2)
"""Timers run every few minutes, and once a night at least: a longer gap is an outage or a wrong clock."""


def check_clock(session: Session, now: datetime, *, trust: bool = False) -> str | None:
    """Store this run; why the clock cannot be trusted, or None where it can."""
    tick = session.get(TimerTick, 1, with_for_update=True)
    if tick is None:
        tick = TimerTick(id=1, at=now)
        session.add(tick)
    alarm = None if trust else _jump(session, now, tick.at)
    if alarm is None:
        tick.at = now
    tick.alarm = alarm
    return alarm


def _jump(session: Session, now: datetime, last: datetime) -> str | None:
    database = _database_time(session)
    advice = "nothing was escalated; if the clock is right, run `rescue timers --trust-clock` once"
    if abs(now - database) > FARTHEST_FROM_DATABASE and not is_simulated():
        return f"The clock of this machine says {_moment(now)} and the database's {_moment(database)}: {advice}."
    if now < last - BACKWARD:
        return f"The clock says {_moment(now)}, before the last run of the timers on {_moment(last)}: {advice}."
    if now - last > LONGEST_GAP:
        return f"The clock says {_moment(now)}, and the timers last ran on {_moment(last)}: {advice}."
    return None


def _database_time(session: Session) -> datetime:
    if session.get_bind().dialect.name == "sqlite":
        return datetime.fromisoformat(session.scalar(select(func.datetime("now"))) or "")
    instant: datetime = session.execute(select(func.timezone("UTC", func.clock_timestamp()))).scalar_one()
    return instant


def _moment(instant: datetime) -> str:
    return f"{instant.day} {instant:%b %Y, %H:%M} UTC"
