"""A case as a page to read, and its hand-off as a file."""

from datetime import date, timedelta

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from serving.cases.absence.away_people import away_texts
from serving.cases.case_errors import CaseNotFoundError
from serving.cases.escalation.case_path import describe_case_path
from serving.cases.handover.hand_over_choices import case_hand_overs
from serving.cases.permissions import Act
from serving.handoff.package import Handoff
from serving.handoff.render import markdown
from serving.store.queries.case_queries import CaseFile, case_file
from serving.store.queries.incident_queries import incidents_of_account
from serving.web.flash_messages import FlashMessage, success_message
from serving.web.rendering import render_page
from serving.web.request_context import PageContext, ViewerContext
from serving.web.views.case_view import DraftText, case_view

case_router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

RECENT_INCIDENTS = timedelta(days=7)
"""So long after its end the page of a case names an incident that affected the account."""


@case_router.get("/case/{case_id}")
def show_case(request: Request, case_id: str, context: ViewerContext, handoff: str = "") -> Response:
    """The case with the hand-off of the requested night; by default, the newest."""
    message = success_message(request.query_params.get("done", ""))
    return render_case(request, context, case_id, message=message, as_of=handoff)


@case_router.get("/case/{case_id}/handoff.md")
def download_handoff(case_id: str, context: ViewerContext, handoff: str = "") -> Response:
    """The hand-off of the requested night as Markdown; by default, the newest."""
    text = markdown(Handoff.model_validate_json(read_case(context, case_id, _day(handoff)).handoff))
    headers = {"Content-Disposition": f'attachment; filename="handoff-{case_id}.md"'}
    return PlainTextResponse(text, headers=headers, media_type="text/markdown")


def read_case(context: PageContext, case_id: str, as_of: date | None = None) -> CaseFile:
    """The case with everything around it.

    Raises:
        CaseNotFoundError: there is no such case, or this person may not see it.
    """
    with context.store.reading() as session:
        file = case_file(session, case_id, visible=context.squads, as_of=as_of, reader=context.person.name)
    if file is None:
        raise CaseNotFoundError(case_id)
    return file


def render_case(
    request: Request,
    context: PageContext,
    case_id: str,
    *,
    message: FlashMessage | None = None,
    draft: DraftText | None = None,
    status: int = 200,
    as_of: str = "",
) -> Response:
    """The page of a case; ``draft`` is what was typed into a form whose action failed."""
    file = read_case(context, case_id, _day(as_of))
    with context.store.reading() as session:
        hand_overs = case_hand_overs(session, file.case, Handoff.model_validate_json(file.handoff), context.now)
        incidents = incidents_of_account(session, file.account.account_id, context.now - RECENT_INCIDENTS)
        path = describe_case_path(session, file.case, context.now, context.person.name)
        away = away_texts(session, [file.case.responsible], context.now) if file.case.closed_at is None else {}
    view = case_view(file, context.actor(Act.WORK), context.now, draft, hand_overs)
    shown = {"view": view, "notice": message, "open_incidents": incidents, "case_path": path, "away": away}
    return render_page(request, "case.html.j2", shown, status=status)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
