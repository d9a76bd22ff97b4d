"""The reader's colours: light, dark, or those of the system. Stored in a cookie, because only this browser needs it."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from serving.web.rendering import THEME_COOKIE, THEMES
from serving.web.request_context import FormTexts, redirect_to
from serving.web.sign_in.sign_in import local_path

preferences_router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

YEAR_SECONDS = 365 * 24 * 3600


@preferences_router.post("/theme")
def choose_theme(request: Request, texts: FormTexts) -> Response:
    """Store the colours, and return to the page on which they were chosen."""
    theme = texts.get("theme", "")
    response = redirect_to(local_path(texts.get("back", "/queue")))
    if theme in THEMES:
        secure = request.url.scheme == "https"
        response.set_cookie(THEME_COOKIE, theme, max_age=YEAR_SECONDS, httponly=True, samesite="lax", secure=secure)
    return response
