"""Tonight's figures of the open cases, stored next to their frozen hand-offs.

A hand-off stays as it was, and the account goes on. So each night replaces the live figures of every open case: they
order the queue. Figures change every night and are no change of the case: its version stays, and no open page becomes
stale. What a person has to know of is a change with a row in the record: another lane, an alarm that ended, and a mark
that the cause of the case is gone or has come back.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
from sqlalchemy import bindparam, delete, update
from sqlalchemy.orm import Session

from serving.cases.audit import audited_fields, record_change
from serving.cases.permissions import SYSTEM
from serving.contracts import Alarm, AlarmKind, Lane
from serving.handoff.first_reason import has_small_weight
from serving.policy.state.case_status import LiveFigures
from serving.policy.state.queue_state import Decision
from serving.policy.state.reason_texts import alarm_text, resolved_text
from serving.store import bulk
from serving.store.tables import Case, CaseScore


def update_open_cases(session: Session, decision: Decision, open_cases: Mapping[str, Case], now: datetime) -> int:
    """Replace the live figures of the cases that are still open; returns the number newly marked as resolved."""
    current = [row for row in decision.live if row.case_id in open_cases and open_cases[row.case_id].closed_at is None]
    resolved = sum(_record_news(session, open_cases[row.case_id], row, now) for row in current)
    session.flush()
    if current:
        _replace_figures(session, decision, current, open_cases)
        _replace_scores(session, current, open_cases)
        session.expire_all()  # the statements above do not change the objects of the session
    return resolved


def _record_news(session: Session, case: Case, figures: LiveFigures, now: datetime) -> bool:
    """Record what a person has to know of; returns whether the case is marked as resolved since tonight."""
    news = [_resolved_news(case, figures), *_ended_alarms(case, figures), _lane_news(case, figures)]
    texts = [text for text in news if text]
    if not texts:
        return False
    before = audited_fields(case)
    newly_resolved = figures.resolved is not None and case.resolved is None
    case.lane, case.resolved, case.resolved_on = figures.lane, figures.resolved, figures.resolved_on
    record_change(session, case, before, "updated", actor=SYSTEM.name, at=now, comment=" ".join(texts))
    return newly_resolved


def _resolved_news(case: Case, figures: LiveFigures) -> str | None:
    if case.resolved == figures.resolved:
        return None
    text = resolved_text(figures)
    return _sentence(text) if text else "The cause of the case is back."


def _ended_alarms(case: Case, figures: LiveFigures) -> list[str]:
    """Remove the alarms that are over, so that they raise the case again when they come back."""
    ended = [code for code in figures.ended_alarms if code in case.alarms]
    for code in ended:
        del case.alarms[code]
    return [f"No longer true: {alarm_text(code)}." for code in ended]


def _lane_news(case: Case, figures: LiveFigures) -> str | None:
    return None if case.lane == figures.lane else f"Moved to the lane {figures.lane.replace('_', ' ')}."


def _replace_figures(
    session: Session, decision: Decision, current: Sequence[LiveFigures], open_cases: Mapping[str, Case]
) -> None:
    table = Case.__table__
    rows = [_values(row, open_cases[row.case_id]) | {"live_on": decision.as_of} for row in current]
    names = [name for name in rows[0] if name != "case_id"]
    values: dict[str, Any] = {name: bindparam(name) for name in names}
    session.connection().execute(update(Case).where(table.c.id == bindparam("case_id")).values(values), rows)


def _values(row: LiveFigures, case: Case) -> dict[str, Any]:
    return {
        "case_id": row.case_id,
        "priority": _priority(row, case),
        "revenue": row.revenue,
        "contract_status": row.status,
        "ends_on": row.ends_on,
        "first_reason": _first_reason(row),
        "closes_on": row.closes_on,
        "group_members": list(row.members),
    }


def _first_reason(row: LiveFigures) -> str | None:
    """Tonight's first reason; None where that of the hand-off still comes first.

    A reason of small weight comes after a cancellation, and after a trigger that holds tonight.
    """
    reason = row.first_reason
    if reason is None:
        return None
    stronger = row.lane is Lane.LEAVING or any(Alarm.parse(code).kind is AlarmKind.TRIGGER for code in row.alarms)
    return None if stronger and has_small_weight(reason.strength, weak=reason.weak) else reason.sentence


def _priority(row: LiveFigures, case: Case) -> float:
    """An account that was not scored tonight keeps its place in the queue."""
    return case.priority if row.priority is None else row.priority


def _replace_scores(session: Session, current: Sequence[LiveFigures], open_cases: Mapping[str, Case]) -> None:
    """Replace the scores of the open cases: a risk that was not scored tonight has no row."""
    table = CaseScore.__table__
    session.connection().execute(
        delete(CaseScore).where(table.c.case_id == bindparam("of_case")), [{"of_case": row.case_id} for row in current]
    )
    scores = [
        (row.case_id, risk, probability, _priority(row, open_cases[row.case_id]), True)
        for row in current
        for risk, probability in row.probabilities.items()
    ]
    if scores:
        columns = zip(*scores, strict=True)
        bulk.append(session, table, pa.table(dict(zip(table.columns.keys(), map(list, columns), strict=True))))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
