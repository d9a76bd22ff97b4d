"""Episodes of signals become incidents: opened, extended, over, and opened again rather than duplicated.

Episodes are exact whatever the order in which signals arrive (:mod:`serving.paths.signal_windows`); an incident is what
people work on. An episode that touches an incident belongs to it. One that begins within ``reopen`` of the end of an
incident opens that incident again. After somebody has resolved an incident, only a window of later signals opens it.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from serving.cases.permissions import SYSTEM
from serving.incidents.affected import update_figures
from serving.incidents.incident_record import record_incident, recorded_fields
from serving.paths.calendars import add_duration
from serving.paths.signal_windows import Episode, find_episodes, to_instants
from serving.policy.definition.incidents.incident_rules import IncidentRule, incident_title
from serving.policy.definition.policy_schema import PolicyFile
from serving.store.incident_tables import Incident, SignalMatch

_FIRST, _LAST = datetime(1, 1, 1), datetime(9999, 12, 31)  # noqa: DTZ001 - instants are naive UTC
OPEN, OVER, CLOSED_BY_PERSON = "open", "over", "resolved"


class IncidentChange(StrEnum):
    """What happened to an incident, as its record and its messages name it."""

    OPENED = "opened"
    REOPENED = "reopened"
    OVER = "over"


@dataclass(frozen=True)
class Change:
    """One change of an incident, in the order in which they happened."""

    incident: Incident
    kind: IncidentChange


@dataclass(frozen=True)
class SignalGroup:
    """The signals of ``[incidents.NAME]`` with the same values of the fields of ``by``."""

    name: str
    rule: IncidentRule
    key: str
    grouping: Mapping[str, Any]


def update_group(
    session: Session, group: SignalGroup, since: datetime, policy: PolicyFile, now: datetime
) -> list[Change]:
    """Bring the incidents of a group up to date; ``since`` is the time of its earliest new signal."""
    incidents = _incidents(session, group, since)
    changes: list[Change] = []
    touched: list[Incident] = []
    for episode, known in _episodes(session, group, since, incidents):
        incident, made = _apply(session, group, episode, known, policy, now)
        changes += made
        if all(incident is not one for one in known):
            incidents.append(incident)
        touched.append(incident)
    for incident in {id(one): one for one in touched}.values():
        update_figures(session, incident, group.rule.users)
    return changes


def close_quiet(session: Session, now: datetime) -> list[Change]:
    """End the open incidents that have had no signal for as long as they need to be over."""
    still_open = select(Incident).where(Incident.state == OPEN).order_by(Incident.id).with_for_update()
    return [_end(session, incident, now) for incident in session.scalars(still_open) if over_at(incident) <= now]


def over_at(incident: Incident) -> datetime:
    """When the incident is over, unless there is another signal."""
    return incident.last_signal_at + timedelta(minutes=incident.quiet_minutes)


def _incidents(session: Session, group: SignalGroup, since: datetime) -> list[Incident]:
    """The incidents of the group that its new signals may touch or open again, by time."""
    lookback = group.rule.window.within + group.rule.quiet_time + group.rule.reopen_time
    ended = func.coalesce(Incident.closed_at, Incident.last_signal_at)
    near = or_(Incident.state == OPEN, ended >= since - lookback)
    query = select(Incident).where(Incident.name == group.name, Incident.group_key == group.key, near)
    return list(session.scalars(query.order_by(Incident.started_at, Incident.id).with_for_update()))


def _episodes(
    session: Session, group: SignalGroup, since: datetime, incidents: list[Incident]
) -> Iterator[tuple[Episode, list[Incident]]]:
    """The episodes of the signals from ``within`` before ``since`` on, with the incidents known when each is handled.

    The end of an incident that somebody has resolved is a boundary: signals on both sides are counted apart.
    """
    query = select(SignalMatch.occurred_at, SignalMatch.counted).where(
        SignalMatch.incident_name == group.name,
        SignalMatch.group_key == group.key,
        SignalMatch.occurred_at >= since - group.rule.window.within,
    )
    rows = session.execute(query.order_by(SignalMatch.occurred_at, SignalMatch.signal_id)).all()
    cuts = [one.closed_at for one in incidents if one.state == CLOSED_BY_PERSON and one.closed_at is not None]
    for low, high in pairwise((_FIRST, *sorted(cuts), _LAST)):
        part = [row for row in rows if low < row[0] <= high]
        known = [one for one in incidents if low < one.started_at <= high]
        if not part:
            continue
        values = [row[1] for row in part] if group.rule.counted_field else None
        spans = [Episode(one.started_at, min(one.last_signal_at, high)) for one in known]
        for episode in find_episodes(to_instants([row[0] for row in part]), group.rule.window, spans, values):
            if episode.end >= part[0][0]:
                yield episode, incidents


def _apply(
    session: Session,
    group: SignalGroup,
    episode: Episode,
    incidents: Sequence[Incident],
    policy: PolicyFile,
    now: datetime,
) -> tuple[Incident, list[Change]]:
    """The incident that an episode belongs to, and what happened to it."""
    touching = [one for one in incidents if one.started_at <= episode.end and one.last_signal_at >= episode.start]
    if touching:
        return _extend(session, max(touching, key=lambda one: (one.state == OPEN, one.started_at)), episode, now)
    earlier = [one for one in incidents if one.last_signal_at < episode.start]
    changes = [_end(session, one, now) for one in earlier if one.state == OPEN]
    session.flush()  # a group has one open incident at a time
    newest = max(earlier, key=lambda one: one.closed_at or one.last_signal_at, default=None)
    if newest is not None and newest.closed_at and episode.start - newest.closed_at <= group.rule.reopen_time:
        incident, made = _reopen(session, newest, episode, policy, now)
    else:
        incident, made = _open(session, group, episode, policy, now)
    if over_at(incident) <= now:  # its signals came late
        made.append(_end(session, incident, now))
    session.flush()
    return incident, [*changes, *made]


def _extend(session: Session, incident: Incident, episode: Episode, now: datetime) -> tuple[Incident, list[Change]]:
    """Late signals may begin it earlier or end it later, and one that was over may not have been."""
    incident.started_at = min(incident.started_at, episode.start)
    incident.last_signal_at = max(incident.last_signal_at, episode.end)
    if incident.state != OVER:
        return incident, []
    if over_at(incident) <= now:
        incident.closed_at = over_at(incident)
        return incident, []
    return _reopen_row(session, incident, now)


def _open(
    session: Session, group: SignalGroup, episode: Episode, policy: PolicyFile, now: datetime
) -> tuple[Incident, list[Change]]:
    rule = group.rule
    squad = rule.squad or policy.routing.fallback
    incident = Incident(
        id=incident_id(group.name, group.key, episode.start),
        name=group.name,
        title=_title(group),
        grouping=dict(group.grouping),
        group_key=group.key,
        squad=squad,
        severity=rule.severity,
        path=rule.path,
        state=OPEN,
        started_at=episode.start,
        last_signal_at=episode.end,
        quiet_minutes=rule.quiet_time.total_seconds() / 60,
        detected_at=now,
        updated_at=now,
        path_step=-1,
        path_since=now,
        path_repeats=0,
        path_due=now,
        reached=[],
        signals=0,
        users=0,
        accounts=0,
        reopened=0,
        version=0,
    )
    _start_timers(incident, policy, now)
    session.add(incident)
    record_incident(session, incident, {}, IncidentChange.OPENED, actor=SYSTEM.name, at=now)
    return incident, [Change(incident, IncidentChange.OPENED)]


def _reopen(
    session: Session, incident: Incident, episode: Episode, policy: PolicyFile, now: datetime
) -> tuple[Incident, list[Change]]:
    incident.last_signal_at = max(incident.last_signal_at, episode.end)
    found, changes = _reopen_row(session, incident, now)
    _start_timers(incident, policy, now)
    return found, changes


def _reopen_row(session: Session, incident: Incident, now: datetime) -> tuple[Incident, list[Change]]:
    """Open an incident again: nobody has acknowledged it, and its path begins anew."""
    before = recorded_fields(incident)
    incident.state, incident.closed_at, incident.reopened = OPEN, None, incident.reopened + 1
    incident.acknowledged_at = incident.acknowledged_by = incident.responsible = None
    incident.path_step, incident.path_since, incident.path_repeats, incident.path_due = -1, now, 0, now
    record_incident(session, incident, before, IncidentChange.REOPENED, actor=SYSTEM.name, at=now)
    return incident, [Change(incident, IncidentChange.REOPENED)]


def _end(session: Session, incident: Incident, now: datetime) -> Change:
    before = recorded_fields(incident)
    incident.state, incident.closed_at, incident.path_due = OVER, over_at(incident), None
    record_incident(session, incident, before, IncidentChange.OVER, actor=SYSTEM.name, at=now)
    return Change(incident, IncidentChange.OVER)


def _start_timers(incident: Incident, policy: PolicyFile, now: datetime) -> None:
    """Both deadlines of its severity, by the clock or in the working time of its squad; from the detection."""
    row = policy.severities[policy.rank_of(incident.severity)]
    calendar = policy.calendar_of(incident.squad) if incident.squad in policy.squads else None
    incident.respond_by = add_duration(now, row.respond_hours, calendar)
    incident.resolve_by = add_duration(now, row.resolve_hours, calendar)
    incident.respond_breached_at = incident.resolve_breached_at = None


def _title(group: SignalGroup) -> str:
    fields = ((name, group.grouping.get(name)) for name in group.rule.group_fields)
    values = ", ".join(f"{name.removesuffix('_id')} {value or 'unknown'}" for name, value in fields)
    return f"{incident_title(group.name, group.rule)}{f' ({values})' if values else ''}"


def incident_id(name: str, key: str, start: datetime) -> str:
    """The id of an incident: the same for the same signals, however often they are evaluated."""
    return "inc_" + hashlib.sha256("\x1f".join((name, key, start.isoformat())).encode()).hexdigest()[:16]
