"""The record of a case: one append-only row for every change, in the transaction of the change.

A row holds the fields that changed, before and after. So the record can be read without the code that wrote it, and an
action is undone by restoring the old values.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from serving.cases.escalation.notifications import announce_change
from serving.cases.escalation.path_changes import update_path
from serving.cases.escalation.path_context import path_context
from serving.delivery.outbox import NOTES, enqueue_change, joined_text
from serving.paths.message_settings import MessageSettings
from serving.paths.path_progress import SentStep
from serving.store.database import MESSAGES
from serving.store.queries.case_queries import STAYED, case_history
from serving.store.tables import Case, CaseEvent

AUDITED = (
    "state",
    "owner",
    "squad",
    "severity",
    "probability",
    "lane",
    "raises",
    "tier",
    "tier_since",
    "respond_by",
    "resolve_by",
    "responded_at",
    "respond_breached_at",
    "resolve_breached_at",
    "closed_at",
    "snoozed_until",
    "snoozed_from",
    "resolved",
    "resolved_on",
    "closure",
    "closure_on",
    "settled_on",
    "path_step",
    "path_repeats",
    "acknowledged_at",
    "acknowledged_by",
    "outcome_reason",
    "outcome_amount",
    "outcome_currency",
    "left_on",
)
"""The fields of a case whose changes are recorded. Live figures are not: each night replaces them."""

REMARKS = (
    *("comment", "disagree", "contact_logged", "attached", "detached", STAYED),
    *("task_added", "task_done", "task_skipped", "task_reopened", "task_changed"),
)
"""The events that change no field of the case."""


class ChangedFields(NamedTuple):
    """The fields of a row that changed, as JSON values before and after."""

    before: dict[str, Any]
    after: dict[str, Any]


def json_fields(row: object, names: Iterable[str]) -> dict[str, Any]:
    """The fields of these names as JSON values; days and times as ISO texts."""
    values = {name: getattr(row, name) for name in names}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> ChangedFields:
    """The fields of ``after`` that have another value than ``before``; a field that was not there was null."""
    changed = [name for name, value in after.items() if before.get(name) != value]
    return ChangedFields({name: before.get(name) for name in changed}, {name: after[name] for name in changed})


def audited_fields(case: Case) -> dict[str, Any]:
    """The audited fields of a case as JSON values."""
    return json_fields(case, AUDITED)


def record_change(
    session: Session,
    case: Case,
    before: Mapping[str, Any],
    kind: str,
    *,
    actor: str,
    at: datetime,
    comment: str | None = None,
    notes: Sequence[str] = (),
    undoes: int | None = None,
    note: Mapping[str, Any] | None = None,
    sent: SentStep | None = None,
) -> CaseEvent:
    """Record how ``case`` changed since ``before`` (from :func:`audited_fields`), and raise its version.

    A remark changes no field, so the version stays and no open page becomes stale. ``note`` is recorded beside the
    fields that changed, and so are ``notes``, the sentences that Rescue adds to the ``comment`` of a person. The scores
    of the case follow when it is closed or opened again.

    The escalation path of the case begins, restarts or stops with the change, and the messages of the communication
    protocol are written; ``sent`` is a step of the path that is the change itself.
    """
    with session.no_autoflush:  # a case that is being opened has no version yet
        sent = update_path(session, case, kind, at) or sent
    case.updated_at = at
    changed = changed_fields(before, audited_fields(case))
    case.version = (case.version or 0) + bool(changed.after)
    if "closed_at" in changed.after:
        for score in case.scores.values():
            score.is_open = case.closed_at is None
    event = CaseEvent(
        case_id=case.id,
        at=at,
        actor=actor,
        kind=kind,
        before=changed.before,
        after=changed.after | dict(note or {}) | ({NOTES: list(notes)} if notes else {}),
        comment=comment,
        version=case.version,
        undoes=undoes,
    )
    session.add(event)
    announce_change(session, case, kind, actor=actor, comment=joined_text(comment, notes), at=at, sent=sent)
    _follow_change(session, case, event, at)
    return event


def _follow_change(session: Session, case: Case, event: CaseEvent, at: datetime) -> None:
    """Write the messages for the channels that keep a record of cases; most queues have no such channel."""
    settings: MessageSettings = session.info.get(MESSAGES) or MessageSettings()
    if settings.recording or settings.following:
        roster = path_context(session, at).staff.roster
        addresses = roster.person(case.owner).addresses if case.owner else {}
        enqueue_change(session, case, event, settings, at=at, addresses=addresses)


def last_change(session: Session, case_id: str) -> CaseEvent:
    """The newest event that changed the case; remarks do not."""
    return next(event for event in reversed(case_history(session, case_id)) if event.kind not in REMARKS)


def restore_fields(case: Case, before: Mapping[str, Any]) -> None:
    """Restore the old values from a recorded ``before``."""
    for name, value in before.items():
        setattr(case, name, _value(name, value))


def _value(name: str, value: Any) -> Any:
    if value is None:
        return None
    kind = Case.__table__.columns[name].type.python_type
    if kind is datetime:
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if kind is date else value
