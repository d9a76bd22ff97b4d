"""The SLA timers of a case: its deadlines for response and resolution, and the effect of missing them.

A case is opened with two timers. They run while the case is open and not snoozed. Where the policy counts working time,
they run by a calendar. While nobody has contacted the customer, the escalation path of the case runs, too.
``run_timers`` applies the time to the whole queue; it may run at any time and any number of times.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, lazyload

from serving.cases.audit import audited_fields, record_change
from serving.cases.escalation.clock_check import check_clock
from serving.cases.path_executor import run_paths
from serving.cases.permissions import SYSTEM
from serving.delivery.outbox import enqueue_messages
from serving.paths.calendars import WorkingCalendar, add_duration
from serving.paths.durations import Duration, Unit
from serving.store.case_states import Action, State
from serving.store.database import Store, utcnow
from serving.store.tables import Case


@dataclass(frozen=True)
class TimerReport:
    """The ids of the cases that woke up, took the next step of their path, breached a deadline, or were sent again.

    ``alarm`` is why the timers did nothing: the clock of this machine has jumped.
    """

    woken: tuple[str, ...] = ()
    escalated: tuple[str, ...] = ()
    breached: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    alarm: str | None = None


def start_timers(case: Case, now: datetime, calendar: WorkingCalendar | None) -> None:
    """Start both timers; after a first contact there is no second response timer."""
    case.respond_by = None if case.responded_at else _after(now, case.respond_within, calendar)
    case.resolve_by = _after(now, case.resolve_within, calendar)
    case.tier_since = now
    case.respond_breached_at = case.resolve_breached_at = None


def stop_timers(case: Case) -> None:
    """Stop both timers of a closed case."""
    case.respond_by = case.resolve_by = None


def stop_response_timer(case: Case, now: datetime) -> None:
    """Note the first contact with the customer and stop the response timer."""
    case.responded_at = case.responded_at or now
    case.respond_by = None


def tighten_timers(case: Case, now: datetime, calendar: WorkingCalendar | None) -> None:
    """The case is raised again or wakes early: no deadline is later than that of a timer started now."""
    if case.respond_by is not None:
        case.respond_by = min(case.respond_by, _after(now, case.respond_within, calendar))
    if case.resolve_by is not None:
        case.resolve_by = min(case.resolve_by, _after(now, case.resolve_within, calendar))
    case.tier_since = min(case.tier_since, now)


def snooze_case(case: Case, until: date, now: datetime, calendar: WorkingCalendar | None) -> None:
    """Snooze the case until that day: the time left until each deadline begins at the end of the snooze.

    Time on the clock is left as it is. Working time is left as working time, so that no deadline lies in the night.
    """
    awake = datetime.combine(until, time.min)
    case.snoozed_from, case.snoozed_until, case.state = case.state, until, State.SNOOZED
    case.respond_by = case.respond_by and _moved(case.respond_by, case.respond_within, (now, awake), calendar)
    case.resolve_by = case.resolve_by and _moved(case.resolve_by, case.resolve_within, (now, awake), calendar)
    case.tier_since += awake - now


def wake_case(case: Case) -> None:
    """Return a snoozed case to the state in which it was snoozed."""
    case.state = State(case.snoozed_from or State.NEW)
    case.snoozed_from = case.snoozed_until = None


def wake_by_alarm(case: Case, now: datetime, calendar: WorkingCalendar | None) -> None:
    """Wake a snoozed case because of a new alarm: a response deadline that has passed starts again.

    Nobody could respond to the alarm before it, so the case is not late from the start.
    """
    wake_case(case)
    if case.respond_by is not None and case.respond_by <= now:
        case.respond_by, case.respond_breached_at = _after(now, case.respond_within, calendar), None


def run_timers(
    store: Store, *, now: datetime | None = None, channels: tuple[str, ...] = (), trust_clock: bool = False
) -> TimerReport:
    """Wake cases, take the steps of paths and record breaches, in one transaction; locked cases wait for the next run.

    Without ``now``, the clock of this machine counts. Where it has jumped, nothing changes and the report has an alarm,
    unless ``trust_clock`` says that it is right.
    """
    with store.transaction() as session:
        alarm = check_clock(session, now or utcnow(), trust=trust_clock) if now is None else None
        if alarm is not None:
            return TimerReport(alarm=alarm)
        now = now or utcnow()
        due_back = and_(Case.state == State.SNOOZED, Case.snoozed_until <= now.date())
        woken = [_wake(session, case, now) for case in _locked(session, due_back)]
        session.flush()
        paths = run_paths(session, now, channels)
        late = _locked(session, and_(Case.state != State.SNOOZED, _late(now)))
        breached = [_breach(session, case, now, channels) for case in late]
    return TimerReport(tuple(woken), tuple(paths.escalated), tuple(breached), tuple(paths.repeated))


def _after(now: datetime, within: str, calendar: WorkingCalendar | None) -> datetime:
    return add_duration(now, Duration.parse(within), calendar)


def _moved(due: datetime, within: str, asleep: tuple[datetime, datetime], calendar: WorkingCalendar | None) -> datetime:
    """A deadline after a snooze from one instant to another; one that was missed before stays missed by as much."""
    begin, end = asleep
    if calendar is None or Duration.parse(within).unit == Unit.HOURS or due <= begin:
        return due + (end - begin)
    left = calendar.elapsed(begin, due) / timedelta(hours=1)
    return calendar.add(end, Duration(left, Unit.WORKING_HOURS))


def _locked(session: Session, condition: ColumnElement[bool]) -> list[Case]:
    query = select(Case).where(Case.closed_at.is_(None), condition).order_by(Case.id)
    query = query.options(lazyload(Case.scores), lazyload(Case.alarms))
    return list(session.scalars(query.with_for_update(skip_locked=True)))


def _late(now: datetime) -> ColumnElement[bool]:
    return or_(
        and_(Case.respond_by <= now, Case.respond_breached_at.is_(None)),
        and_(Case.resolve_by <= now, Case.resolve_breached_at.is_(None)),
    )


def _wake(session: Session, case: Case, now: datetime) -> str:
    before = audited_fields(case)
    wake_case(case)
    record_change(session, case, before, Action.WAKE, actor=SYSTEM.name, at=now)
    return case.id


def _breach(session: Session, case: Case, now: datetime, channels: tuple[str, ...]) -> str:
    before = audited_fields(case)
    if case.respond_by is not None and case.respond_by <= now:
        case.respond_breached_at = case.respond_breached_at or now
    if case.resolve_by is not None and case.resolve_by <= now:
        case.resolve_breached_at = case.resolve_breached_at or now
    record_change(session, case, before, "breached", actor=SYSTEM.name, at=now)
    enqueue_messages(session, case, "case.breached", channels, at=now)
    return case.id
