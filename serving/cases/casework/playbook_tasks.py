"""The tasks that a case gets from the playbook of the policy, when it is opened and when its risk has changed.

The playbook that fits is the first of the policy whose conditions hold (``choose_playbook``). Where a case that is
raised again fits another one, the open tasks of the earlier playbook are withdrawn; what was done stays.
"""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from serving.cases.escalation.path_context import PathContext, path_context
from serving.cases.permissions import SYSTEM
from serving.paths.calendars import WorkingCalendar, add_duration
from serving.paths.directory import ReaderKind
from serving.paths.durations import Duration
from serving.policy.definition.casework.playbook_rules import (
    RESPONSIBLE,
    PlaybookRule,
    PlaybookSubject,
    choose_playbook,
    playbook_title,
)
from serving.policy.definition.policy_schema import PolicyFile
from serving.store.casework.casework_tables import TaskRow
from serving.store.tables import Case

WEEKDAYS_ONLY = WorkingCalendar("UTC", ("mon-fri 00:00-23:59",))
"""The working days where a squad has no calendar."""


def change_playbook(
    session: Session, case: Case, rules: PolicyFile, reason: str | None, now: datetime
) -> tuple[str, PlaybookRule] | None:
    """The playbook that a case gets now, by name; None where it has it already or none fits.

    The open tasks of another playbook are withdrawn. ``reason`` is the group of the case's first reason.
    """
    chosen = choose_playbook(rules.playbooks, PlaybookSubject(case.risk, case.lane, case.severity, reason))
    present = list(session.scalars(select(TaskRow).where(TaskRow.case_id == case.id, TaskRow.playbook.is_not(None))))
    name = chosen[0] if chosen else None
    if any(row.playbook == name for row in present):
        return None
    _withdraw(present, playbook_title(*chosen) if chosen else None, now)
    return chosen


def due_day(start: datetime, due: Duration, calendar: WorkingCalendar | None) -> date:
    """The day on which something is due, in the time zone of the calendar; Monday to Friday where there is none."""
    working = calendar or WEEKDAYS_ONLY
    return working.local(add_duration(start, due, working)).date()


def next_position(session: Session, case_id: str) -> int:
    """The place of a new task, after all others of its case."""
    last = session.scalar(select(func.max(TaskRow.position)).where(TaskRow.case_id == case_id))
    return (last or 0) + 1


def _withdraw(rows: Sequence[TaskRow], title: str | None, now: datetime) -> None:
    for row in rows:
        if row.state == "open":
            row.state, row.closed_at, row.closed_by, row.version = "withdrawn", now, SYSTEM.name, row.version + 1
            row.reason = f"The case got the playbook {title}." if title else "No playbook fits the case any more."


def add_tasks(session: Session, case: Case, name: str, rule: PlaybookRule, now: datetime) -> None:
    """Give a case the tasks of a playbook, after those that it has."""
    context, after = path_context(session, now), next_position(session, case.id) - 1
    calendar = context.staff.roster.calendar_of(None, case.squad)
    for number, step in enumerate(rule.steps, start=1):
        owner, role = _owner(session, case, step.owner, context, now)
        session.add(
            TaskRow(
                case_id=case.id,
                position=after + number,
                title=step.title,
                due_on=due_day(now, step.due, calendar) if step.due else None,
                owner=owner,
                role=role,
                playbook=name,
                step=number,
                state="open",
                created_at=now,
                created_by=SYSTEM.name,
                version=1,
            )
        )


def _owner(
    session: Session, case: Case, word: str, context: PathContext, now: datetime
) -> tuple[str | None, str | None]:
    """The person whom the policy's word means at present, else the word itself as a role; both None: responsible."""
    if word.casefold() == RESPONSIBLE:
        return None, None
    subject = context.subject_of(session, case)
    people = [
        reader.name
        for reader in context.directory.resolve(word, subject, now).readers
        if reader.kind is ReaderKind.PERSON
    ]
    return (people[0], None) if people else (None, word)
