"""Who acts: ``rescue watch`` and ``rescue timers`` share a lease in the database, so only one of them does.

Each new holder gets the next *epoch*, and every transaction of the holder checks it. A process that was stopped and
goes on after another has taken over is refused, whatever its clock says.
"""

import os
import secrets
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from features.errors import RescueError
from serving.store.database import Store, utcnow
from serving.store.incident_tables import LeaseRow

TIMERS = "timers"
TIMER_LEASE = timedelta(seconds=55)
"""The time after the last renewal at which another process may take over."""


class LeaseLostError(RescueError):
    """Another process took over while this one was stopped; nothing of this round was written."""


@dataclass(frozen=True)
class TimerLease:
    """The right to run the timers, until another process takes it."""

    holder: str
    epoch: int


@dataclass(frozen=True)
class HeldBy:
    """Another process has the lease, since when, and until when at least."""

    holder: str
    since: datetime
    until: datetime

    @property
    def shown(self) -> str:
        """The holder, for people."""
        return self.holder.partition("#")[0]


def this_process(what: str) -> str:
    """A name for this process: ``rescue watch on host (1234)``, and what tells it from one of the same name."""
    return f"{what} on {socket.gethostname()} ({os.getpid()})#{secrets.token_hex(4)}"


def take_lease(
    store: Store, holder: str, *, now: datetime | None = None, lease: timedelta = TIMER_LEASE
) -> TimerLease | HeldBy:
    """Take or renew the lease; :class:`HeldBy` while another process has it."""
    now = now or utcnow()
    try:
        return _take(store, holder, now, lease)
    except IntegrityError:  # two processes met at the first row: the other has it now
        return _take(store, holder, now, lease)


def _take(store: Store, holder: str, now: datetime, lease: timedelta) -> TimerLease | HeldBy:
    with store.transaction() as session:
        row = session.get(LeaseRow, TIMERS, with_for_update=True)
        if row is None:
            session.add(LeaseRow(name=TIMERS, holder=holder, epoch=1, taken_at=now, lease_until=now + lease))
            return TimerLease(holder, 1)
        if row.holder != holder:
            if row.lease_until > now:
                return HeldBy(row.holder, row.taken_at, row.lease_until)
            row.holder, row.epoch, row.taken_at = holder, row.epoch + 1, now
        row.lease_until = now + lease
        return TimerLease(holder, row.epoch)


def require_lease(session: Session, lease: TimerLease | None) -> None:
    """Raise :class:`LeaseLostError` unless the lease is still held; its row stays locked until the transaction ends."""
    if lease is None:
        return
    held = (LeaseRow.name == TIMERS, LeaseRow.holder == lease.holder, LeaseRow.epoch == lease.epoch)
    touched = update(LeaseRow).where(*held).values(epoch=lease.epoch).returning(LeaseRow.name)
    if session.execute(touched).first() is None:
        raise LeaseLostError("Another process runs the timers now: nothing of this round was written.")


def release_lease(store: Store, lease: TimerLease, *, now: datetime | None = None) -> None:
    """End the lease, so that the next process need not wait for it."""
    held = (LeaseRow.name == TIMERS, LeaseRow.holder == lease.holder, LeaseRow.epoch == lease.epoch)
    with store.transaction() as session:
        session.execute(update(LeaseRow).where(*held).values(lease_until=now or utcnow()))
