"""What a reader prefers: light, dark, or what the system says. Kept in a cookie, as it is nobody else's business."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from serving.web.rendering import THEME_COOKIE, THEMES
from serving.web.request_context import Typed, to
from serving.web.sign_in.sign_in import local_path

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

YEAR = 365 * 24 * 3600


@router.post("/theme")
def choose(request: Request, typed: Typed) -> Response:
    """Remember the colours, and go back to where they were chosen."""
    chosen = typed.get("theme", "")
    response = to(local_path(typed.get("back", "/queue")))
    if chosen in THEMES:
        secure = request.url.scheme == "https"
        response.set_cookie(THEME_COOKIE, chosen, max_age=YEAR, httponly=True, samesite="lax", secure=secure)
    return response
