"""A day of the team: in the morning and in the afternoon, everybody works the cases that are theirs."""

from datetime import date

from pipelines.demo.case_steps import CaseSteps
from pipelines.demo.demo_team import TEAM, DemoPerson
from pipelines.demo.task_work import answer_mentions, work_tasks
from pipelines.demo.work_context import WorkContext
from serving.cases.people import load_staff
from serving.store.queries.queue_queries import QueueFilter, list_cases
from serving.store.tables import Case

STEPS_A_DAY = 7
"""So many steps a person takes at most before noon, and after it."""
FRIDAY = 4


def is_working_day(day: date) -> bool:
    """Whether the team works on that day."""
    return day.weekday() <= FRIDAY


def work_hours(context: WorkContext, day: date, number: int, hour: int) -> None:
    """Everybody who begins at this hour, or is in the afternoon at it, works; ``number`` is that of the day."""
    for person in TEAM:
        if person.starts > number or hour not in (person.hour, person.hour + 4):
            continue
        if _is_away(context, person):
            continue
        answer_mentions(context, person, day, hour)
        steps = 0
        for case in _cases_of(context, person, day):
            if steps >= STEPS_A_DAY:
                break
            random = context.chance(day, hour, person.name, case.id)
            steps += CaseSteps(context, person, case, day, random).take_step()
        work_tasks(context, person, day, hour)


def _is_away(context: WorkContext, person: DemoPerson) -> bool:
    with context.cases.store.reading() as session:
        now = context.clock()
        return load_staff(session, now).situation.absences.at(person.name, now) is not None


def _cases_of(context: WorkContext, person: DemoPerson, day: date) -> list[Case]:
    """The open cases that are the person's, or that nobody has and the person is responsible for, most urgent first."""
    found: list[Case] = []
    with context.cases.store.reading() as session:
        page = 1
        chosen = QueueFilter(frozenset(person.squads), person.name, day)
        while rows := list_cases(session, chosen, sort="priority", page=page):
            found += [row.case for row in rows]
            page += 1
    return [case for case in found if person.name in (case.owner, case.responsible)]
