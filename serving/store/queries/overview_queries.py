"""Figures for the overview: results by week, outcomes by risk, and late cases."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Any

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import Session

from serving.night_report.report_schema import NightReport, RealisedOutcomes
from serving.store.case_states import Action, State
from serving.store.queries.case_queries import missed_responses
from serving.store.tables import Account, Case, CaseEvent, NightRow

OVERVIEW_WEEKS = 12
_WORKED = (Action.CONTACT, Action.PLAN)


@dataclass(frozen=True)
class Week:
    """Counts of the week that begins on ``monday``; a case counts in the week of each event."""

    monday: date
    flagged: int
    worked: int
    saved: int
    lost: int


@dataclass(frozen=True)
class TeamOutcomes:
    """The verdicts on the cases of one risk whose prediction window is over.

    ``matured`` cases have a window that is over. ``settled`` of them have a verdict that shows whether the account was
    at risk (no action shows nothing), and ``confirmed`` were at risk (saved or lost). ``lead_days`` is the median from
    the night to a loss, None where nothing was lost.
    """

    risk: str
    matured: int
    settled: int
    confirmed: int
    lead_days: float | None


def count_by_week(session: Session, today: date, squads: frozenset[str] | None) -> list[Week]:
    """The last twelve weeks, oldest first, the present one included."""
    first = today - timedelta(days=today.weekday(), weeks=OVERVIEW_WEEKS - 1)
    since = datetime.combine(first, time())
    opened = func.date(Case.opened_at)
    flagged = _seen(select(opened, func.count()).where(Case.opened_at >= since).group_by(opened), squads)
    closed = func.date(Case.closed_at)
    ended = select(closed, func.count()).where(Case.closed_at >= since).group_by(closed)
    counted = [
        _by_week(session, flagged),
        _by_week(session, _seen(_first_worked(since), squads)),
        *(_by_week(session, _seen(ended.where(Case.state == state), squads)) for state in (State.SAVED, State.LOST)),
    ]
    mondays = [first + timedelta(weeks=number) for number in range(OVERVIEW_WEEKS)]
    return [Week(monday, *(counts[monday] for counts in counted)) for monday in mondays]


def _first_worked(since: datetime) -> Select[Any]:
    """By day, how many cases were contacted or planned for the first time."""
    begun = select(CaseEvent.case_id, func.min(CaseEvent.at).label("at")).where(CaseEvent.kind.in_(_WORKED))
    first = begun.group_by(CaseEvent.case_id).subquery()
    day = func.date(first.c.at)
    return select(day, func.count()).join(Case, Case.id == first.c.case_id).where(first.c.at >= since).group_by(day)


def team_outcomes(
    session: Session, today: date, squads: frozenset[str] | None, horizons: Mapping[str, int]
) -> list[TeamOutcomes]:
    """The verdicts on the cases whose window is over, by risk; ``horizons`` are the windows in days."""
    return [_team_outcomes(session, risk, today - timedelta(days=days), squads) for risk, days in horizons.items()]


def realised_outcomes(session: Session) -> dict[str, RealisedOutcomes]:
    """What happened, by the data, to the cases of earlier nights, by risk, as the newest recorded night reports it."""
    newest = select(NightRow.report).where(NightRow.status == "recorded").order_by(NightRow.as_of.desc()).limit(1)
    report = session.scalar(newest)
    return {row.risk: row for row in NightReport.from_json(report).realised_outcomes} if report else {}


def late_cases(
    session: Session, now: datetime, squads: frozenset[str] | None, limit: int
) -> list[tuple[Case, Account]]:
    """The open cases past a deadline, the longest overdue first; a snoozed case has no deadline now."""
    query = (
        select(Case, Account)
        .join(Account, Case.account_id == Account.account_id)
        .where(
            Case.closed_at.is_(None), Case.state != State.SNOOZED, or_(Case.respond_by <= now, Case.resolve_by <= now)
        )
        .order_by(func.coalesce(Case.respond_by, Case.resolve_by), Case.id)
        .limit(limit)
    )
    return [(case, account) for case, account in session.execute(_seen(query, squads))]


def renewed_cases(
    session: Session, now: datetime, squads: frozenset[str] | None, limit: int
) -> list[tuple[Case, Account, datetime]]:
    """The open cases that missed the time to respond and got a new one by a hand-over, each with when it was missed."""
    handed_on = exists().where(CaseEvent.case_id == Case.id, CaseEvent.kind.in_((Action.HAND_OVER, Action.RETURN)))
    query = (
        select(Case, Account)
        .join(Account, Case.account_id == Account.account_id)
        .where(Case.closed_at.is_(None), Case.state != State.SNOOZED, Case.respond_by > now, handed_on)
        .order_by(Case.respond_by, Case.id)
    )
    rows = [(case, account) for case, account in session.execute(_seen(query, squads))]
    missed = missed_responses(session, [case for case, _ in rows], now)
    return [(case, account, missed[case.id]) for case, account in rows if case.id in missed][:limit]


def count_late(session: Session, now: datetime, squads: frozenset[str] | None) -> tuple[int, int]:
    """The numbers of open cases past their response deadline and past their resolution deadline."""
    running = select(func.count()).select_from(Case).where(Case.closed_at.is_(None), Case.state != State.SNOOZED)
    response = session.scalar(_seen(running.where(Case.respond_by <= now), squads)) or 0
    resolution = session.scalar(_seen(running.where(Case.resolve_by <= now), squads)) or 0
    return response, resolution


def recent_nights(session: Session, limit: int) -> list[NightRow]:
    """The newest nights, recorded or not, newest first."""
    return list(session.scalars(select(NightRow).order_by(NightRow.as_of.desc()).limit(limit)))


def _team_outcomes(session: Session, risk: str, until: date, squads: frozenset[str] | None) -> TeamOutcomes:
    over = (Case.risk == risk, Case.opened_on <= until)
    counted = session.execute(_seen(select(Case.state, func.count()).where(*over).group_by(Case.state), squads))
    states = Counter({row.state: row[1] for row in counted})
    lost = select(Case.opened_on, Case.closed_at).where(*over, Case.state == State.LOST, Case.closed_at.is_not(None))
    leads = [(closed.date() - opened).days for opened, closed in session.execute(_seen(lost, squads))]
    confirmed = states[State.SAVED] + states[State.LOST]
    settled = confirmed + states[State.FALSE_ALARM]
    return TeamOutcomes(risk, states.total(), settled, confirmed, median(leads) if leads else None)


def _by_week(session: Session, counted: Select[Any]) -> Counter[date]:
    """Counts by day, added up by the Monday of the week; SQLite gives days as text."""
    found: Counter[date] = Counter()
    for day, count in session.execute(counted):
        on = date.fromisoformat(str(day))
        found[on - timedelta(days=on.weekday())] += count
    return found


def _seen(query: Any, squads: frozenset[str] | None) -> Any:
    return query if squads is None else query.where(Case.squad.in_(sorted(squads)))
