"""What the case page shows of the work: tasks with due days and owners, contacts, files, and the one next step."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from serving.cases.handover.hand_over_choices import FieldChoice
from serving.cases.permissions import Act, Actor
from serving.handoff.render import day
from serving.store.case_states import Action, State
from serving.store.casework.casework_tables import TaskRow
from serving.store.tables import Case
from serving.web import display_text
from serving.web.forms import LOG_CONTACT, CaseForm
from serving.web.reader import PageReader
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
    """The one thing to do next: a sentence, and the form or the task that does it, if anything can be done."""

    text: str
    form: CaseForm | None = None
    task: TaskView | None = None
    acknowledge: bool = False
    close_as_saved: bool = False


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
    case: Case,
    forms: Sequence[CaseForm],
    tasks: Sequence[TaskView],
    reader: PageReader,
    *,
    may_acknowledge: bool,
    resolved: bool,
) -> PrimaryStep | None:
    """What is next, by the state of the case; None where the case is closed."""
    if case.closed_at is not None:
        return None
    by_action = {str(form.action): form for form in reversed(forms)}
    steps = (*_waiting_steps(case, forms, reader), *_first_steps(case, by_action, may_acknowledge, resolved))
    return next(iter(steps), None) or _working_step(case, by_action, tasks)


def _waiting_steps(case: Case, forms: Sequence[CaseForm], reader: PageReader) -> Iterator[PrimaryStep]:
    """The step of somebody who can do nothing now."""
    if case.state == State.SNOOZED:
        yield PrimaryStep(f"Nothing until {day(case.snoozed_until)}: the case is snoozed.")
    elif not forms:
        who = reader.name_of(case.owner or case.responsible) or f"the squad {case.squad}"
        yield PrimaryStep(
            f"Nothing for you: {who} works on it." if case.owner else f"Nothing for you: it is with {who}."
        )


def _first_steps(
    case: Case, by_action: Mapping[str, CaseForm], may_acknowledge: bool, resolved: bool
) -> Iterator[PrimaryStep]:
    """The steps until the customer has been contacted, the most pressing first."""
    if Action.ACCEPT in by_action:
        yield PrimaryStep("Read why it was handed over, then accept it or return it.", by_action[Action.ACCEPT])
    if resolved and Action.RESOLVE in by_action:
        yield PrimaryStep("Close it: its cause is gone.", close_as_saved=True)
    if may_acknowledge:
        yield PrimaryStep("Acknowledge it, so that nothing escalates any more.", acknowledge=True)
    if Action.CLAIM in by_action:
        yield PrimaryStep("Claim it, then contact the customer.", by_action[Action.CLAIM])
    if case.state == State.CLAIMED and case.responded_at is None and LOG_CONTACT in by_action:
        yield PrimaryStep("Contact the customer, and log who you spoke with.", by_action[LOG_CONTACT])


def _working_step(case: Case, by_action: Mapping[str, CaseForm], tasks: Sequence[TaskView]) -> PrimaryStep:
    task = next((view for view in tasks if view.is_open and view.may_change), None)
    if task is not None:
        due = f", {task.due}" if task.due else ""
        return PrimaryStep(f"{task.row.title}{due}.", task=task)
    if case.state != State.IN_PLAN and Action.PLAN in by_action:
        return PrimaryStep("Agree on a plan with the customer, and record it.", by_action[Action.PLAN])
    if Action.RESOLVE in by_action:
        return PrimaryStep("Close it with its outcome, or add a task for what is left.", by_action[Action.RESOLVE])
    return PrimaryStep("Nothing for you at the moment.")


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
