"""Messages to people about an event of a case or an incident, written to the outbox in the transaction of the event.

Each reader and channel has a row of its own with a stable id. A message that cannot be composed is logged and left out:
it never stops the change that it is about.
"""

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from serving.cases.escalation.path_context import PathContext, is_silent, path_context
from serving.delivery.outbox import message_id
from serving.paths.directory import ReaderKind
from serving.paths.message_text import MessageText, Occasion, compose_message, sending_time
from serving.paths.path_progress import SentStep
from serving.paths.path_steps import PathStep
from serving.paths.protocol import (
    DEFAULT_PROTOCOL,
    Notification,
    ProtocolEvent,
    event_notifications,
    step_notifications,
)
from serving.paths.subjects import Subject
from serving.store.exchange import Message
from serving.store.queries.handover_queries import answer_texts, newest_hand_over
from serving.store.tables import Case

EVENT_OF_CHANGE = {
    "opened": ProtocolEvent.OPENED,
    "raised": ProtocolEvent.RAISED_AGAIN,
    "assign": ProtocolEvent.ASSIGNED,
    "reassign": ProtocolEvent.ASSIGNED,
    "release": ProtocolEvent.ASSIGNED,  # whoever is on duty is responsible now
    "escalated": ProtocolEvent.ESCALATED,
    "path_repeated": ProtocolEvent.ESCALATED,
    "hand_over": ProtocolEvent.HANDED_OVER,
    "accept": ProtocolEvent.ACCEPTED,
    "return": ProtocolEvent.RETURNED,
    "contact": ProtocolEvent.CONTACTED,
    "breached": ProtocolEvent.SLA_BREACHED,
    "resolve": ProtocolEvent.RESOLVED,
    "close": ProtocolEvent.RESOLVED,
    "expire": ProtocolEvent.RESOLVED,
    "reopen": ProtocolEvent.REOPENED,
}
"""The event of the protocol by the kind of an entry in the record of a case."""

_logger = logging.getLogger(__name__)


def announce_change(
    session: Session, case: Case, kind: str, *, actor: str, comment: str, at: datetime, sent: SentStep | None = None
) -> None:
    """Write the messages about a recorded change of a case; ``sent`` is the step of its path that the change took."""
    event = EVENT_OF_CHANGE.get(kind)
    if event is None:
        return
    context = path_context(session, at)
    if sent is None and is_silent(context, event):
        return
    subject = context.subject_of(session, case, actor=actor, comment=comment)
    if subject.to_accept and event is ProtocolEvent.HANDED_OVER:
        form = newest_hand_over(session, case.id)
        subject = replace(subject, answers=answer_texts(form.answers) if form is not None else ())
    path = context.path_of(case)
    if sent is not None and sent.step == 0 and not path.name:
        sent = None  # whom the tiers of a squad begin with, the protocol tells
    step = path.steps[sent.step] if sent else None
    enqueue_event(
        session,
        subject,
        event,
        context,
        at=at,
        key=str(case.version),
        sent=sent,
        step=step,
        case_id=case.id,
        only_step=kind == "path_repeated",
    )


def enqueue_event(
    session: Session,
    subject: Subject,
    event: ProtocolEvent,
    context: PathContext,
    *,
    at: datetime,
    key: str,
    sent: SentStep | None = None,
    step: PathStep | None = None,
    case_id: str | None = None,
    incident_id: str | None = None,
    only_step: bool = False,
) -> list[Message]:
    """Write the messages of an event: those of the step that is sent, and those of the protocol.

    ``key`` tells the events of one subject apart: the version of the case or of the incident. With ``only_step``, the
    protocol is left out: a repetition is no event.
    """
    rule = context.protocol.get(event, DEFAULT_PROTOCOL[event])
    written: list[Message] = []
    asks = _step_messages(sent, step, context, subject.actor)
    moved = sent is not None and step is not None and step.acknowledge and not sent.repeat
    waited = f"step {sent.before + 1} had {sent.waited}" if sent and sent.waited and sent.before >= 0 else ""
    common = Occasion(event, fields=rule.fields, at=at, moved=moved, waited=waited)
    for notification in asks:
        assert step is not None and sent is not None  # noqa: S101 - there are messages of a step only with a step
        template = step.message or rule.template
        occasion = common._replace(template=template, acknowledge=step.acknowledge, repeat=sent.repeat)
        written += _write(session, subject, occasion, notification, context, at, key, case_id, incident_id)
    if not only_step:
        already = {(notification.reader.name, notification.channel) for notification in asks}
        due = event_notifications(event, subject, context.protocol, context.directory, at, already)
        for notification in due:
            occasion = common._replace(party=notification.party, template=rule.template)
            written += _write(session, subject, occasion, notification, context, at, key, case_id, incident_id)
    return written


def _step_messages(
    sent: SentStep | None, step: PathStep | None, context: PathContext, actor: str
) -> tuple[Notification, ...]:
    """The messages of a step; nobody is notified of what they did themselves."""
    if sent is None or step is None:
        return ()
    readers = [reader for reader in sent.readers if reader.name != actor or reader.kind is not ReaderKind.PERSON]
    return step_notifications(readers, step.channels, context.directory)


def _write(
    session: Session,
    subject: Subject,
    occasion: Occasion,
    notification: Notification,
    context: PathContext,
    at: datetime,
    key: str,
    case_id: str | None,
    incident_id: str | None,
) -> Iterable[Message]:
    """One row of the outbox; none where the text cannot be composed."""
    kind, reader = f"{subject.kind}.{occasion.event}", notification.reader
    try:
        link = context.messages.link(subject.kind, subject.id)
        text = compose_message(subject, reader, occasion, link=link)
        send_at = sending_time(subject, occasion.event, notification, at, context.choices_of(reader.name))
    except Exception:
        _logger.exception("The message to %s about %s %s cannot be written.", reader.name, subject.kind, subject.id)
        return []
    waits = send_at > at
    batch = message_id("digest", reader.name, notification.channel, send_at.isoformat()) if waits else None
    row = Message(
        id=message_id(subject.id, key, kind, notification.channel, reader.name),
        channel=notification.channel,
        kind=kind,
        case_id=case_id,
        incident_id=incident_id,
        person=reader.name,
        recipient=notification.address,
        batch=batch,
        payload=_person_payload(subject, kind, notification, text, link, at),
        status="pending",
        attempts=0,
        created_at=at,
        next_at=send_at,
    )
    session.add(row)
    return [row]


def _person_payload(
    subject: Subject, kind: str, notification: Notification, text: MessageText, link: str, at: datetime
) -> dict[str, Any]:
    return {
        "type": kind,
        "timestamp": at.isoformat() + "Z",
        "to": notification.reader.name,
        "party": notification.party,
        "subject": text.subject,
        "text": text.text,
        "reader": notification.reader.shown,
        "link": link,
        "data": {
            subject.kind: subject.id,
            "headline": subject.title,
            "squad": subject.squad,
            "severity": subject.severity,
        },
    }
