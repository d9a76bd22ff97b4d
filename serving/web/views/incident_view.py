"""What the pages of incidents show: the list, one incident with its timeline and accounts, and the banner elsewhere."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from serving.cases.permissions import EVERY_SQUAD, Actor
from serving.handoff.render import amount
from serving.incidents.incident_actions import may_work
from serving.incidents.incident_context import scope_text
from serving.incidents.incident_outlook import IncidentOutlook, timeline_sentence
from serving.paths.durations import Duration
from serving.store.incident_tables import Incident, IncidentEvent
from serving.store.queries.incident_queries import AffectedRevenue, IncidentFile
from serving.web.display_text import DUE_SOON, SlaTimer, duration, reader_time

INCIDENT_STATES = {"open": "Open", "over": "Over", "resolved": "Resolved"}

NOBODY = "no users or accounts named"


@dataclass(frozen=True)
class IncidentRow:
    """A line of the list of incidents."""

    incident: Incident
    state: str
    scope: str
    timer: SlaTimer | None


@dataclass(frozen=True)
class TimelineEntry:
    """A line of the timeline."""

    at: datetime
    text: str
    comment: str | None


@dataclass(frozen=True)
class IncidentView:
    """The page of an incident."""

    file: IncidentFile
    incident: Incident
    state: str
    scope: str
    timer: SlaTimer | None
    revenue: str
    hidden: str
    timeline: tuple[TimelineEntry, ...]
    may_acknowledge: bool
    may_resolve: bool
    may_comment: bool
    outlook: IncidentOutlook
    draft: str = ""

    @property
    def quiet_time(self) -> str:
        """The time without a signal after which it is over."""
        return str(Duration(self.incident.quiet_minutes / 60))

    @property
    def length(self) -> str:
        """How long it lasted, or has lasted until its last signal."""
        return duration(self.incident.last_signal_at - self.incident.started_at)


def incident_row(incident: Incident, now: datetime) -> IncidentRow:
    """A line of the list."""
    scope = scope_text(incident) or NOBODY
    return IncidentRow(incident, incident_state(incident), scope, incident_timer(incident, now))


def incident_view(
    file: IncidentFile,
    actor: Actor,
    now: datetime,
    outlook: IncidentOutlook,
    *,
    may_comment: bool,
    draft: str = "",
    zone: str = "UTC",
) -> IncidentView:
    """The page of an incident for this person, in this time zone."""
    incident = file.incident
    works = may_work(incident, actor) and incident.state == "open"
    return IncidentView(
        file=file,
        incident=incident,
        state=incident_state(incident),
        scope=scope_text(incident) or NOBODY,
        timer=incident_timer(incident, now),
        revenue=revenue_text(file.revenue, file.unknown),
        hidden=hidden_text(file.hidden, len(file.accounts), sees_all=actor.role in EVERY_SQUAD),
        timeline=tuple(_entry(event, outlook, zone) for event in reversed(file.events)),
        may_acknowledge=works and incident.acknowledged_at is None,
        may_resolve=works,
        may_comment=may_comment,
        outlook=outlook,
        draft=draft,
    )


def incident_state(incident: Incident) -> str:
    """The state in words: an open incident is acknowledged or not."""
    if incident.state == "open" and incident.acknowledged_at is not None:
        return "Acknowledged"
    return INCIDENT_STATES[incident.state]


def incident_timer(incident: Incident, now: datetime) -> SlaTimer | None:
    """The next deadline of an open incident."""
    due = incident.respond_by or incident.resolve_by
    if incident.state != "open" or due is None:
        return None
    target, left = "respond" if incident.respond_by else "resolve", due - now
    if left <= timedelta(0):
        return SlaTimer(target, f"{duration(-left)} late", due, "late")
    return SlaTimer(target, f"in {duration(left)}", due, "soon" if left <= DUE_SOON else "running")


def revenue_text(revenue: tuple[AffectedRevenue, ...], unknown: int) -> str:
    """The yearly revenue of the affected accounts, by currency."""
    known = " and ".join(amount(part.amount, part.currency) for part in revenue)
    missing = f"{unknown} {'account' if unknown == 1 else 'accounts'} without a known revenue" if unknown else ""
    return ", ".join(part for part in (known, missing) if part) or "–"


def hidden_text(count: int, listed: int, *, sees_all: bool) -> str:
    """How many accounts are affected and not ``listed``, and why."""
    if not count:
        return ""
    one = count == 1
    what = f"{count:,} {'more ' if listed else ''}{'account is' if one else 'accounts are'} affected"
    if sees_all:
        return f"{what}."
    seen = "do not see it" if one else "do not see them" if listed else "see none of them"
    return f"{what}; you {seen}, because only other squads work on {'it' if one else 'them'} now."


def _entry(event: IncidentEvent, outlook: IncidentOutlook, zone: str) -> TimelineEntry:
    sentence = timeline_sentence(event, outlook, lambda at: reader_time(at, zone))
    return TimelineEntry(event.at, sentence, event.comment)
