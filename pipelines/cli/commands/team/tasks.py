"""``rescue queue tasks``, ``add-task``, ``finish-task`` and ``skip-task``: the tasks of cases."""

import json
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from features.errors import UsageError
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.acting_person import acting_person
from pipelines.cli.commands.queue import queue
from pipelines.cli.options import ActingName, All, CaseId, Home, Json, parse_day
from pipelines.console import out

if TYPE_CHECKING:
    from rich.table import Table

    from serving.store.casework.casework_tables import TaskRow

TaskId = Annotated[int, typer.Argument(metavar="TASK", min=1, help="The number of a task from `rescue queue tasks`.")]


@queue.command("tasks", short_help="List the tasks of a case, or the open tasks of a person.")
def list_tasks(
    case: Annotated[str | None, typer.Argument(metavar="CASE", help="A case id from `rescue queue list`.")] = None,
    person: Annotated[str | None, typer.Option("--of", metavar="NAME", help="The open tasks of this person.")] = None,
    every: All = False,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """List the tasks of a case with their numbers, or the open tasks of a person over all cases."""
    from pipelines.cli.output.terminal_tables import PRINTED_ROWS, rest_line
    from serving.store.casework.casework_queries import open_tasks_of, tasks_of
    from serving.store.tables import Case

    if (case is None) == (person is None):
        raise UsageError("Give either a case or --of NAME.")
    with assembly.open_queue(configuration.load(home=home)) as store, store.reading() as session:
        if case is not None:
            if session.get(Case, case) is None:
                raise UsageError(f"There is no case {case!r}: `rescue queue list` shows the open cases.")
            rows = [(row, case) for row in tasks_of(session, case)]
        else:
            rows = [(found.task, found.account) for found in open_tasks_of(session, person or "")]
    if as_json:
        typer.echo(json.dumps([_fields(row) for row, _ in rows]))
        return
    out.print(_table(rows if every else rows[:PRINTED_ROWS]) if rows else "There are no tasks.")
    if not every and (rest := rest_line(len(rows))):
        out.print(rest)


@queue.command("add-task", short_help="Add a task to a case.")
def add_case_task(
    case: CaseId,
    title: Annotated[str, typer.Argument(help="What is to be done.")],
    due: Annotated[str | None, typer.Option(metavar="DATE", help="The day on which it is due.")] = None,
    owner: Annotated[str, typer.Option(help="Who does it. Default: whoever is responsible for the case.")] = "",
    by: ActingName = None,
    home: Home = None,
) -> None:
    """Add a task to an open case."""
    from serving.cases.cases import Cases

    day = parse_day(due, "--due")
    with assembly.open_queue(configuration.load(home=home)) as store:
        row = Cases(store).work.add_task(case, acting_person(store, by), title=title, due_on=day, owner=owner)
    out.print(f"Task {row.id} is added to case {case}.", markup=False)


@queue.command("finish-task", short_help="Mark a task as done.")
def finish_case_task(case: CaseId, task: TaskId, by: ActingName = None, home: Home = None) -> None:
    """Mark a task as done."""
    from serving.cases.cases import Cases

    with assembly.open_queue(configuration.load(home=home)) as store:
        row = Cases(store).work.finish_task(case, acting_person(store, by), task)
    out.print(f"Done: {row.title}", markup=False, soft_wrap=True)


@queue.command("skip-task", short_help="Skip a task, with the reason.")
def skip_case_task(
    case: CaseId,
    task: TaskId,
    reason: Annotated[str, typer.Option(help="Why it is skipped.")],
    by: ActingName = None,
    home: Home = None,
) -> None:
    """Skip a task, with the reason."""
    from serving.cases.cases import Cases

    with assembly.open_queue(configuration.load(home=home)) as store:
        row = Cases(store).work.skip_task(case, acting_person(store, by), task, reason=reason)
    out.print(f"Skipped: {row.title}", markup=False, soft_wrap=True)


def _fields(row: "TaskRow") -> dict[str, Any]:
    names = ("id", "case_id", "title", "state", "due_on", "owner", "role", "playbook", "reason", "version")
    values = {name: getattr(row, name) for name in names}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}


def _table(rows: "list[tuple[TaskRow, str]]") -> "Table":
    from rich.table import Table

    from serving.handoff.render import day

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("task", "title", "state", "due", "owner", "case"):
        table.add_column(title, overflow="fold")
    for row, case in rows:
        who = row.owner or row.role or "responsible"
        table.add_row(str(row.id), row.title, row.state, day(row.due_on), who, case)
    return table
