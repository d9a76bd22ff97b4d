"""The people of the policy: who is on duty, who is away until when, and the entry of absences."""

from collections.abc import Mapping
from datetime import date
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from features.errors import RescueError, UsageError
from serving.cases.absence.absence_entries import (
    absence_history,
    enter_absence,
    manageable_people,
    withdraw_absence,
)
from serving.cases.absence.away_people import kept_cases_text
from serving.cases.absence.people_overview import list_people
from serving.cases.people import load_roster
from serving.cases.permissions import Act, NotAllowedError
from serving.store.database import StoreError
from serving.store.queries.handover_queries import handover_figures
from serving.web.access import Permission
from serving.web.flash_messages import FlashMessage, failure_message, success_message
from serving.web.rendering import render_page
from serving.web.request_context import FormTexts, PageContext, ViewerContext, redirect_to

people_router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

ENTERED = "absence_entered"
"""The message after an absence was entered, as the address of the page names it."""


@people_router.get("/people")
def show_people(request: Request, context: ViewerContext) -> Response:
    """Everybody of the squads that this person sees."""
    message = success_message(request.query_params.get("done", ""))
    if message is not None and request.query_params.get("done") == ENTERED:
        message = _with_kept_cases(message, context)
    return _render(request, context, message)


def _with_kept_cases(message: FlashMessage, context: PageContext) -> FlashMessage:
    """The message with the open cases of whose absence this person entered last, and a link to them."""
    with context.store.reading() as session:
        entries = absence_history(session, load_roster(session).people)
        newest = next((row for row in entries if row.entered_by == context.person.name), None)
        if newest is None:
            return message
        text = kept_cases_text(session, newest.person, context.reader.name_of(newest.person))
    if not text:
        return message
    link = ("Show these cases", f"/queue?{urlencode({'responsible': newest.person})}")
    return FlashMessage(f"{message.text} {text}", link=link)


@people_router.post("/people/absences")
def add_absence(request: Request, texts: FormTexts, context: ViewerContext) -> Response:
    """Enter an absence: one's own, or for a lead that of a member of their squads."""
    try:
        enter_absence(
            context.store,
            context.actor(Act.ASSIGN),
            texts.get("person") or context.person.name,
            _day(texts, "first"),
            _day(texts, "last"),
            reason=texts.get("text", ""),
            now=context.now,
        )
    except StoreError:
        raise
    except RescueError as error:
        return _render(
            request, context, failure_message(error, reader=context.reader), draft=texts, status=_status(error)
        )
    return redirect_to("/people", done=ENTERED)


@people_router.post("/people/absences/{absence}/withdraw")
def remove_absence(request: Request, absence: int, context: ViewerContext) -> Response:
    """Remove an absence: the person is back."""
    try:
        withdraw_absence(context.store, context.actor(Act.ASSIGN), absence, now=context.now)
    except StoreError:
        raise
    except RescueError as error:
        return _render(request, context, failure_message(error), status=_status(error))
    return redirect_to("/people", done="absence_withdrawn")


def _status(error: RescueError) -> int:
    return 403 if isinstance(error, NotAllowedError) else 422


def _day(texts: Mapping[str, str], name: str) -> date:
    try:
        return date.fromisoformat(texts.get(name, ""))
    except ValueError:
        raise UsageError("The days of the absence are missing: choose the first and the last day.") from None


def _render(
    request: Request,
    context: PageContext,
    message: FlashMessage | None,
    *,
    draft: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    actor = context.actor(Act.ASSIGN)
    with context.store.reading() as session:
        roster = load_roster(session)
        people = list_people(session, context.now, context.squads)
        own = manageable_people(roster, actor) if roster.listed else []
        history = absence_history(session, own)
        figures = handover_figures(session, context.squads) if context.person.may(Permission.OVERVIEW) else []
    shown = {
        "people": people,
        "listed": roster.listed,
        "manageable": own,
        "history": history,
        "figures": figures,
        "notice": message,
        "draft": draft or {},
        "local": roster.local_time,
    }
    return render_page(request, "people.html.j2", shown, status=status)
