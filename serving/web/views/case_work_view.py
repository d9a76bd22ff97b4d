"""What the case page shows of the work: tasks with due days and owners, contacts, files, and the one next step."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from serving.cases.handover.hand_over_choices import FieldChoice
from serving.cases.permissions import Act, Actor
from serving.handoff.render import day
from serving.store.case_states import Action, State
from serving.store.casework.casework_tables import TaskRow
from serving.store.tables import Case
from serving.web import display_text
from serving.web.forms import CaseForm
from serving.web.reader import PageReader
from serving.web.views.work.next_step import NEXT_ACTIONS, is_done_by_now, next_step, stage_of
from serving.web.work_forms import WorkChoices, task_fields


@dataclass(frozen=True)
class TaskView:
    """A task: its due day in words, who does it, and whether the reader may change it.

    ``urgency`` is ``late``, ``today``, or empty.
    """

    row: TaskRow
    due: str
    urgency: str
    owner: str
    may_change: bool
    fields: tuple[FieldChoice, ...]

    @property
    def is_open(self) -> bool:
        """Whether it is still to be done."""
        return self.row.state == "open"


@dataclass(frozen=True)
class PrimaryStep:
    """The one thing to do next: a sentence, and the form or the task that does it, if anything can be done.

    ``to_outcomes`` leads to the forms that close the case, none of which is preferred.
    """

    text: str
    form: CaseForm | None = None
    task: TaskView | None = None
    close_as_saved: bool = False
    to_outcomes: bool = False


def task_views(
    rows: Sequence[TaskRow],
    case: Case,
    actor: Actor,
    today: date,
    choices: WorkChoices,
    reader: PageReader,
    *,
    read_only: bool,
) -> tuple[TaskView, ...]:
    """The tasks that are still to be done, the earliest due first, then the others in their order."""
    views = [_task_view(row, case, actor, today, choices, reader, read_only) for row in rows]
    return tuple(sorted(views, key=_place))


def primary_step(
    case: Case, forms: Sequence[CaseForm], tasks: Sequence[TaskView], reader: PageReader, *, saved: bool
) -> PrimaryStep | None:
    """What is next, in the words of the queue, with the form that does it; None where the case is closed.

    ``saved`` is whether *saved* is offered as the outcome of a case whose cause is gone.
    """
    if case.closed_at is not None:
        return None
    text = f"{next_step(case, reader)}."
    if case.state == State.SNOOZED:
        return PrimaryStep(text)
    if not forms:
        who = reader.name_of(case.owner or case.responsible) or f"the squad {case.squad}"
        return PrimaryStep(
            f"Nothing for you: {who} works on it." if case.owner else f"Nothing for you: it is with {who}."
        )
    by_action = {str(form.action): form for form in reversed(forms)}
    action = NEXT_ACTIONS.get(stage_of(case), "")
    if case.resolved:
        may_close = Action.RESOLVE in by_action
        return PrimaryStep(text, close_as_saved=saved and may_close, to_outcomes=may_close and not saved)
    goes_on = case.state == State.NEW and case.responded_at is not None
    task = _next_task(case, tasks) if goes_on or case.state == State.IN_PLAN else None
    does_task, closes = task is not None and not goes_on, action == Action.RESOLVE
    return PrimaryStep(
        f"{text}{_task_text(task)}",
        None if does_task or closes else by_action.get(action),
        task if does_task else None,
        to_outcomes=closes and not does_task and Action.RESOLVE in by_action,
    )


def _task_text(task: TaskView | None) -> str:
    if task is None:
        return ""
    return f" Next task: {task.row.title}{f', {task.due}' if task.due else ''}."


def _next_task(case: Case, tasks: Sequence[TaskView]) -> TaskView | None:
    """The first open task that the reader can do, without one that asks for what the case has already."""
    own = (view for view in tasks if view.is_open and view.may_change)
    return next((view for view in own if not is_done_by_now(view.row.title, case)), None)


def _task_view(
    row: TaskRow, case: Case, actor: Actor, today: date, choices: WorkChoices, reader: PageReader, read_only: bool
) -> TaskView:
    own = case.owner in {None, actor.name} or row.owner == actor.name or actor.may(Act.ASSIGN)
    due, urgency = _due(row, today)
    responsible = reader.name_of(case.owner or case.responsible)
    owner = reader.name_of(row.owner) or row.role or responsible
    fields = task_fields(choices, title=row.title, due_on=row.due_on, owner=row.owner)
    may_change = actor.may(Act.WORK) and own and not read_only and case.closed_at is None
    return TaskView(row, due, urgency, owner, may_change, fields)


def _place(view: TaskView) -> tuple[bool, date, int]:
    due = view.row.due_on if view.is_open else None
    return not view.is_open, due or date.max, view.row.position


def _due(row: TaskRow, today: date) -> tuple[str, str]:
    if row.state != "open":
        return row.state, ""
    if row.due_on is None:
        return "", ""
    days = (row.due_on - today).days
    if days < 0:
        return f"{display_text.day_count(-days)} overdue", "late"
    if days == 0:
        return "due today", "today"
    when = "tomorrow" if days == 1 else f"in {days} days"
    return f"due {day(row.due_on)}, {when}", ""
