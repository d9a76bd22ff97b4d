"""The queue, taking the next case from it, its waiting list, and assigning several cases at once."""

from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from features.errors import RescueError
from serving.cases.absence.away_people import away_texts
from serving.cases.permissions import Act
from serving.night_report.counting_day import counting_day
from serving.store import Session
from serving.store.database import StoreError
from serving.store.queries import queue_queries
from serving.store.queries.case_queries import account_names, active_squads, members
from serving.store.queries.incident_queries import list_incidents
from serving.store.queries.queue_queries import CLOSED_CASES, RENEWALS, FilterChoices
from serving.store.saved_views import saved_views
from serving.web.access import Permission
from serving.web.display_text import code_title
from serving.web.flash_messages import FlashMessage, error_text, success_message
from serving.web.rendering import render_page
from serving.web.request_context import (
    AssignerContext,
    FormTexts,
    PageContext,
    SelectedCases,
    ViewerContext,
    WorkerContext,
    redirect_to,
)
from serving.web.sign_in.sign_in import local_path
from serving.web.views.night_age import night_age
from serving.web.views.queue_view import ASCENDING, QueueView, lane_tabs, paginate, queue_row, sort_orders, state_tabs

queue_router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

BANNERS = 5
"""Open incidents that the queue names above its list."""


@queue_router.get("/")
def home() -> RedirectResponse:
    """The queue is the first page."""
    return redirect_to("/queue")


@queue_router.get("/queue")
def show_queue(request: Request, context: ViewerContext) -> Response:
    """One page of the cases of a view."""
    message = success_message(request.query_params.get("done", ""))
    return _render_queue(request, context, dict(request.query_params), message)


@queue_router.get("/waiting")
def show_waiting_list(request: Request, context: ViewerContext) -> Response:
    """The accounts that the newest night selected and for which the squads had no capacity."""
    with context.store.reading() as session:
        night = queue_queries.newest_night(session)
        chosen = QueueView().chosen(context.squads, context.person.name, night or context.now.date())
        rows = queue_queries.waiting_list(session, chosen)
        age = night_age(session, context.now.date())
    shown = {"night": night, "age": age, "today": counting_day(night, context.now.date()), "rows": rows}
    return render_page(request, "waiting.html.j2", shown)


@queue_router.post("/queue/next")
def open_next_case(texts: FormTexts, context: WorkerContext) -> Response:
    """Claim the most urgent new case of the person's squads, or of ``squad``, and show it."""
    case = context.cases.take_next(texts.get("squad") or None, context.actor(Act.WORK))
    if case is None:
        return redirect_to(local_path(texts.get("back", "/queue")), done="no_new_case")
    return redirect_to(f"/case/{case.id}", done="claim")


@queue_router.post("/queue/assign")
def assign_cases(request: Request, texts: FormTexts, selected: SelectedCases, context: AssignerContext) -> Response:
    """Assign the selected cases to one person; each is an action of its own, and failures are listed."""
    query = dict(parse_qsl(urlsplit(local_path(texts.get("back", "/queue"))).query))
    message = _assign_all(context, selected, texts.get("person", ""))
    return _render_queue(request, context, query, message, status=200 if message.tone == "good" else 422)


def _assign_all(context: PageContext, selected: list[str], person: str) -> FlashMessage:
    if not selected or not person:
        return FlashMessage("Select at least one case and a person.", "bad")
    versions = [(case_id, version) for case_id, _, version in (value.partition(":") for value in selected)]
    errors = {case_id: error for case_id, version in versions if (error := _assign(context, case_id, version, person))}
    with context.store.reading() as session:
        names = account_names(session, errors)
    assigned = len(versions) - len(errors)
    summary = f"{assigned} {'case' if assigned == 1 else 'cases'} assigned to {person}."
    failures = [f"{names.get(case_id, case_id)}: {error}" for case_id, error in errors.items()]
    return FlashMessage(" ".join([summary, *failures]), "bad" if errors else "good")


def _assign(context: PageContext, case_id: str, version: str, person: str) -> str | None:
    """Assign one case; the reason if it was not possible, otherwise None."""
    number = int(version) if version.isdecimal() else None
    try:
        context.cases.assign(case_id, context.actor(Act.ASSIGN), number, person=person)
    except StoreError:
        raise
    except RescueError as error:
        return error_text(error)
    return None


def _render_queue(
    request: Request, context: PageContext, query: dict[str, str], message: FlashMessage | None, status: int = 200
) -> Response:
    with context.store.reading() as session:
        night = queue_queries.newest_night(session)
        choices = _cached_choices(request, session, context.squads, night)
        view = QueueView.of(query, choices.risks)
        chosen = view.chosen(context.squads, context.person.name, night or context.now.date())
        counts = queue_queries.count_by_state(session, chosen)
        lanes = queue_queries.count_by_lane(session, chosen)
        age = night_age(session, context.now.date())
        total = counts.get(view.state, 0) if view.state != CLOSED_CASES else queue_queries.count_cases(session, chosen)
        listed = queue_queries.list_cases(session, chosen, sort=view.sort, page=view.page)
        options = _options(session, context, choices)
        waiting = queue_queries.count_waiting(session, chosen)
        incidents = list_incidents(session, state="open", limit=BANNERS)
        shown_people = [*options["people"], *(row[0].responsible for row in listed)]
        away = away_texts(session, shown_people, context.now)
    today = counting_day(night, context.now.date())
    shown = {
        "view": view,
        "night": night,
        "today": today,
        "age": age,
        "notice": message,
        "lanes": lane_tabs(view, lanes),
        "waiting": waiting,
        "open_incidents": incidents,
        "risks": choices.risks,
        "rows": [queue_row(row, choices.risks, context.now, today) for row in listed],
        "tabs": state_tabs(view, counts),
        "pages": paginate(view, total),
        "clear": QueueView(state=view.state).url(),
        "orders": sort_orders(choices.risks),
        "ascending": ASCENDING,
        "away": away,
    }
    return render_page(request, "queue.html.j2", shown | options, status=status)


def _cached_choices(
    request: Request, session: Session, squads: frozenset[str] | None, night: date | None
) -> FilterChoices:
    """The values that the filters offer; they change with a night, and when a squad gets a case of another squad."""
    cache: dict[frozenset[str] | None, tuple[object, FilterChoices]] = request.app.state.choices
    stamp = (night, queue_queries.last_visibility_change(session))
    if squads not in cache or cache[squads][0] != stamp:
        cache[squads] = (stamp, queue_queries.list_choices(session, squads))
    return cache[squads][1]


def _options(session: Session, context: PageContext, choices: FilterChoices) -> dict[str, Any]:
    """What the filters and forms of the page offer to this person."""
    squads = [name for name in active_squads(session) if context.squads is None or name in context.squads]
    may_assign = context.person.may(Permission.ASSIGN)
    return {
        "filters": [
            ("squad", "Squad", [(name, name) for name in squads]),
            ("risk", "Risk", [(name, code_title(name)) for name in choices.risks]),
            ("segment", "Segment", [(name, name) for name in choices.segments]),
            ("owner", "Account owner", [(name, name) for name in choices.owners]),
            ("renews", "Renews within", [(days, f"{days} days") for days in RENEWALS]),
        ],
        "saved": saved_views(session, context.person.name),
        "people": members(session, squads) if may_assign else (),
        "may_assign": may_assign,
        "may_work": context.person.may(Permission.WORK),
    }
