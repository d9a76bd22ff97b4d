"""The record of a case: one append-only row for every change, in the change's own transaction.

A row holds the fields that changed, before and after, so that the record can be read without the code that wrote it,
and so that a step can be undone by putting the old values back.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from serving.store.case_queries import history
from serving.store.tables import Case, CaseEvent

AUDITED = (
    "state",
    "owner",
    "squad",
    "severity",
    "probability",
    "priority",
    "raises",
    "rung",
    "respond_by",
    "resolve_by",
    "responded_at",
    "respond_breached_at",
    "resolve_breached_at",
    "closed_at",
    "snoozed_until",
    "snoozed_from",
)
"""The fields of a case whose every change is on the record."""

REMARKS = ("comment", "disagree")
"""What is said of a case without changing it."""


def image(case: Case) -> dict[str, Any]:
    """The audited fields as JSON keeps them."""
    return {name: _json(getattr(case, name)) for name in AUDITED}


def record(
    session: Session,
    case: Case,
    before: Mapping[str, Any],
    kind: str,
    *,
    actor: str,
    at: datetime,
    comment: str | None = None,
    undoes: int | None = None,
    note: Mapping[str, Any] | None = None,
) -> CaseEvent:
    """Write what became of ``case`` since ``before`` (an :func:`image`), and raise its version.

    A remark changes no field and so no version: it makes nobody's page stale. ``note`` is kept beside the fields that
    changed: what was said of the case without changing it.
    """
    case.updated_at = at
    after = image(case)
    changed = [name for name in AUDITED if before.get(name) != after[name]]
    case.version = (case.version or 0) + bool(changed)
    event = CaseEvent(
        case_id=case.id,
        at=at,
        actor=actor,
        kind=kind,
        before={name: before.get(name) for name in changed},
        after={name: after[name] for name in changed} | dict(note or {}),
        comment=comment,
        version=case.version,
        undoes=undoes,
    )
    session.add(event)
    return event


def last_change(session: Session, case_id: str) -> CaseEvent:
    """The newest entry that changed the case; remarks do not."""
    return next(event for event in reversed(history(session, case_id)) if event.kind not in REMARKS)


def put_back(case: Case, before: Mapping[str, Any]) -> None:
    """Give the fields of a recorded ``before`` their old values."""
    for name, value in before.items():
        setattr(case, name, _value(name, value))


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _value(name: str, value: Any) -> Any:
    if value is None:
        return None
    kind = Case.__table__.columns[name].type.python_type
    if kind is datetime:
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if kind is date else value
