"""The record of every attempt to run a night, from its start on: also one that stops before the night exists.

A night that stops at validation leaves the queue as it was, and a process that is killed writes nothing any more. So
the attempt is a row before anything is read, and the next attempt marks those whose process is gone. The record never
keeps a night from running: its own errors are passed over.
"""

import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from serving.operations.holder import current_holder, is_gone
from serving.store import Session, Store
from serving.store.database import utcnow
from serving.store.operations_tables import AttemptRow

REASON_LENGTH = 2_000
CUT = ("interrupted", "failed")
"""Outcomes of an attempt that ended by force or by an error."""
FINAL_STEPS = ("record", "timers", "deliver")
"""The steps from which on a night may be in the queue."""


@dataclass
class AttemptRecord:
    """One attempt that runs; without ``id`` it could not be recorded, and nothing about it is."""

    store: Store
    id: str | None = None

    def note_step(self, step: str) -> None:
        """Record the step that begins."""
        self._update(step=step)

    def end(self, outcome: str, reason: str | None = None) -> None:
        """Record how the attempt ended: recorded, unchanged, stopped, failed or interrupted."""
        self._update(outcome=outcome, reason=(reason or "")[:REASON_LENGTH] or None, ended_at=utcnow())

    def _update(self, **values: object) -> None:
        if self.id is None:
            return
        with suppress(Exception), self.store.transaction() as session:
            row = session.get(AttemptRow, self.id)
            if row is not None:
                for name, value in values.items():
                    setattr(row, name, value)


def begin_attempt(store: Store, as_of: date) -> AttemptRecord:
    """Record that an attempt begins, and that earlier ones whose process is gone were interrupted."""
    record = AttemptRecord(store)
    with suppress(Exception), store.transaction() as session:
        for row in session.scalars(select(AttemptRow).where(AttemptRow.outcome == "running")):
            if is_gone(row.holder):
                row.outcome, row.ended_at, row.reason = "interrupted", utcnow(), "The process ended without a word."
        attempt = AttemptRow(
            id=uuid.uuid4().hex, as_of=as_of, started_at=utcnow(), outcome="running", holder=current_holder()
        )
        session.add(attempt)
        record.id = attempt.id
    return record


def ended_early(store: Store, as_of: date) -> bool:
    """Whether a night was recorded by an attempt that ended before the timers ran and the messages were sent.

    Neither would happen before the next night where nothing else runs them. False where the attempts are not known.
    """
    with suppress(Exception), store.reading() as session:
        attempts = session.scalars(select(AttemptRow).where(AttemptRow.as_of == as_of)).all()
        cut = any(row.outcome in CUT and row.step in FINAL_STEPS for row in attempts)
        return cut and not any(row.outcome == "recorded" for row in attempts)
    return False


def newest_attempt(session: Session) -> AttemptRow | None:
    """The attempt that started last."""
    return session.scalar(select(AttemptRow).order_by(AttemptRow.started_at.desc(), AttemptRow.id).limit(1))
