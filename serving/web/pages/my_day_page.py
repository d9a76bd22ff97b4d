"""My day: everything that waits for the signed-in person."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from serving.store import Session
from serving.store.case_states import State
from serving.store.casework.casework_queries import open_tasks_of, unread_mentions
from serving.store.casework.my_day_queries import called_incidents, responsible_cases
from serving.store.queries.queue_queries import QueueFilter, list_cases
from serving.store.tables import Account, Case
from serving.web.access import Permission
from serving.web.flash_messages import success_message
from serving.web.rendering import render_page
from serving.web.request_context import PageContext, ViewerContext
from serving.web.views.night_age import night_age
from serving.web.views.work.my_day_view import DayWork, day_sections

FREE_CASES = 10
"""Cases that are read to offer some that are not the person's own."""

my_day_router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)


@my_day_router.get("/my-day")
def show_my_day(request: Request, context: ViewerContext) -> Response:
    """Incidents, hand-overs, deadlines, tasks, new cases and mentions of the person, for the day in their time zone."""
    person, squads = context.person.name, context.squads
    with context.store.reading() as session:
        work = DayWork(
            responsible_cases(session, person, squads),
            open_tasks_of(session, person, squads),
            unread_mentions(session, person),
            called_incidents(session, person, sorted(context.person.squads)),
            _free_cases(session, context),
        )
        sections = day_sections(work, context.now, context.today, context.reader)
        age = night_age(session, context.now.date(), context.reader)
    shown = {
        "sections": sections,
        "today": context.today,
        "age": age,
        "notice": success_message(request.query_params.get("done", "")),
        "may_work": context.person.may(Permission.WORK),
    }
    return render_page(request, "my_day.html.j2", shown)


def _free_cases(session: Session, context: PageContext) -> list[tuple[Case, Account]]:
    """The first cases of the person's squads that nobody has claimed, those with the nearest deadline first."""
    if not context.person.may(Permission.WORK):
        return []
    new = QueueFilter(context.squads, context.person.name, context.today, state=State.NEW)
    return [(row.case, row.account) for row in list_cases(session, new, sort="clock", page=1, size=FREE_CASES)]
