"""Sending the outbox: at-least-once delivery with a stable id; a message that cannot be delivered is a dead letter.

A sender takes one message at a time by moving its next attempt ahead (a lease), sends it outside any transaction, and
stores the result. If the sender dies in between, the lease ends and the message is sent again. The wait after a failure
grows with each attempt. It is stored in the database, so a restart neither loses nor shortens it. After the last
attempt a message is a dead letter until somebody replays it. Within one attempt, a short failure is retried a few
times at once. A channel that fails several messages in a row is paused until the next run, so that a receiver that
hangs delays a night by half a minute and not by hours.

A channel that keeps a record of each case gets the record with the message. One process at a time writes a record; a
message about it waits meanwhile.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple, cast

import stamina
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from features.errors import UsageError
from serving.delivery.channel import Channel, ChannelMessage, DeliveryError, ExternalRecord, RecordChannel
from serving.delivery.mail_answers import answer_lines
from serving.delivery.outbox import CASE_CHANGED
from serving.delivery.records.case_update import case_update
from serving.delivery.records.record_writer import CaseRecords
from serving.delivery.records.stored_records import hold_record, release_record, store_record
from serving.paths.message_text import MessageText, digest_text
from serving.store.database import Store, utcnow
from serving.store.exchange import DIGEST, Message
from serving.store.incident_tables import Incident
from serving.store.tables import FrozenHandoff

MESSAGE_LEASE = timedelta(minutes=5)
BUSY_WAIT = timedelta(seconds=15)
"""How long a message waits whose record another process writes or reads."""
ATTEMPTS = 10
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=12)
RETRY_WITHIN_ATTEMPT: dict[str, Any] = {"attempts": 3, "wait_initial": 0.2, "wait_max": 1.0, "timeout": 5.0}
"""Quick retries within one attempt; a receiver that needed long to fail is not tried again at once."""
FAILURES = 3
"""Failed messages in a row after which a channel is paused."""
WITH_HANDOFF = ("case.opened", "case.raised")

stamina.instrumentation.set_on_retry_hooks([])  # a failure is one sentence at the end: no line for each retry
logger = logging.getLogger(__name__)
jitter = Random()  # noqa: S311 - spreads retries, guards nothing


class _Taken(NamedTuple):
    """A message that this process sends now; ``subject`` are the ids of its case and incident.

    ``record`` is None for a channel without records, and ``busy`` is true where the message has to wait for it.
    With ``keeps_cases``, the channel keeps a record of each case for people.
    """

    channel: str
    message: ChannelMessage
    parts: list[str]
    subject: tuple[str | None, str | None] = (None, None)
    record: ExternalRecord | None = None
    busy: bool = False
    keeps_cases: bool = False


@dataclass
class DeliveryReport:
    """How many messages were sent, were not needed, will be tried again, are dead, or have a channel that is not
    configured.

    ``unneeded`` are those of which a channel made nothing, such as a message about a record that was deleted.
    ``records`` are the cases whose records were written, by channel. ``waiting`` messages are due at ``next_at`` or
    later. ``paused`` are the channels that failed several messages in a row.
    """

    sent: int = 0
    unneeded: int = 0
    records: dict[str, set[str]] = field(default_factory=dict)
    waiting: int = 0
    next_at: datetime | None = None
    retried: int = 0
    dead: int = 0
    without_channel: int = 0
    paused: list[str] = field(default_factory=list)

    @property
    def written(self) -> tuple[str, ...]:
        """The records that were written, a sentence for each channel."""
        return tuple(
            f"{len(cases):,} {'record' if len(cases) == 1 else 'records'} written to {channel}"
            for channel, cases in sorted(self.records.items())
        )


def deliver(
    store: Store,
    channels: Mapping[str, Channel],
    *,
    replay: str | None = None,
    composed_at: datetime | None = None,
    clock: Callable[[], datetime] = utcnow,
) -> DeliveryReport:
    """Send every message that is due; with ``replay``, only that message, whatever its status is.

    ``composed_at`` is when the digests of people were written: what becomes due for the morning after it waits for the
    next run, which puts it into a digest.
    """
    if replay is not None:
        _reset(store, replay, clock())
    report = DeliveryReport()
    failed = dict.fromkeys(channels, 0)
    available = dict(channels)
    while (taken := _take(store, available, clock(), replay, composed_at)) is not None:
        if taken.busy:
            continue
        channel = taken.channel
        failure, record = _attempt(store, channels[channel], taken)
        _store_result(store, taken, record, failure, clock(), report)
        failed[channel] = failed[channel] + 1 if failure and not failure.permanent else 0
        if failed[channel] >= FAILURES:
            report.paused.append(channel)
            del available[channel]
    report.without_channel = _count_without_channel(store, channels)
    report.waiting, report.next_at = _count_waiting(store, channels)
    return report


def _reset(store: Store, message_id: str, now: datetime) -> None:
    with store.transaction() as session:
        message = session.get(Message, message_id, with_for_update=True)
        if message is None:
            raise UsageError(f"There is no message {message_id!r} in the outbox.")
        message.status, message.attempts, message.next_at, message.error = "pending", 0, now, None


def _take(
    store: Store, channels: Mapping[str, Channel], now: datetime, only: str | None, composed_at: datetime | None = None
) -> _Taken | None:
    """The message that is due first, with its channel and the ids of its rows; messages of one batch are one."""
    due = select(Message).where(Message.status == "pending", Message.next_at <= now, Message.channel.in_(channels))
    if only is not None:
        due = due.where(Message.id == only)
    elif composed_at is not None:
        due = due.where(or_(Message.batch.is_(None), Message.next_at <= composed_at))
    first = due.order_by(Message.next_at, Message.id).limit(1).with_for_update(skip_locked=True)
    with store.transaction() as session:
        message = session.scalar(first)
        if message is None:
            return None
        subject = (message.case_id, message.incident_id)
        record = None
        if subject != (None, None) and _keeps_records(channels[message.channel], message):
            record = hold_record(session, message, now)
            if record is None:
                message.next_at = now + BUSY_WAIT
                return _Taken(message.channel, _channel_message(session, [message], None), [], busy=True)
        parts = [message] if message.batch is None or only is not None else _batch(session, message)
        for part in parts:
            part.next_at, part.attempts = now + MESSAGE_LEASE, part.attempts + 1
        sent = _channel_message(session, parts, record)
        keeps = isinstance(channels[message.channel], CaseRecords)
        return _Taken(message.channel, sent, [part.id for part in parts], subject, record, keeps_cases=keeps)


def _keeps_records(channel: Channel, message: Message) -> bool:
    """Whether the channel is a :class:`RecordChannel`, and writes its record also for messages to people."""
    return hasattr(channel, "write") and (message.person is None or getattr(channel, "for_people", False))


def _batch(session: Session, first: Message) -> list[Message]:
    """The messages that are sent together with this one, in the order in which they were written; a digest first."""
    rows = select(Message).where(Message.batch == first.batch, Message.status == "pending")
    order = (Message.kind != DIGEST, Message.created_at, Message.id)
    return list(session.scalars(rows.order_by(*order).with_for_update())) or [first]


def _channel_message(session: Session, parts: Sequence[Message], record: ExternalRecord | None) -> ChannelMessage:
    message = parts[0]
    payload = message.payload
    if message.person is not None:
        return _person_message(session, message, parts)
    handoff = None
    if message.kind in WITH_HANDOFF:
        as_of = datetime.fromisoformat(payload["data"]["as_of"]).date()
        handoff = session.scalar(
            select(FrozenHandoff.content).where(FrozenHandoff.case_id == message.case_id, FrozenHandoff.as_of == as_of)
        )
    title, text, data = payload.get("subject"), payload.get("text"), payload["data"]
    update = None
    if record is not None and message.kind == CASE_CHANGED and message.case is not None:
        owner, address = data.get("owner"), data.get("owner_address")
        update = case_update(
            session, message.case, channel=message.channel, entry=record.entry, owner=owner, address=address
        )
    return ChannelMessage(
        message.id,
        message.kind,
        payload["timestamp"],
        data,
        handoff,
        title,
        text,
        link=payload.get("link", ""),
        to=payload.get("to"),
        recipient=message.recipient,
        attempt=message.attempts,
        update=update,
        html=payload.get("html"),
    )


def _person_message(session: Session, message: Message, parts: Sequence[Message]) -> ChannelMessage:
    payload = message.payload
    if message.kind == DIGEST:
        parts = parts[:1]  # it reports the others
    items = [MessageText(part.payload["subject"], part.payload["text"] + answer_lines(session, part)) for part in parts]
    title, text = digest_text(payload.get("reader") or payload["to"], items)
    return ChannelMessage(
        message.id,
        message.kind if len(parts) == 1 else "digest",
        payload["timestamp"],
        payload["data"] if len(parts) == 1 else {"items": [part.payload["data"] for part in parts], "headline": title},
        title=title,
        text=text,
        link=payload.get("link", "") if len(parts) == 1 else "",
        to=payload["to"],
        recipient=message.recipient,
        attempt=message.attempts,
        current=_current_state(session, message) if len(parts) == 1 else {},
        html=payload.get("html") if len(parts) == 1 else None,
    )


def _current_state(session: Session, message: Message) -> dict[str, Any]:
    """What a message to a person offers to do depends on the state of its case or incident now."""
    subject = message.case or (session.get(Incident, message.incident_id) if message.incident_id else None)
    if subject is None:
        return {}
    names = ("version", "state", "acknowledged_by")
    return {name: getattr(subject, name) for name in names} | {"respond_by": _instant(subject.respond_by)}


def _instant(at: datetime | None) -> str | None:
    return at.isoformat() + "Z" if at else None


def _attempt(store: Store, channel: Channel, taken: _Taken) -> tuple[DeliveryError | None, ExternalRecord | None]:
    """Send a message; returns the error, and the record that was written.

    An unexpected error of a channel must not stop the messages after it. What a channel stores while it writes is what
    the next attempt begins with, also within this one.
    """
    record = [taken.record]

    def save(written: ExternalRecord) -> None:
        store_record(store, taken.channel, taken.subject, written)
        record[0] = written

    written = None
    try:
        for attempt in stamina.retry_context(on=_may_be_short, **RETRY_WITHIN_ATTEMPT):
            with attempt:
                message = replace(taken.message, attempt=taken.message.attempt + attempt.num - 1)
                if record[0] is None:
                    channel.send(message)
                else:
                    written = cast("RecordChannel", channel).write(message, record[0], save)
    except DeliveryError as error:
        return error, None
    except Exception as error:
        logger.debug("The channel %s failed.", taken.channel, exc_info=True)
        return DeliveryError(f"The channel itself failed ({type(error).__name__})."), None
    return None, written


def _may_be_short(error: Exception) -> bool:
    """Whether the failure may be over in a moment: not permanent, and without a wait that the receiver asks for."""
    return isinstance(error, DeliveryError) and not error.permanent and error.retry_after is None


def _store_result(
    store: Store,
    taken: _Taken,
    record: ExternalRecord | None,
    failure: DeliveryError | None,
    now: datetime,
    report: DeliveryReport,
) -> None:
    """Store the result of one attempt in each of the rows that were sent as one message, and in the record."""
    with store.transaction() as session:
        rows = [session.get_one(Message, part, with_for_update=True) for part in taken.parts]
        if taken.record is not None:
            release_record(session, taken.channel, taken.subject, record, now)
        if failure is None:
            unneeded = taken.record is not None and record is None
            for message in rows:
                message.status, message.sent_at, message.error = "sent", None if unneeded else now, None
            report.sent += not unneeded
            report.unneeded += unneeded
            if record is not None and taken.keeps_cases:
                report.records.setdefault(taken.channel, set()).add(taken.subject[0] or "")
            return
        wait = retry_delay(rows[0].attempts, failure.retry_after)
        dead = failure.permanent or rows[0].attempts >= ATTEMPTS
        report.dead += dead
        report.retried += not dead
        for message in rows:
            message.error = str(failure)
            if dead:
                message.status = "dead"
            else:
                message.next_at = now + wait
        message = rows[0]
        logger.warning("message %s to %s: %s (%s)", message.id, message.channel, failure, message.status)


def retry_delay(attempts: int, retry_after: float | None = None) -> timedelta:
    """The wait until the next attempt: doubles from half a minute to half a day, plus up to a quarter at random, and is
    never shorter than the receiver asked for.
    """
    doubled = min(FIRST_WAIT.total_seconds() * 2.0 ** (attempts - 1), LONGEST_WAIT.total_seconds())
    asked = min(retry_after or 0.0, LONGEST_WAIT.total_seconds())
    return timedelta(seconds=max(doubled * jitter.uniform(1.0, 1.25), asked))


def _count_without_channel(store: Store, channels: Mapping[str, Channel]) -> int:
    query = select(func.count()).where(Message.status == "pending", Message.channel.not_in(channels))
    with store.reading() as session:
        return session.scalar(query) or 0


def _count_waiting(store: Store, channels: Mapping[str, Channel]) -> tuple[int, datetime | None]:
    query = select(func.count(), func.min(Message.next_at)).where(
        Message.status == "pending", Message.channel.in_(channels)
    )
    with store.reading() as session:
        count, first = session.execute(query).one()
    return count, first
