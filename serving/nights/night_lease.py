"""The lease of a night: one run at a time; and the nights that are missing.

A scheduler may start a night twice, and a machine that hung for an hour may go on writing after another has taken over.
So the database owns the night. ``begin_night`` takes a lease on the row of the date, and each new holder gets the next
*epoch*. A run can record the night only with the epoch that it began with. A run whose lease ended and was taken over
finds another epoch and is refused, however late it continues. The times of the lease only decide how soon a dead run
is replaced (a running one renews its lease, see ``heartbeat``); clocks that differ can never make two runs write.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Update, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from features.errors import RescueError, UsageError
from serving.operations.holder import current_holder, is_gone
from serving.store.database import Store, utcnow
from serving.store.tables import NightRow

LEASE = timedelta(minutes=2)
"""The time after the last renewal at which another run may take the night over."""


class NightHeldError(RescueError):
    """Another run works on this night and its lease is not over."""


class StaleNightError(RescueError):
    """This run's lease on the night was taken over by another run, so it may not write."""


class LateNightError(UsageError):
    """The night is earlier than one that is recorded: writing it now would overwrite the newer state of the queue."""


@dataclass(frozen=True)
class Night:
    """The right to record one night, until another run takes it over."""

    as_of: date
    run_id: str
    epoch: int


@dataclass(frozen=True)
class RecordedNight:
    """A night that is in the queue; ``already`` means that an earlier run recorded it."""

    as_of: date
    content_hash: str
    already: bool


def begin_night(
    store: Store, as_of: date, run_id: str, *, lease: timedelta = LEASE, now: datetime | None = None
) -> Night | RecordedNight:
    """Take the lease of a night; a night that is recorded is returned as :class:`RecordedNight`.

    Raises :class:`NightHeldError` while another run holds it and :class:`LateNightError` for a night before the newest
    one recorded. A failed run, one whose lease is over, and one whose process on this machine is gone, are replaced.
    """
    now = now or utcnow()
    try:
        return _begin(store, as_of, run_id, now, now + lease)
    except IntegrityError:  # two runs met at the first row of this night on PostgreSQL: the other has it now
        return _begin(store, as_of, run_id, now, now + lease)


def _begin(store: Store, as_of: date, run_id: str, now: datetime, until: datetime) -> Night | RecordedNight:
    with store.transaction() as session:
        row = session.get(NightRow, as_of, with_for_update=True)
        if row is None:
            refuse_late_night(session, as_of)
            session.add(_first(as_of, run_id, now, until))
            return Night(as_of, run_id, 1)
        if row.status == "recorded":
            return RecordedNight(as_of, row.content_hash or "", already=True)
        if row.status == "running" and row.lease_until > now and not is_gone(row.holder):
            raise NightHeldError(
                f"The night of {as_of} is being run by {row.run_id}: wait for it. If that run has died, another can "
                f"start at {row.lease_until:%H:%M:%S} UTC."
            )
        refuse_late_night(session, as_of)
        row.run_id, row.epoch, row.status, row.lease_until, row.failure = run_id, row.epoch + 1, "running", until, None
        row.holder = current_holder()
        return Night(as_of, run_id, row.epoch)


def _first(as_of: date, run_id: str, now: datetime, until: datetime) -> NightRow:
    holder = current_holder()
    return NightRow(
        as_of=as_of, run_id=run_id, epoch=1, status="running", lease_until=until, started_at=now, holder=holder
    )


def refuse_late_night(session: Session, as_of: date) -> None:
    """Raise :class:`LateNightError` for a night before the newest one recorded."""
    newest = session.scalar(select(func.max(NightRow.as_of)).where(NightRow.status == "recorded"))
    if newest is not None and as_of < newest:
        raise LateNightError(
            f"The night of {as_of} is earlier than {newest}, which is already recorded: "
            "use `rescue replay` to see its decision. A night is taken back only by restoring a backup made before it "
            "(`rescue restore`)."
        )


def refuse_late_run(store: Store, as_of: date) -> None:
    """Raise :class:`LateNightError` before anything is read, for a night that cannot be recorded any more."""
    with store.reading() as session:
        row = session.get(NightRow, as_of)
        if row is None or row.status != "recorded":
            refuse_late_night(session, as_of)


def renew_lease(store: Store, night: Night, *, lease: timedelta = LEASE, now: datetime | None = None) -> None:
    """Extend the lease; :class:`StaleNightError` when the night was taken over."""
    with store.transaction() as session:
        update_held_night(session, night, update(NightRow).values(lease_until=(now or utcnow()) + lease))


def abandon_night(store: Store, night: Night, failure: str) -> None:
    """Give up the lease of a failed night and store the reason, so that the next run need not wait."""
    with store.transaction() as session:
        update_held_night(session, night, update(NightRow).values(status="failed", failure=failure))


def update_held_night(session: Session, night: Night, change: Update) -> None:
    """Change the row of a night that this run still holds; the row stays locked until the transaction ends."""
    holding = (NightRow.as_of == night.as_of, NightRow.epoch == night.epoch, NightRow.status == "running")
    if session.execute(change.where(*holding).returning(NightRow.as_of)).first() is None:
        raise StaleNightError(
            f"The night of {night.as_of} was taken over from run {night.run_id}: nothing of this run was written."
        )


def missing_nights(store: Store, until: date, *, limit: int) -> list[date]:
    """The nights after the newest recorded one up to and including ``until``, oldest first, at most the last ``limit``.

    In an empty queue only ``until`` is missing.
    """
    with store.reading() as session:
        newest = session.scalar(select(func.max(NightRow.as_of)).where(NightRow.status == "recorded"))
    if newest is None:
        return [until]
    missing = [newest + timedelta(days=n + 1) for n in range((until - newest).days)]
    return missing[-limit:] if limit > 0 else []
