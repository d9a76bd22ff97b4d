"""The queue, its waiting list, and giving several cases to one person at once."""

from datetime import date
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from features.errors import RescueError
from serving.cases.permissions import Act
from serving.store import Session, queue_queries
from serving.store.case_queries import account_names, active_squads, members
from serving.store.database import StoreError
from serving.store.queue_queries import CLOSED_CASES, RENEWALS, Choices
from serving.store.saved_views import saved_views
from serving.web.access import Permission
from serving.web.flash_messages import Notice, done, why_not
from serving.web.rendering import page
from serving.web.request_context import Desk, Ticked, Typed, desk, to
from serving.web.sign_in.sign_in import local_path
from serving.web.views.queue_view import ORDERS, RISKS, View, pages, row, tabs

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

See = Annotated[Desk, Depends(desk(Permission.SEE))]
Assign = Annotated[Desk, Depends(desk(Permission.ASSIGN))]


@router.get("/")
def home() -> RedirectResponse:
    """The queue is where a day begins."""
    return to("/queue")


@router.get("/queue")
def show(request: Request, desk: See) -> Response:
    """The cases of a view, a page of them."""
    return _queue(request, desk, View.of(request.query_params), done(request.query_params.get("done", "")))


@router.get("/waiting")
def waiting(request: Request, desk: See) -> Response:
    """Who deserved a place last night and did not fit."""
    with desk.store.reading() as session:
        night = queue_queries.newest_night(session)
        chosen = View().chosen(desk.squads, desk.person.name, night or desk.now.date())
        rows = queue_queries.waiting(session, chosen)
    return page(request, "waiting.html.j2", {"night": night, "rows": rows})


@router.post("/queue/assign")
def assign(request: Request, typed: Typed, ticked: Ticked, desk: Assign) -> Response:
    """Give the chosen cases to a person; each is a move of its own, and what could not be given is told."""
    back = dict(parse_qsl(urlsplit(local_path(typed.get("back", "/queue"))).query))
    notice = _assigned(desk, ticked, typed.get("person", ""))
    return _queue(request, desk, View.of(back), notice, status=200 if notice.tone == "good" else 422)


def _assigned(desk: Desk, ticked: list[str], person: str) -> Notice:
    if not ticked or not person:
        return Notice("Tick the cases, and choose whom to give them to.", "bad")
    chosen = [(case_id, version) for case_id, _, version in (one.partition(":") for one in ticked)]
    refusals = {case_id: why for case_id, version in chosen if (why := _assign(desk, case_id, version, person))}
    with desk.store.reading() as session:
        names = account_names(session, refusals)
    given = len(chosen) - len(refusals)
    cases = f"{given} {'case' if given == 1 else 'cases'} given to {person}."
    told = [f"{names.get(case_id, case_id)}: {why}" for case_id, why in refusals.items()]
    return Notice(" ".join([cases, *told]), "bad" if refusals else "good")


def _assign(desk: Desk, case_id: str, version: str, person: str) -> str | None:
    """Give one case; why not, where it could not be given."""
    try:
        desk.cases.assign(case_id, desk.actor(Act.ASSIGN), int(version) if version.isdecimal() else None, person=person)
    except StoreError:
        raise
    except RescueError as error:
        return why_not(error)
    return None


def _queue(request: Request, desk: Desk, view: View, notice: Notice | None, status: int = 200) -> Response:
    with desk.store.reading() as session:
        night = queue_queries.newest_night(session)
        today = night or desk.now.date()
        chosen = view.chosen(desk.squads, desk.person.name, today)
        counts = queue_queries.counts_by_state(session, chosen)
        total = counts.get(view.state, 0) if view.state != CLOSED_CASES else queue_queries.count(session, chosen)
        found = queue_queries.listed(session, chosen, sort=view.sort, page=view.page)
        offered = _offered(session, desk, _choices(request, session, desk.squads, night))
        waiting = queue_queries.waiting_count(session, chosen)
    shown = {
        "view": view,
        "night": night,
        "notice": notice,
        "waiting": waiting,
        "rows": [row(one, today, desk.now) for one in found],
        "tabs": tabs(view, counts),
        "pages": pages(view, total),
        "clear": View(state=view.state).url(),
        "orders": ORDERS,
    }
    return page(request, "queue.html.j2", shown | offered, status=status)


def _choices(request: Request, session: Session, squads: frozenset[str] | None, night: date | None) -> Choices:
    """The segments and owners to choose from, read once for each group of squads until a night or a hand-over."""
    kept: dict[frozenset[str] | None, tuple[object, Choices]] = request.app.state.choices
    stamp = (night, queue_queries.last_hand_over(session))
    if squads not in kept or kept[squads][0] != stamp:
        kept[squads] = (stamp, queue_queries.choices(session, squads))
    return kept[squads][1]


def _offered(session: Session, desk: Desk, choices: Choices) -> dict[str, Any]:
    """What the filters and the forms of the page offer to this person."""
    squads = [name for name in active_squads(session) if desk.squads is None or name in desk.squads]
    may_assign = desk.person.may(Permission.ASSIGN)
    return {
        "filters": [
            ("squad", "Squad", [(name, name) for name in squads]),
            ("risk", "Risk", [(name, name.capitalize()) for name in RISKS]),
            ("segment", "Segment", [(name, name) for name in choices.segments]),
            ("owner", "Account’s owner", [(name, name) for name in choices.owners]),
            ("renews", "Renews within", [(days, f"{days} days") for days in RENEWALS]),
        ],
        "saved": saved_views(session, desk.person.name),
        "people": members(session, squads) if may_assign else (),
        "may_assign": may_assign,
        "may_work": desk.person.may(Permission.WORK),
    }
