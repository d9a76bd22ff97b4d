"""The executor of escalation paths: it takes every step that is due, for all cases of the queue in one run.

Due cases are found by an index, and the policy, its people and their situation are loaded once. What a step does is
decided by :mod:`serving.paths.path_progress`, the same code that explains and draws the path.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, time
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session, lazyload

from serving.cases.audit import audited_fields, record_change, restore_fields
from serving.cases.escalation.path_changes import advance_path, advance_text
from serving.cases.escalation.path_context import PATH_COLUMNS, CasePathRow, PathContext, path_context, path_state, runs
from serving.cases.permissions import SYSTEM
from serving.delivery.outbox import enqueue_messages
from serving.paths.path_progress import Advance, next_due
from serving.store.case_states import State
from serving.store.tables import Case

_CASES: Any = Case.__table__
_CORRECTION = update(_CASES).where(_CASES.c.id == bindparam("case")).values(path_due=bindparam("due"))
SILENT = ("path_step", "path_repeats", "tier_since")
"""What the end of a squad's tiers would change: it is no event, so it stays as it is recorded."""
CHUNK = 500
"""Cases that are locked and loaded together."""


class PathCounts(NamedTuple):
    """The ids of the cases whose path took a step, and of those whose newest step was sent again."""

    escalated: list[str]
    repeated: list[str]


def run_paths(session: Session, now: datetime, channels: tuple[str, ...]) -> PathCounts:
    """Take the steps that are due; a case that somebody has locked is left for the next run."""
    context = path_context(session, now)
    counts = PathCounts([], [])
    due = list(_due(session, context, now))
    for start in range(0, len(due), CHUNK):
        for case in _locked(session, due[start : start + CHUNK]):
            _take(session, case, context, now, channels, counts)
        session.flush()
    return counts


def next_due_of(session: Session) -> datetime | None:
    """The earliest instant at which the timers would change or send anything; None where nothing is open.

    It may be in the past: then the timers have something to do at once.
    """
    is_open, awake = Case.closed_at.is_(None), Case.state != State.SNOOZED
    instants = [
        session.scalar(select(func.min(Case.path_due)).where(is_open, awake)),
        session.scalar(select(func.min(Case.respond_by)).where(is_open, awake, Case.respond_breached_at.is_(None))),
        session.scalar(select(func.min(Case.resolve_by)).where(is_open, awake, Case.resolve_breached_at.is_(None))),
    ]
    wakes = session.scalar(select(func.min(Case.snoozed_until)).where(is_open, Case.state == State.SNOOZED))
    if wakes is not None:
        instants.append(datetime.combine(wakes, time.min))
    return min((instant for instant in instants if instant is not None), default=None)


def recheck_paths(session: Session) -> None:
    """Compute the next step of every open case anew in the next run: the policy or a calendar has changed."""
    waiting = update(Case).where(Case.closed_at.is_(None), Case.respond_by.is_not(None), Case.state != State.SNOOZED)
    session.execute(waiting.values(path_due=Case.tier_since), execution_options={"synchronize_session": False})


def _due(session: Session, context: PathContext, now: datetime) -> Iterator[str]:
    """The ids of the cases with a step that is due; the stored time is only a lower bound, and is corrected."""
    columns = [getattr(Case, name) for name in PATH_COLUMNS]
    query = select(Case.id, Case.path_due, *columns).where(Case.closed_at.is_(None), Case.path_due <= now)
    later = []
    rows: Sequence[Any] = session.execute(query.order_by(Case.id)).all()
    for row in rows:
        due = _next_due(row, context)
        if due is not None and due <= now:
            yield row.id
        elif due != row.path_due:
            later.append({"case": row.id, "due": due})
    if later:
        session.connection().execute(_CORRECTION, later)


def _next_due(row: CasePathRow, context: PathContext) -> datetime | None:
    if not runs(row):
        return None
    return next_due(context.path_of(row), path_state(row), context.calendar_of(row))


def _locked(session: Session, ids: list[str]) -> list[Case]:
    query = select(Case).where(Case.id.in_(ids), Case.closed_at.is_(None)).order_by(Case.id)
    query = query.options(lazyload(Case.scores), lazyload(Case.alarms))
    return list(session.scalars(query.with_for_update(skip_locked=True).execution_options(populate_existing=True)))


def _take(
    session: Session,
    case: Case,
    context: PathContext,
    now: datetime,
    channels: tuple[str, ...],
    counts: PathCounts,
) -> None:
    """One step of one case; it may have changed since it was found."""
    path, before = context.path_of(case), audited_fields(case)
    due = next_due(path, path_state(case), context.calendar_of(case)) if runs(case) else None
    if due is None or due > now:
        return
    result = advance_path(session, case, context, now)
    kind = _kind(path.name, result)
    if kind is None:
        restore_fields(case, {name: before[name] for name in SILENT})
        case.path_due = None
        return
    text = advance_text(path, result, context.titles)
    record_change(session, case, before, kind, actor=SYSTEM.name, at=now, comment=text, sent=result.sent)
    if kind == "path_repeated" and result.sent is not None:
        counts.repeated.append(case.id)
    elif kind == "escalated":
        counts.escalated.append(case.id)
        enqueue_messages(session, case, "case.escalated", channels, at=now)


def _kind(name: str, result: Advance) -> str | None:
    """The kind of entry in the record; none where the tiers of a squad are simply over."""
    if result.sent is not None:
        return "path_repeated" if result.sent.repeat else "escalated"
    if not result.ended:
        return "path_repeated"  # nobody of the step can act now
    if any(entry.person for step in result.skipped for entry in step.left_out):
        return "escalated"
    return "path_ended" if name else None
