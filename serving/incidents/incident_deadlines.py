"""The deadlines of an incident: nobody acknowledged in time, or it was not over in time."""

from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from serving.cases.permissions import SYSTEM
from serving.incidents.incident_changes import OPEN
from serving.incidents.incident_context import IncidentContext
from serving.incidents.incident_messages import announce, incident_headline
from serving.incidents.incident_record import record_incident, recorded_fields
from serving.paths.protocol import ProtocolEvent
from serving.store.incident_tables import Incident


def breach_deadlines(session: Session, context: IncidentContext, now: datetime) -> list[str]:
    """Record and announce the deadlines that have passed; the ids of the incidents."""
    late = or_(
        and_(Incident.respond_by <= now, Incident.respond_breached_at.is_(None)),
        and_(Incident.resolve_by <= now, Incident.resolve_breached_at.is_(None)),
    )
    query = select(Incident).where(Incident.state == OPEN, late).order_by(Incident.id).with_for_update()
    return [_breach(session, incident, context, now) for incident in session.scalars(query)]


def _breach(session: Session, incident: Incident, context: IncidentContext, now: datetime) -> str:
    before, missed = recorded_fields(incident), []
    if incident.respond_by is not None and incident.respond_by <= now and incident.respond_breached_at is None:
        incident.respond_breached_at = now
        missed.append("Nobody acknowledged it in time.")
    if incident.resolve_by is not None and incident.resolve_by <= now and incident.resolve_breached_at is None:
        incident.resolve_breached_at = now
        missed.append("It was not over in time.")
    comment = " ".join(missed)
    record_incident(session, incident, before, "breached", actor=SYSTEM.name, at=now, comment=comment)
    headline = f"{comment} {incident_headline(incident)}"
    announce(session, incident, ProtocolEvent.SLA_BREACHED, context, now, headline=headline)
    return incident.id
