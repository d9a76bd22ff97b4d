"""How the rescue work goes, week by week, and what needs a lead's eye today."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from serving.store.tables import Account, Case, CaseEvent, HeldOutRow, NightRow
from serving.transitions import OUTCOMES, Move, State

WEEKS = 12
HORIZONS = {"churn": 90, "escalation": 14}
"""Days after which a night's prediction is over, for judging what came of it."""

_WORKED = (Move.CONTACT, Move.PLAN)


@dataclass(frozen=True)
class Week:
    """What happened in the week that begins on ``monday``; cases are counted in the week of each thing."""

    monday: date
    flagged: int
    worked: int
    saved: int
    lost: int


@dataclass(frozen=True)
class Judged:
    """Cases of one risk raised so long ago that the prediction's window is over, and what people found.

    ``confirmed`` were at risk indeed (saved or lost) of ``settled`` that got an outcome; ``lead_days`` is the median
    from the night to a loss, None where nothing was lost.
    """

    risk: str
    matured: int
    settled: int
    confirmed: int
    lead_days: float | None


@dataclass(frozen=True)
class Arms:
    """How many units the hold-out experiment has on each side: kept from the team, and handed to it."""

    held_out: int
    worked: int


def weeks(session: Session, today: date, squads: frozenset[str] | None) -> list[Week]:
    """The last twelve weeks, oldest first, the present one included."""
    this = today - timedelta(days=today.weekday())
    first = this - timedelta(weeks=WEEKS - 1)
    since = datetime.combine(first, time())
    flagged = _by_week(session.scalars(_seen(select(Case.opened_at).where(Case.opened_at >= since), squads)))
    worked = _by_week(
        session.scalars(
            _seen(
                select(func.min(CaseEvent.at))
                .join(Case, CaseEvent.case_id == Case.id)
                .where(CaseEvent.kind.in_(_WORKED), CaseEvent.at >= since)
                .group_by(CaseEvent.case_id),
                squads,
            )
        )
    )
    closed = select(Case.state, Case.closed_at).where(Case.closed_at >= since)
    ended = session.execute(_seen(closed, squads)).all()
    saved = _by_week(row.closed_at for row in ended if row.state == State.SAVED)
    lost = _by_week(row.closed_at for row in ended if row.state == State.LOST)
    mondays = [first + timedelta(weeks=number) for number in range(WEEKS)]
    return [Week(monday, flagged[monday], worked[monday], saved[monday], lost[monday]) for monday in mondays]


def judged(session: Session, today: date, squads: frozenset[str] | None) -> list[Judged]:
    """By risk, what came of the cases whose window is over."""
    return [_judged(session, risk, today - timedelta(days=days), squads) for risk, days in HORIZONS.items()]


def late(session: Session, now: datetime, squads: frozenset[str] | None, limit: int) -> list[tuple[Case, Account]]:
    """The open cases that broke a promise, the longest overdue first; snoozed ones owe nothing now."""
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


def late_counts(session: Session, now: datetime, squads: frozenset[str] | None) -> tuple[int, int]:
    """How many open cases wait for a response, and for a resolution, past their promise."""
    running = select(func.count()).select_from(Case).where(Case.closed_at.is_(None), Case.state != State.SNOOZED)
    response = session.scalar(_seen(running.where(Case.respond_by <= now), squads)) or 0
    resolution = session.scalar(_seen(running.where(Case.resolve_by <= now), squads)) or 0
    return response, resolution


def arms(session: Session) -> Arms:
    """The two sides of the hold-out experiment, counted by what was drawn."""
    held = session.scalar(select(func.count(func.distinct(HeldOutRow.unit)))) or 0
    unit = func.coalesce(Account.parent_id, Account.account_id)
    worked = (
        select(func.count(func.distinct(unit))).select_from(Case).join(Account, Case.account_id == Account.account_id)
    )
    return Arms(held, session.scalar(worked) or 0)


def recent_nights(session: Session, limit: int) -> list[NightRow]:
    """The newest nights, recorded or not, newest first."""
    return list(session.scalars(select(NightRow).order_by(NightRow.as_of.desc()).limit(limit)))


def _judged(session: Session, risk: str, until: date, squads: frozenset[str] | None) -> Judged:
    query = select(Case.state, Case.opened_on, Case.closed_at).where(Case.risk == risk, Case.opened_on <= until)
    rows = session.execute(_seen(query, squads)).all()
    ends: Sequence[Any] = [row for row in rows if row.state in OUTCOMES]
    leads = [(row.closed_at.date() - row.opened_on).days for row in ends if row.state == State.LOST]
    confirmed = sum(row.state in {State.SAVED, State.LOST} for row in ends)
    return Judged(risk, len(rows), len(ends), confirmed, median(leads) if leads else None)


def _by_week(moments: Iterable[datetime]) -> Counter[date]:
    return Counter(moment.date() - timedelta(days=moment.weekday()) for moment in moments)


def _seen(query: Any, squads: frozenset[str] | None) -> Any:
    return query if squads is None else query.where(Case.squad.in_(sorted(squads)))
