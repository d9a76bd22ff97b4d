"""The rows of records in other systems: who may write one now, what is known of it, and what was written."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from serving.delivery.channel import ExternalRecord
from serving.store.database import Store
from serving.store.exchange import ExternalRecordRow, Message
from serving.store.tables import Case

GONE_AFTER = timedelta(hours=24)
"""How long a record has to be missing until it counts as deleted, and how often it is looked for after that."""
MISSING_SINCE = "missing_since"
"""The key of when a record was missing first, in what was read of it."""
READ_FOR = timedelta(days=30)
"""How long the record of a closed case is still read: it may be opened again, or commented on."""
RECORD_GONE = "gone"
"""The key of a record's state that says it was deleted there."""
RECORD_LEASE = timedelta(minutes=5)
"""How long a process may write or read a record before another one takes it over."""


def hold_record(session: Session, message: Message, now: datetime) -> ExternalRecord | None:
    """Take the record that a message is about, and make its row if there is none; None where another process has it."""
    about = (
        ExternalRecordRow.case_id == message.case_id
        if message.case_id is not None
        else ExternalRecordRow.incident_id == message.incident_id
    )
    query = select(ExternalRecordRow).where(ExternalRecordRow.channel == message.channel, about).with_for_update()
    row = session.scalar(query)
    if row is None:
        row = ExternalRecordRow(
            channel=message.channel, case_id=message.case_id, incident_id=message.incident_id, written={}, read={}
        )
        session.add(row)
    elif row.busy_until is not None and row.busy_until > now:
        return None
    row.busy_until = now + RECORD_LEASE
    session.flush()
    return as_record(row)


def as_record(row: ExternalRecordRow) -> ExternalRecord:
    """What a row says, as a channel gets it."""
    gone = {RECORD_GONE: True} if row.gone_at is not None else {}
    return ExternalRecord(row.external_id, row.url, {**row.written, **gone}, row.entry)


def store_record(store: Store, channel: str, subject: tuple[str | None, str | None], record: ExternalRecord) -> None:
    """Store what a channel knows of its record, at once; ``subject`` are the ids of the case and the incident."""
    with store.transaction() as session:
        row = find_row(session, channel, subject)
        if row is not None:
            fill_row(row, record)


def release_record(
    session: Session, channel: str, subject: tuple[str | None, str | None], record: ExternalRecord | None, now: datetime
) -> None:
    """Give a record back after it was written; ``record`` is what was written, None where nothing was."""
    row = find_row(session, channel, subject)
    if row is None:
        return
    row.busy_until = None
    if record is not None:
        fill_row(row, record)
        row.written_at = now


def find_row(session: Session, channel: str, subject: tuple[str | None, str | None]) -> ExternalRecordRow | None:
    """The row of a case (or of an incident) on a channel, locked."""
    case_id, incident_id = subject
    about = (
        ExternalRecordRow.case_id == case_id if case_id is not None else ExternalRecordRow.incident_id == incident_id
    )
    query = select(ExternalRecordRow).where(ExternalRecordRow.channel == channel, about)
    return session.scalar(query.with_for_update())


def fill_row(row: ExternalRecordRow, record: ExternalRecord) -> None:
    """Store what a channel knows of a record."""
    row.external_id, row.url = record.key, record.url
    row.written = dict(record.data)
    row.entry = record.entry if record.entry is not None else row.entry


def hold_records(
    session: Session, channel: str, before: datetime, gone_before: datetime, now: datetime, limit: int
) -> list[ExternalRecordRow]:
    """Take the records of a channel that were not read since ``before``, those that waited longest first.

    One that counts as deleted is looked for again where it was not since ``gone_before``, as long as its case is open.
    """
    free = (ExternalRecordRow.busy_until.is_(None)) | (ExternalRecordRow.busy_until <= now)
    due = (ExternalRecordRow.read_at.is_(None)) | (ExternalRecordRow.read_at <= before)
    gone = Case.closed_at.is_(None) & (ExternalRecordRow.read_at <= gone_before)
    kept = ExternalRecordRow.gone_at.is_(None)
    query = (
        select(ExternalRecordRow)
        .join(Case, Case.id == ExternalRecordRow.case_id)
        .where(_is_read(channel, now), free, due, kept | gone)
    )
    ordered = query.order_by(ExternalRecordRow.read_at.is_not(None), ExternalRecordRow.read_at, ExternalRecordRow.id)
    rows = list(session.scalars(ordered.limit(limit).with_for_update(skip_locked=True, of=ExternalRecordRow)))
    for row in rows:
        row.busy_until = now + RECORD_LEASE
    return rows


def kept_records(session: Session, channel: str, now: datetime) -> dict[int, bool]:
    """The rows of the records of a channel that are read and do not count as deleted: whether each was missing last."""
    query = (
        select(ExternalRecordRow.id, ExternalRecordRow.read)
        .join(Case, Case.id == ExternalRecordRow.case_id)
        .where(_is_read(channel, now), ExternalRecordRow.gone_at.is_(None))
    )
    return {number: MISSING_SINCE in read for number, read in session.execute(query)}


def _is_read(channel: str, now: datetime) -> ColumnElement[bool]:
    """Whether it is the record of a case that is open, or was closed a short time ago."""
    return and_(
        ExternalRecordRow.channel == channel,
        ExternalRecordRow.case_id.is_not(None),
        ExternalRecordRow.external_id.is_not(None),
        Case.closed_at.is_(None) | (Case.closed_at > now - READ_FOR),
    )


def free_records(session: Session, ids: Sequence[int]) -> None:
    """Give records back that were taken to be read."""
    session.execute(update(ExternalRecordRow).where(ExternalRecordRow.id.in_(ids)).values(busy_until=None))
