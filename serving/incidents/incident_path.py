"""The escalation path of an incident: the same pure steps as that of a case, applied to the row of the incident.

What a step does is decided by :mod:`serving.paths.path_progress`, which also explains and draws the path. Here it only
becomes the new progress of the row, an entry of its record, and messages.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.cases.escalation.path_changes import advance_text, skipped_texts
from serving.cases.permissions import SYSTEM
from serving.incidents.incident_changes import OPEN
from serving.incidents.incident_context import IncidentContext
from serving.incidents.incident_messages import announce, incident_headline
from serving.incidents.incident_record import record_incident, recorded_fields
from serving.paths.path_progress import Advance, PathState, advance, next_due
from serving.paths.path_steps import EscalationPath
from serving.paths.protocol import ProtocolEvent
from serving.store.incident_tables import Incident


def path_progress(incident: Incident) -> PathState:
    """The progress of the path of an incident."""
    return PathState(
        since=incident.path_since,
        step=incident.path_step,
        repeats=incident.path_repeats,
        acknowledged=incident.acknowledged_at is not None,
        responsible=incident.responsible,
        reached=tuple(incident.reached),
    )


def begin_path(
    session: Session, incident: Incident, context: IncidentContext, now: datetime, *, again: bool = False
) -> None:
    """The incident is opened: the first step is sent where it is due at once, and everybody whom the protocol names."""
    result, path = _advance(session, incident, context, now), context.path_of(incident)
    before = recorded_fields(incident)
    if result is not None and path is not None and (result.sent or result.skipped):
        before = _apply(incident, result)
        readers = result.sent.readers if result.sent else ()
        names = " and ".join(reader.shown for reader in readers) or "nobody, for nobody can be reached"
        text = " ".join([f"The path begins with {names}.", *skipped_texts(path, result, context.paths.titles)])
        record_incident(session, incident, before, "notified", actor=SYSTEM.name, at=now, comment=text)
    _schedule(incident, context)
    announce(
        session,
        incident,
        ProtocolEvent.INCIDENT_OPENED,
        context,
        now,
        headline=incident_headline(incident, again=again),
        sent=result.sent if result else None,
    )


def run_incident_paths(session: Session, context: IncidentContext, now: datetime) -> list[str]:
    """Take the steps that are due of all open incidents; the ids of those that were escalated or sent again."""
    due = select(Incident).where(Incident.state == OPEN, Incident.path_due <= now).order_by(Incident.id)
    return [
        incident.id for incident in session.scalars(due.with_for_update()) if _take(session, incident, context, now)
    ]


def _take(session: Session, incident: Incident, context: IncidentContext, now: datetime) -> bool:
    """One step of one incident; the stored time is only a lower bound."""
    path, result = context.path_of(incident), _advance(session, incident, context, now)
    if path is None or result is None or not (result.sent or result.skipped or result.ended):
        _schedule(incident, context)
        return False
    before = _apply(incident, result)
    _schedule(incident, context)
    repeated = result.sent is not None and result.sent.repeat > 0
    kind = "path_repeated" if repeated else "escalated" if result.sent else "path_ended"
    text = _step_text(path, result, context)
    record_incident(session, incident, before, kind, actor=SYSTEM.name, at=now, comment=text)
    if result.sent is not None:
        announce(
            session,
            incident,
            ProtocolEvent.ESCALATED,
            context,
            now,
            headline=incident_headline(incident),
            sent=result.sent,
            only_step=repeated,
        )
    return result.sent is not None


def _advance(session: Session, incident: Incident, context: IncidentContext, now: datetime) -> Advance | None:
    path = context.path_of(incident)
    if path is None or incident.state != OPEN:
        return None
    subject = context.subject_of(session, incident, headline=incident_headline(incident))
    return advance(path, path_progress(incident), subject, context.paths.directory, context.calendar_of(incident), now)


def _apply(incident: Incident, result: Advance) -> dict[str, object]:
    """Give the incident the progress of its path; the recorded fields before."""
    before, state = recorded_fields(incident), result.state
    incident.path_step, incident.path_repeats, incident.path_since = state.step, state.repeats, state.since
    incident.responsible, incident.reached = state.responsible, list(state.reached)
    return before


def _schedule(incident: Incident, context: IncidentContext) -> None:
    path = context.path_of(incident)
    if path is None or incident.state != OPEN:
        incident.path_due = None
        return
    incident.path_due = next_due(path, path_progress(incident), context.calendar_of(incident))


def _step_text(path: EscalationPath, result: Advance, context: IncidentContext) -> str:
    text = advance_text(path, result, context.paths.titles)
    return text.replace("No contact in time", "Nobody has acknowledged it yet")
