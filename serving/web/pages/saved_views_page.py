"""Views of the queue that people keep under a name."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, Response

from serving.store import saved_views
from serving.web.access import Permission
from serving.web.request_context import Desk, Typed, desk, to
from serving.web.sign_in.sign_in import local_path

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

See = Annotated[Desk, Depends(desk(Permission.SEE))]


@router.post("/views")
def save(typed: Typed, desk: See) -> Response:
    """Keep the view that is shown, and show it again."""
    url = typed.get("url", "")
    saved_views.save(desk.store, desk.person.name, typed.get("name", ""), url)
    return to(url, done="saved")


@router.post("/views/{view}/forget")
def forget(view: int, typed: Typed, desk: See) -> Response:
    """Forget one of one's own views."""
    saved_views.forget(desk.store, desk.person.name, view)
    return to(local_path(typed.get("back", "/queue")), done="forgotten")
