"""The timelines of cases for the path metrics, read from the reporting view ``path_report``."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from sqlalchemy import Double, Integer, String, column, func, select, table
from sqlalchemy.orm import Session

from serving.path_metrics.case_timelines import Calendars, CaseTimeline
from serving.path_metrics.path_report import PathReport, measure_paths
from serving.paths.calendars import WorkingCalendar
from serving.store.base import Instant
from serving.store.tables import CaseEvent, Squad

_TEXTS = ("case_id", "account_group", "squad", "skill", "severity", "policy_version", "outcome")
_INSTANTS = ("opened_at", "accepted_at", "contacted_at", "closed_at", "respond_by", "resolve_by")
_COUNTS = ("response_breached", "resolution_breached", "returns", "hand_overs", "escalations")

PATH_REPORT = table(
    "path_report",
    *(column(name, String) for name in (*_TEXTS, "account_id", "risk", "lane", "respond_within", "resolve_within")),
    *(column(name, Instant) for name in _INSTANTS),
    *(column(name, Integer) for name in _COUNTS),
    *(column(f"hours_to_{name}", Double) for name in ("accept", "contact", "resolve")),
)
"""One row for each case: made by a migration, described in ``docs/how-to/rehearse-and-draw.md``."""


MOST_REPORTS = 16
_REPORTS: dict[tuple[object, ...], PathReport] = {}
"""The newest reports, by queue, squads and state of its record."""


def path_report(
    session: Session, now: datetime, squads: frozenset[str] | None, since: datetime | None = None
) -> PathReport:
    """The figures of the cases that were opened from ``since`` on, in the squads; None for every squad."""
    cases = list(case_timelines(session, now, squads, since))
    return measure_paths(cases, squad_calendars(session), now, since)


def recent_path_report(session: Session, now: datetime, squads: frozenset[str] | None, weeks: int) -> PathReport:
    """The figures of the last weeks, whole days, as of the newest hour: a page that is loaded again reads them at once.

    Intervals take many draws, so the report of a queue is kept until its record changes or the hour ends.
    """
    hour = now.replace(minute=0, second=0, microsecond=0)
    since = datetime.combine(now.date(), time()) - timedelta(weeks=weeks)
    key = (str(session.get_bind().engine.url), squads, weeks, hour, newest_event(session))
    if key not in _REPORTS:
        while len(_REPORTS) >= MOST_REPORTS:
            _REPORTS.pop(next(iter(_REPORTS)), None)
        _REPORTS[key] = path_report(session, now, squads, since)
    return _REPORTS[key]


def case_timelines(
    session: Session, now: datetime, squads: frozenset[str] | None = None, since: datetime | None = None
) -> Iterator[CaseTimeline]:
    """The timelines of cases until ``now``, in the order in which they were opened."""
    view = PATH_REPORT.c
    query = select(PATH_REPORT).where(view.opened_at <= now).order_by(view.opened_at, view.case_id)
    if squads is not None:
        query = query.where(view.squad.in_(sorted(squads)))
    if since is not None:
        query = query.where(view.opened_at >= since)
    for row in session.execute(query):
        yield CaseTimeline(
            case_id=row.case_id,
            unit=row.account_group,
            squad=row.squad,
            skill=row.skill,
            severity=row.severity,
            policy_version=row.policy_version,
            opened_at=row.opened_at,
            accepted_at=row.accepted_at or row.contacted_at,
            contacted_at=row.contacted_at,
            closed_at=row.closed_at,
            outcome=row.outcome,
            respond_within=row.respond_within,
            resolve_within=row.resolve_within,
            respond_breached=bool(row.response_breached) or _missed(row.respond_by, now),
            resolve_breached=bool(row.resolution_breached) or _missed(row.resolve_by, now),
            returns=row.returns,
            hand_overs=row.hand_overs,
            escalations=row.escalations,
        )


def squad_calendars(session: Session) -> Calendars:
    """The working time of each squad that has a calendar, according to the policy of the newest night."""
    rows = session.execute(select(Squad.name, Squad.calendar).where(Squad.calendar.is_not(None)))
    return {name: WorkingCalendar.from_json(calendar) for name, calendar in rows if calendar}


def newest_event(session: Session) -> int:
    """The number of the newest entry of any case's record: figures stay the same until it changes."""
    return session.scalar(select(func.max(CaseEvent.id))) or 0


def _missed(deadline: datetime | None, now: datetime) -> bool:
    """Whether a deadline that still runs is over; the timers record it at their next run."""
    return deadline is not None and deadline <= now
