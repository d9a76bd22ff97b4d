"""What people do for a case beside moving it on: its tasks and files. Each use case is one transaction and one remark.

A task has a version of its own. So ticking one neither makes an open page of the case stale nor overwrites what a
colleague did to the same task. Who may: whoever works on the case, whoever the task belongs to, and a lead.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from features.errors import UsageError, suggest_name
from serving.cases.audit import json_fields
from serving.cases.case_errors import IllegalActionError, StaleCaseError
from serving.cases.case_step import CaseStep, open_step, require_own, require_text
from serving.cases.casework.attachment_files import AttachmentLimits, UploadedFile, add_file, remove_file
from serving.cases.casework.playbook_tasks import next_position
from serving.cases.escalation.mentions import mentionable_names, read_mentions
from serving.cases.escalation.path_context import path_context
from serving.cases.permissions import Act, Actor
from serving.night_report.report_text import day_text
from serving.store.casework.casework_tables import AttachmentRow, TaskRow
from serving.store.database import Store
from serving.store.queries.case_queries import case_history
from serving.store.tables import Case

LONGEST_TITLE = 300
LONGEST_OVERDUE = timedelta(days=90)
"""A task may be due before its case was opened: it was promised then."""
MOST_TASKS = 100
"""Tasks of one case."""
TASK_FIELDS = ("title", "due_on", "owner", "state", "reason")


class TaskNotFoundError(UsageError):
    """The case has no such task."""

    def __init__(self, case_id: str, task: int) -> None:
        super().__init__(f"Case {case_id} has no task {task}: look at its tasks again.")


@dataclass(frozen=True)
class TaskChange:
    """What of a task is changed; None leaves it. ``owner`` is a person, or empty for whoever is responsible."""

    title: str | None = None
    owner: str | None = None
    due_on: date | None = None
    no_due_day: bool = False


class CaseWork:
    """The use cases. Every method takes the id of the case and the actor, and returns the row that it changed."""

    def __init__(self, store: Store, clock: Callable[[], datetime], limits: AttachmentLimits | None = None) -> None:
        self.store = store
        self.clock = clock
        self.limits = limits or AttachmentLimits()

    def add_task(
        self, case_id: str, actor: Actor, *, title: str, due_on: date | None = None, owner: str = ""
    ) -> TaskRow:
        """Add a task; without an owner, whoever is responsible for the case does it."""
        with self._step(case_id, actor) as step:
            _require_open(step.case)
            require_own(step.case, actor)
            position = next_position(step.session, case_id)
            if position > MOST_TASKS:
                raise UsageError(f"A case has at most {MOST_TASKS} tasks.")
            row = TaskRow(
                case_id=case_id,
                position=position,
                title=_title(title),
                due_on=_due_day(step, due_on),
                owner=_person(step, owner),
                state="open",
                created_at=step.now,
                created_by=actor.name,
                version=1,
            )
            step.session.add(row)
            step.session.flush()
            step.kind, step.comment = "task_added", row.title
            step.note = {"task": row.id, "task_after": json_fields(row, TASK_FIELDS[1:])}
        return row

    def finish_task(self, case_id: str, actor: Actor, task: int, version: int | None = None) -> TaskRow:
        """Mark a task as done."""
        with self._task_step(case_id, actor, task, version, "task_done") as (step, row):
            _require_state(row, "open")
            row.state, row.closed_at, row.closed_by = "done", step.now, actor.name
        return row

    def skip_task(self, case_id: str, actor: Actor, task: int, version: int | None = None, *, reason: str) -> TaskRow:
        """Skip a task, with the reason."""
        with self._task_step(case_id, actor, task, version, "task_skipped") as (step, row):
            _require_state(row, "open")
            row.reason = require_text(reason, "why the task is skipped")
            row.state, row.closed_at, row.closed_by = "skipped", step.now, actor.name
            step.comment = f"{row.title}\n{row.reason}"
        return row

    def reopen_task(self, case_id: str, actor: Actor, task: int, version: int | None = None) -> TaskRow:
        """Open a task again that was done or skipped."""
        with self._task_step(case_id, actor, task, version, "task_reopened") as (_, row):
            _require_state(row, "done", "skipped")
            row.state, row.closed_at, row.closed_by, row.reason = "open", None, None, None
        return row

    def change_task(
        self, case_id: str, actor: Actor, task: int, version: int | None = None, *, change: TaskChange
    ) -> TaskRow:
        """Change the title, the owner or the due day of an open task."""
        with self._task_step(case_id, actor, task, version, "task_changed") as (step, row):
            _require_state(row, "open")
            row.title = row.title if change.title is None else _title(change.title)
            if change.owner is not None:
                row.owner, row.role = _person(step, change.owner), None
            if change.due_on not in (None, row.due_on):
                row.due_on = _due_day(step, change.due_on)
            elif change.no_due_day:
                row.due_on = None
            step.comment = row.title
        return row

    def attach(self, case_id: str, actor: Actor, file: UploadedFile) -> AttachmentRow:
        """Add a file to a case."""
        with self._step(case_id, actor, Act.COMMENT) as step:
            row = add_file(step, file, self.limits)
            step.kind, step.comment, step.note = "attached", row.name, {"attachment": row.id, "size": row.size}
        return row

    def detach(self, case_id: str, actor: Actor, attachment: str) -> AttachmentRow:
        """Remove a file: its bytes are deleted, and the record keeps that it was there."""
        with self._step(case_id, actor, Act.COMMENT) as step:
            row = remove_file(step, attachment)
            step.kind, step.comment, step.note = "detached", row.name, {"attachment": row.id}
        return row

    def read_mentions(self, case_id: str, person: str) -> int:
        """Mark what a person was mentioned in as read; it is no change of the case."""
        with self.store.transaction() as session:
            return read_mentions(session, case_id, person, self.clock())

    @contextmanager
    def _step(self, case_id: str, actor: Actor, act: Act = Act.WORK) -> Iterator[CaseStep]:
        with open_step(self.store, case_id, actor, None, self.clock(), act=act) as step:
            yield step

    @contextmanager
    def _task_step(
        self, case_id: str, actor: Actor, task: int, version: int | None, kind: str
    ) -> Iterator[tuple[CaseStep, TaskRow]]:
        """The change of one task, with its fields before and after in the record."""
        with self._step(case_id, actor) as step:
            row = step.session.get(TaskRow, task, with_for_update=True)
            if row is None or row.case_id != case_id or row.state == "withdrawn":
                raise TaskNotFoundError(case_id, task)
            _require_open(step.case)
            if row.owner != actor.name:
                require_own(step.case, actor)
            _require_current_task(step, row, version)
            before = json_fields(row, TASK_FIELDS)
            step.kind, step.comment = kind, row.title
            yield step, row
            row.version += 1
            step.note = _task_note(row, before)


def _task_note(row: TaskRow, before: dict[str, Any]) -> dict[str, Any]:
    """The fields of a task that changed; its texts are in the comment, which an erasure replaces."""
    after = json_fields(row, TASK_FIELDS)
    changed = [name for name in TASK_FIELDS if after[name] != before[name] and name not in ("title", "reason")]
    return {
        "task": row.id,
        "task_before": {name: before[name] for name in changed},
        "task_after": {name: after[name] for name in changed},
    }


def _title(title: str) -> str:
    text = " ".join(require_text(title, "what the task is").split())
    if len(text) > LONGEST_TITLE:
        raise UsageError(f"The title of a task has at most {LONGEST_TITLE} characters, and this one has {len(text)}.")
    return text


def _due_day(step: CaseStep, due_on: date | None) -> date | None:
    """The day, refused where it is long before the case was opened: then it is mistyped."""
    earliest = step.case.opened_on - LONGEST_OVERDUE
    if due_on is not None and due_on < earliest:
        raise UsageError(f"A task cannot be due on {day_text(due_on)}: choose a day from {day_text(earliest)} on.")
    return due_on


def _person(step: CaseStep, name: str) -> str | None:
    """The person of this name, as it is written elsewhere; None where none is given."""
    wanted = name.strip().removeprefix("@")
    if not wanted:
        return None
    names = mentionable_names(step.session, path_context(step.session, step.now).staff.roster)
    folded = {written.casefold(): person for written, person in names.items()}
    if wanted.casefold() not in folded:
        raise UsageError(f"Nobody is called {wanted!r}; {suggest_name(wanted, sorted(set(names.values())))}")
    return folded[wanted.casefold()]


def _require_open(case: Case) -> None:
    if case.closed_at is not None:
        raise IllegalActionError(f"Case {case.id} is closed: reopen it to work on its tasks.")


def _require_state(row: TaskRow, *states: str) -> None:
    if row.state not in states:
        raise IllegalActionError(f"The task “{row.title}” is {row.state} already.")


def _require_current_task(step: CaseStep, row: TaskRow, version: int | None) -> None:
    if version is None or version == row.version:
        return
    events = case_history(step.session, step.case.id)
    last = next((event for event in reversed(events) if event.after.get("task") == row.id), None)
    kind, who, at = (last.kind, last.actor, last.at) if last else ("task_added", row.created_by, row.created_at)
    raise StaleCaseError(step.case.id, kind, who, f"{at:%Y-%m-%d %H:%M}")
