"""A case as a page that a person wants to read, and its hand-off as a file."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from serving.cases.case_errors import CaseNotFoundError
from serving.cases.permissions import Act
from serving.handoff.package import Handoff
from serving.handoff.render import markdown
from serving.store.case_queries import CaseFile, case_file
from serving.web.access import Permission
from serving.web.flash_messages import Notice, done
from serving.web.rendering import page
from serving.web.request_context import Desk, desk
from serving.web.views.case_view import Kept, case_view

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

See = Annotated[Desk, Depends(desk(Permission.SEE))]


@router.get("/case/{case_id}")
def show(request: Request, case_id: str, desk: See, handoff: str = "") -> Response:
    """The case with its newest hand-off, or with the one of the night that is asked for."""
    return case_page(request, desk, case_id, notice=done(request.query_params.get("done", "")), as_of=handoff)


@router.get("/case/{case_id}/handoff.md")
def as_markdown(case_id: str, desk: See, handoff: str = "") -> Response:
    """The hand-off that is asked for as Markdown; the newest by default."""
    text = markdown(Handoff.model_validate_json(read(desk, case_id, _day(handoff)).handoff))
    headers = {"Content-Disposition": f'attachment; filename="handoff-{case_id}.md"'}
    return PlainTextResponse(text, headers=headers, media_type="text/markdown")


def read(desk: Desk, case_id: str, as_of: date | None = None) -> CaseFile:
    """The file of a case that this person may see."""
    with desk.store.reading() as session:
        found = case_file(session, case_id, visible=desk.squads, as_of=as_of)
    if found is None:
        raise CaseNotFoundError(case_id)
    return found


def case_page(
    request: Request,
    desk: Desk,
    case_id: str,
    *,
    notice: Notice | None = None,
    kept: Kept | None = None,
    status: int = 200,
    as_of: str = "",
) -> Response:
    """The page of a case; ``kept`` is what was typed into a form that could not be carried out."""
    view = case_view(read(desk, case_id, _day(as_of)), desk.actor(Act.WORK), desk.now, kept)
    return page(request, "case.html.j2", {"view": view, "notice": notice}, status=status)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
