"""Write the digests that are due: one for each person and morning, whatever process asks for it how often.

The row of a digest and its message in the outbox are one transaction, and the row's key is the person and the day. So a
process that is killed either leaves both or none, a second one finds the row, and the outbox sends the message with the
same id until it has arrived. Messages that waited for the morning are sent with it, as one.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from serving.cases.digests.digest_content import DigestQuery, since_of
from serving.cases.digests.digest_text import Digest, compose_digest
from serving.cases.escalation.path_context import PathContext, path_context
from serving.delivery.outbox import message_id
from serving.paths.absences import Absence
from serving.paths.digests.digest_schedule import due_digest
from serving.paths.directory import Reader
from serving.store.database import Store, utcnow
from serving.store.exchange import DIGEST, DigestRow, Message

_logger = logging.getLogger(__name__)


@dataclass
class DigestReport:
    """Whose digests were written, and for whom there was nothing to report. ``composed_at`` is the time of the run."""

    composed_at: datetime
    written: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)


def run_digests(store: Store, *, now: datetime | None = None) -> DigestReport:
    """Write the digest of everybody for whom one is due and was not written yet.

    People who are absent get none; the first one after their return covers three days. A digest that cannot be composed
    is logged and tried again in the next run, and never keeps others from theirs.
    """
    now = now or utcnow()
    report = DigestReport(now)
    with store.reading() as session:
        due = due_people(session, path_context(session, now), now)
    for person, day in due:
        try:
            with store.transaction() as session:
                _write_digest(session, person, day, now, report)
        except IntegrityError:
            continue  # another process has written it
        except Exception:
            _logger.exception("The digest of %s for %s cannot be written.", person, day)
    return report


def due_people(session: Session, context: PathContext, now: datetime) -> list[tuple[str, date]]:
    """Who has a digest due, each with the local day, without those whose digest of that day was written."""
    due = {}
    for name in context.staff.roster.people:
        reader, choices = context.directory.person(name), context.choices_of(name)
        found = due_digest(now, reader.timezone, choices) if choices.digest and reader.addresses else None
        if found is not None and not _is_away(context, name, now):
            due[name] = found[0]
    if not due:
        return []
    query = select(DigestRow.person, DigestRow.day).where(DigestRow.day.in_(set(due.values())))
    written = {(row.person, row.day) for row in session.execute(query)}
    return [(name, day) for name, day in due.items() if (name, day) not in written]


def preview_digest(session: Session, person: str, now: datetime) -> Digest:
    """What the next digest of a person would report if it were written now; nothing is changed."""
    context = path_context(session, now)
    reader = context.directory.person(person)
    day = now_in(reader, now)
    waiting = _waiting(session, person, _channels(reader), None)
    return DigestQuery(session, context, reader, day, since_of(_last(session, person), now), now).digest(waiting)


def now_in(reader: Reader, now: datetime) -> date:
    """The local day of a reader."""
    today = now.date()
    for day in (date.fromordinal(today.toordinal() + shift) for shift in (-1, 0, 1)):
        if Absence.of_days(reader.name, day, day, reader.timezone, "").covers(now):
            return day
    return today


def _write_digest(session: Session, person: str, day: date, now: datetime, report: DigestReport) -> None:
    """The row of a digest with its message, where there is something to report."""
    if session.get(DigestRow, (person, day)) is not None:
        return
    context = path_context(session, now)
    reader = context.directory.person(person)
    channel, address = reader.addresses[0]
    since = since_of(_last(session, person), now)
    waiting = _waiting(session, person, [channel], now)
    digest = DigestQuery(session, context, reader, day, since, now).digest(waiting)
    row = DigestRow(person=person, day=day, composed_at=now, seen_until=now, channel=channel, items=digest.items)
    row.message_id = None
    session.add(row)
    session.flush()
    if not digest.items:
        _send_with(waiting, None)
        report.empty.append(person)
        return
    message = _message(person, reader, channel, address, digest, now)
    session.add(message)
    _send_with(waiting, message.batch)
    row.message_id = message.id
    report.written.append(person)


def _message(person: str, reader: Reader, channel: str, address: str | None, digest: Digest, now: datetime) -> Message:
    text = compose_digest(digest)
    ident = message_id(DIGEST, person, digest.day.isoformat())
    return Message(
        id=ident,
        channel=channel,
        kind=DIGEST,
        person=person,
        recipient=address,
        batch=ident,
        payload={
            "type": DIGEST,
            "timestamp": now.isoformat() + "Z",
            "to": person,
            "reader": reader.shown,
            "subject": text.subject,
            "text": text.text,
            "html": text.html,
            "link": digest.my_day,
            "data": {"day": digest.day.isoformat(), "headline": text.subject, "subjects": digest.subject_ids},
        },
        status="pending",
        attempts=0,
        created_at=now,
        next_at=now,
    )


def _send_with(waiting: Collection[Message], batch: str | None) -> None:
    """Messages that waited are sent as one with the digest; without a digest, as they are."""
    if batch is not None:
        for row in waiting:
            row.batch = batch


def _waiting(session: Session, person: str, channels: Collection[str], until: datetime | None) -> list[Message]:
    """The messages of a person that wait for the morning, on these channels; ``until``: those that are due."""
    query = select(Message).where(
        Message.person == person,
        Message.batch.is_not(None),
        Message.kind != DIGEST,
        Message.status == "pending",
        Message.attempts == 0,
        Message.channel.in_(channels),
    )
    if until is not None:
        query = query.where(Message.next_at <= until)
    query = query.order_by(Message.created_at, Message.id)
    return list(session.scalars(query.with_for_update() if until is not None else query))


def _channels(reader: Reader) -> list[str]:
    return [channel for channel, _ in reader.addresses[:1]]


def _last(session: Session, person: str) -> datetime | None:
    return session.scalar(select(func.max(DigestRow.seen_until)).where(DigestRow.person == person))


def _is_away(context: PathContext, person: str, now: datetime) -> bool:
    obstacle = context.staff.obstacle(person, now)
    return obstacle is not None and obstacle.code in ("absent", "disabled")
