"""The overview for leads and analysts."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from serving.store import overview_queries as queries
from serving.web.access import Permission
from serving.web.rendering import page
from serving.web.request_context import Desk, desk
from serving.web.views.overview_view import overview

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

LATE = 25
"""Missed promises that are listed; all are counted."""

NIGHTS = 14


@router.get("/overview")
def show(request: Request, desk: Annotated[Desk, Depends(desk(Permission.OVERVIEW))]) -> Response:
    """How the work goes, and what needs a lead today."""
    today, squads = desk.now.date(), desk.squads
    with desk.store.reading() as session:
        came_of = queries.came_of(session)
        horizons = {risk: came.horizon for risk, came in came_of.items()}
        view = overview(
            squads=squads,
            weeks=queries.weeks(session, today, squads),
            late=queries.late(session, desk.now, squads, LATE),
            late_counts=queries.late_counts(session, desk.now, squads),
            judged=queries.judged(session, today, squads, horizons),
            came_of=came_of,
            nights=queries.recent_nights(session, NIGHTS),
            now=desk.now,
        )
    return page(request, "overview.html.j2", {"view": view})
