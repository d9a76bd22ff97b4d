"""Messages about incidents, by the protocol of the policy and to every channel that cases are announced on.

They are written to the outbox in the transaction of their cause, with an id that is computed from it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from serving.cases.escalation.notifications import enqueue_event
from serving.delivery.outbox import message_id
from serving.incidents.incident_context import IncidentContext, scope_text
from serving.paths.directory import Reader, ReaderKind
from serving.paths.message_settings import MessageSettings
from serving.paths.message_text import Occasion, compose_message
from serving.paths.path_progress import SentStep
from serving.paths.protocol import Party, ProtocolEvent
from serving.paths.subjects import Subject
from serving.store.database import MESSAGES, PEOPLE_NAMES
from serving.store.exchange import Message
from serving.store.incident_tables import Incident

CHANGED = "incident.changed"
"""The kind of a message about a change of an incident that is no event."""


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
        session.add(_broadcast(session, subject, incident, event, context, channel, at))


def incident_headline(incident: Incident, *, again: bool = False) -> str:
    """The reason in one sentence: what was counted, who is affected, since when."""
    signals = f"{incident.signals:,} {'signal' if incident.signals == 1 else 'signals'}"
    scope = scope_text(incident)
    return f"{'It has returned: ' if again else ''}{signals}{f', affecting {scope}' if scope else ''}"


def incident_data(session: Session, incident: Incident) -> dict[str, Any]:
    """An incident as messages to channels describe it, in its present state."""
    settings: MessageSettings = session.info.get(MESSAGES) or MessageSettings()
    link = settings.link("incident", incident.id)
    names: Mapping[str, str] = session.info.get(PEOPLE_NAMES) or {}
    people = {name for name in (incident.responsible, incident.acknowledged_by) if name}
    return {
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
        "responsible": incident.responsible,
        "acknowledged_by": incident.acknowledged_by,
        "names": {name: names[name] for name in sorted(people) if names.get(name, name) != name},
        **({"link": link} if link else {}),
    }


def enqueue_incident_change(session: Session, incident: Incident, change: str, *, actor: str, at: datetime) -> None:
    """Add a message about a change that is announced nowhere else, for each channel that follows incidents."""
    settings: MessageSettings = session.info.get(MESSAGES) or MessageSettings()
    data = incident_data(session, incident) | {"change": change, "actor": actor}
    for channel in settings.following:
        session.add(
            Message(
                id=message_id(incident.id, str(incident.version), CHANGED, channel),
                channel=channel,
                kind=CHANGED,
                incident_id=incident.id,
                payload={"type": CHANGED, "timestamp": at.isoformat() + "Z", "data": data},
                status="pending",
                attempts=0,
                created_at=at,
                next_at=at,
            )
        )


def _broadcast(
    session: Session,
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
        "data": incident_data(session, incident),
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
