"""What a reader of an incident asks: who is who, what escalates next and to whom, and until when it is opened again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from serving.cases.permissions import SYSTEM
from serving.handoff.render import moment
from serving.incidents.incident_changes import OPEN
from serving.incidents.incident_context import IncidentContext
from serving.incidents.incident_messages import incident_headline
from serving.incidents.incident_path import path_progress
from serving.paths.calendars import WorkingCalendar
from serving.paths.path_plan import plan_path
from serving.policy.definition.policy_schema import PolicyFile
from serving.store.incident_tables import Incident, IncidentEvent

INCIDENT_EVENTS = {
    "opened": "opened the incident",
    "reopened": "opened the incident again",
    "over": "ended the incident: no signal for the quiet time",
    "acknowledge": "acknowledged it",
    "resolve": "resolved it",
    "comment": "commented",
    "notified": "began the escalation path",
    "escalated": "escalated the incident",
    "path_repeated": "sent the step of the path again",
    "path_ended": "reached the end of the path",
    "breached": "recorded a missed deadline",
}
"""What happened, as the end of a sentence that begins with the person's name."""


@dataclass(frozen=True)
class IncidentOutlook:
    """``titles`` are the names of people as others read them; ``next_at`` and ``next_to`` are the next step.

    ``reopens_until`` is the time until which signals that return open an incident that has ended again.
    """

    titles: Mapping[str, str]
    next_at: datetime | None = None
    next_to: str = ""
    reopens_until: datetime | None = None

    def name(self, person: str) -> str:
        """A person as others read them; the program by its name."""
        return "Rescue" if person == SYSTEM.name else self.titles.get(person, person)


def incident_outlook(
    session: Session, incident: Incident, now: datetime, rules: PolicyFile | None = None
) -> IncidentOutlook:
    """The outlook under the policy in use (default: the newest night's)."""
    context = IncidentContext.of(session, rules, (), now) if rules else IncidentContext.of_newest_night(session, now)
    known = context.paths.rules
    rule = known.incidents.get(incident.name) if known else None
    if incident.state != OPEN:
        until = incident.closed_at + rule.reopen_time if rule and incident.closed_at else None
        return IncidentOutlook(context.paths.titles, reopens_until=until if until and until > now else None)
    return _next_step(session, incident, context)


def timeline_sentence(event: IncidentEvent, outlook: IncidentOutlook, write: Callable[[datetime], str] = moment) -> str:
    """An entry of the timeline in words, without its comment and full stop; ``write`` writes a time."""
    what = INCIDENT_EVENTS.get(event.kind, event.kind.replace("_", " "))
    return f"{outlook.name(event.actor)} {what}{_end(event.after, write)}"


def _next_step(session: Session, incident: Incident, context: IncidentContext) -> IncidentOutlook:
    """The next step or repetition that is sent to anybody, from the progress that is stored."""
    titles, path = context.paths.titles, context.path_of(incident)
    if path is None or incident.path_due is None:
        return IncidentOutlook(titles)

    def calendar_of(person: str | None) -> WorkingCalendar | None:
        return context.paths.staff.roster.calendar_of(person, incident.squad)

    subject = context.subject_of(session, incident, headline=incident_headline(incident))
    state = path_progress(incident)
    for planned in plan_path(path, state, subject, context.paths.directory, None, calendar_of=calendar_of):
        if planned.sent is not None:
            names = " and ".join(reader.shown for reader in planned.sent.readers)
            return IncidentOutlook(titles, planned.at, names)
    return IncidentOutlook(titles)


def _end(after: Mapping[str, Any], write: Callable[[datetime], str]) -> str:
    ended = after.get("closed_at")
    return f" ({write(datetime.fromisoformat(ended))})" if ended and after.get("state") == "over" else ""
