"""The clocks of a case: when somebody has to have answered, when it has to be settled, and what happens when not.

A case is raised with two promises, a response and a resolution. They run while the case is open, and a snooze moves
both by its length. Before the response is late, the ladder brings in the next person: the secondary owner, then the
tertiary. ``tick`` is what time does to the queue; it can be called as often as one likes.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from serving.cases.audit import image, record
from serving.cases.permissions import SYSTEM
from serving.delivery.outbox import announce
from serving.store.case_states import Move, State
from serving.store.database import Store, utcnow
from serving.store.tables import Case


@dataclass(frozen=True)
class Ticked:
    """What time did: the ids of cases that woke, went to the next owner, or broke a promise."""

    woken: tuple[str, ...] = ()
    handed_on: tuple[str, ...] = ()
    breached: tuple[str, ...] = ()


def start(case: Case, now: datetime) -> None:
    """Start both clocks; a customer who was answered already needs no second response."""
    case.respond_by = None if case.responded_at else now + timedelta(hours=case.respond_hours)
    case.resolve_by = now + timedelta(hours=case.resolve_hours)
    case.respond_breached_at = case.resolve_breached_at = None


def stop(case: Case) -> None:
    """A closed case owes nothing any more."""
    case.respond_by = case.resolve_by = None


def answer(case: Case, now: datetime) -> None:
    """The customer was spoken to."""
    case.responded_at = case.responded_at or now
    case.respond_by = None


def tighten(case: Case, now: datetime) -> None:
    """The case got worse or woke early: no promise ends later than one that were made now."""
    if case.respond_by is not None:
        case.respond_by = min(case.respond_by, now + timedelta(hours=case.respond_hours))
    if case.resolve_by is not None:
        case.resolve_by = min(case.resolve_by, now + timedelta(hours=case.resolve_hours))


def sleep(case: Case, until: date, now: datetime) -> None:
    """Put the case away until that day; both promises move by as long."""
    length = datetime.combine(until, time.min) - now
    case.snoozed_from, case.snoozed_until, case.state = case.state, until, State.SNOOZED
    case.respond_by = case.respond_by and case.respond_by + length
    case.resolve_by = case.resolve_by and case.resolve_by + length


def wake(case: Case) -> None:
    """Return a snoozed case to the state it was snoozed in."""
    case.state = State(case.snoozed_from or State.NEW)
    case.snoozed_from = case.snoozed_until = None


def next_hand_on(case: Case) -> datetime | None:
    """When the next person of the ladder takes over; None where nobody follows or the customer was answered."""
    if case.respond_by is None or case.rung + 1 >= len(case.ladder) or case.rung >= len(case.hand_on_hours):
        return None
    started = case.respond_by - timedelta(hours=case.respond_hours)
    return started + timedelta(hours=case.hand_on_hours[case.rung])


def tick(store: Store, *, now: datetime | None = None, channels: tuple[str, ...] = ()) -> Ticked:
    """Wake, hand on and note breaches, in one transaction; cases that somebody is changing wait for the next tick."""
    now = now or utcnow()
    handed_on: list[str] = []
    with store.transaction() as session:
        due_back = and_(Case.state == State.SNOOZED, Case.snoozed_until <= now.date())
        woken = [_wake(session, case, now) for case in _locked(session, due_back)]
        for case in _locked(session, and_(Case.state != State.SNOOZED, Case.respond_by.is_not(None))):
            while (due := next_hand_on(case)) is not None and due <= now:
                handed_on.append(_hand_on(session, case, now, channels))
        late = _locked(session, and_(Case.state != State.SNOOZED, _late(now)))
        breached = [_breach(session, case, now, channels) for case in late]
    return Ticked(tuple(woken), tuple(handed_on), tuple(breached))


def _locked(session: Session, condition: ColumnElement[bool]) -> list[Case]:
    query = select(Case).where(Case.closed_at.is_(None), condition).order_by(Case.id)
    return list(session.scalars(query.with_for_update(skip_locked=True)))


def _late(now: datetime) -> ColumnElement[bool]:
    return or_(
        and_(Case.respond_by <= now, Case.respond_breached_at.is_(None)),
        and_(Case.resolve_by <= now, Case.resolve_breached_at.is_(None)),
    )


def _wake(session: Session, case: Case, now: datetime) -> str:
    before = image(case)
    wake(case)
    record(session, case, before, Move.WAKE, actor=SYSTEM.name, at=now)
    return case.id


def _hand_on(session: Session, case: Case, now: datetime, channels: tuple[str, ...]) -> str:
    before = image(case)
    case.rung += 1
    if case.owner is not None:
        case.owner = case.ladder[case.rung]
    why = f"no contact in time: {case.ladder[case.rung]} takes over"
    record(session, case, before, "handed_on", actor=SYSTEM.name, at=now, comment=why)
    announce(session, case, "case.handed_on", channels, at=now)
    return case.id


def _breach(session: Session, case: Case, now: datetime, channels: tuple[str, ...]) -> str:
    before = image(case)
    if case.respond_by is not None and case.respond_by <= now:
        case.respond_breached_at = case.respond_breached_at or now
    if case.resolve_by is not None and case.resolve_by <= now:
        case.resolve_breached_at = case.resolve_breached_at or now
    record(session, case, before, "breached", actor=SYSTEM.name, at=now)
    announce(session, case, "case.breached", channels, at=now)
    return case.id
