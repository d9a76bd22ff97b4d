"""What a person does beside the next step of a case: its tasks, a note in a file, and answers to mentions."""

from collections.abc import Callable
from datetime import date, timedelta
from random import Random

from features.errors import RescueError
from pipelines.demo.demo_team import DemoPerson, demo_texts
from pipelines.demo.work_context import WorkContext
from serving.cases.casework.attachment_files import UploadedFile
from serving.store.casework.casework_queries import OpenTask, UnreadMention, open_tasks_of, unread_mentions

MOST_TASKS = 6
"""Tasks that a person closes at most before noon, and after it."""


def work_tasks(context: WorkContext, person: DemoPerson, day: date, hour: int) -> None:
    """Close tasks that are due soon; a few are skipped, and a few stay open beyond their day."""
    with context.cases.store.reading() as session:
        rows = open_tasks_of(session, person.name, frozenset(person.squads))
    for row in rows[:MOST_TASKS]:
        due_on = row.task.due_on
        soon = due_on is not None and due_on <= day + timedelta(days=1)
        if row.case.responded_at is not None and soon:
            _work_task(context, person, row, day, hour)


def _work_task(context: WorkContext, person: DemoPerson, row: OpenTask, day: date, hour: int) -> None:
    random, work = context.chance("task", day, hour, row.case.id, row.task.position), context.cases.work
    if random.random() > person.diligence:
        return
    case, task = row.case.id, row.task.id
    if random.random() < 0.15:
        reason = random.choice(demo_texts()["skip_task"])
        _act(context, person, "task_skipped", lambda: work.skip_task(case, person.actor, task, reason=reason))
        return
    _act(context, person, "task_done", lambda: work.finish_task(case, person.actor, task))
    if random.random() < 0.12:
        note = UploadedFile(f"call-{day.isoformat()}.txt", demo_texts()["note"].format(day=day).encode())
        _act(context, person, "attach", lambda: work.attach(case, person.actor, note))
    if random.random() < 0.10:
        title = random.choice(demo_texts()["add_task"])
        due = day + timedelta(days=random.randint(3, 8))
        _act(context, person, "add_task", lambda: work.add_task(case, person.actor, title=title, due_on=due))


def answer_mentions(context: WorkContext, person: DemoPerson, day: date, hour: int) -> None:
    """Read the comments that mention the person, and answer most of them; some wait for another day."""
    with context.cases.store.reading() as session:
        rows = unread_mentions(session, person.name)
    for row in rows:
        _answer(context, person, row, context.chance("mention", day, hour, person.name, row.case.id, row.mention.at))


def _answer(context: WorkContext, person: DemoPerson, row: UnreadMention, random: Random) -> None:
    case, cases = row.case.id, context.cases
    if random.random() > person.diligence:
        return
    _act(context, person, "read", lambda: cases.work.read_mentions(case, person.name))
    if random.random() < 0.7:
        text = random.choice(demo_texts()["answer"])
        _act(context, person, "answer", lambda: cases.comment(case, person.actor, text=text))


def _act(context: WorkContext, person: DemoPerson, kind: str, step: Callable[[], object]) -> None:
    context.clock.pass_minutes(3)
    try:
        step()
    except RescueError as error:
        context.refused.append(f"{context.clock():%Y-%m-%d} {person.name}: {error}")
    else:
        context.counts[kind] += 1
