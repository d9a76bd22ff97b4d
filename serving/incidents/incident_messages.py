"""Messages about incidents, by the protocol of the policy and to every channel that cases are announced on.

They are written to the outbox in the transaction of their cause, with an id that is computed from it.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from serving.cases.escalation.notifications import enqueue_event
from serving.delivery.outbox import message_id
from serving.incidents.incident_context import IncidentContext, scope_text
from serving.paths.directory import Reader, ReaderKind
from serving.paths.message_text import Occasion, compose_message
from serving.paths.path_progress import SentStep
from serving.paths.protocol import Party, ProtocolEvent
from serving.paths.subjects import Subject
from serving.store.exchange import Message
from serving.store.incident_tables import Incident


def announce(
    session: Session,
    incident: Incident,
    event: ProtocolEvent,
    context: IncidentContext,
    at: datetime,
    *,
    headline: str,
    sent: SentStep | None = None,
    only_step: bool = False,
    actor: str = "",
    comment: str = "",
) -> None:
    """Write the messages of an event; ``sent`` is the step of the path that it took."""
    subject = context.subject_of(session, incident, headline=headline, actor=actor, comment=comment)
    path = context.path_of(incident)
    enqueue_event(
        session,
        subject,
        event,
        context.paths,
        at=at,
        key=str(incident.version),
        sent=sent,
        step=path.steps[sent.step] if path and sent else None,
        incident_id=incident.id,
        only_step=only_step,
    )
    for channel in () if only_step else context.channels:
        session.add(_broadcast(subject, incident, event, context, channel, at))


def incident_headline(incident: Incident, *, again: bool = False) -> str:
    """The reason in one sentence: what was counted, who is affected, since when."""
    signals = f"{incident.signals:,} {'signal' if incident.signals == 1 else 'signals'}"
    scope = scope_text(incident)
    return f"{'It has returned: ' if again else ''}{signals}{f', affecting {scope}' if scope else ''}"


def _broadcast(
    subject: Subject,
    incident: Incident,
    event: ProtocolEvent,
    context: IncidentContext,
    channel: str,
    at: datetime,
) -> Message:
    """The message to the receivers of a channel, who are the whole team."""
    calendar = context.paths.staff.roster.calendar_of(None, incident.squad)
    team = Reader(incident.squad, ReaderKind.ROLE, (), calendar.timezone if calendar else "UTC", "everybody")
    link = context.paths.messages.link(subject.kind, subject.id)
    text = compose_message(subject, team, Occasion(event, Party.RESPONSIBLE, at=at), link=link)
    kind = f"{subject.kind}.{event}"
    payload = {
        "type": kind,
        "timestamp": at.isoformat() + "Z",
        "subject": text.subject,
        "text": text.text,
        "link": link,
        "data": {
            "incident": incident.id,
            "version": incident.version,
            "name": incident.name,
            "headline": incident.title,
            "squad": incident.squad,
            "severity": incident.severity,
            "state": incident.state,
            "signals": incident.signals,
            "users": incident.users,
            "accounts": incident.accounts,
            "started_at": incident.started_at.isoformat() + "Z",
            "respond_by": incident.respond_by and incident.respond_by.isoformat() + "Z",
            "resolve_by": incident.resolve_by and incident.resolve_by.isoformat() + "Z",
        },
    }
    return Message(
        id=message_id(incident.id, str(incident.version), kind, channel),
        channel=channel,
        kind=kind,
        incident_id=incident.id,
        payload=payload,
        status="pending",
        attempts=0,
        created_at=at,
        next_at=at,
    )
