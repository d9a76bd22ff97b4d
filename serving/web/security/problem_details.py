"""How a request is refused: RFC 9457 problem details for programs, a page for people; both say what to do next.

The pages' ``create_app`` sets ``app.state.error_page`` to draw them in the app's own looks; until then, and when
drawing fails, a plain text does.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

API = "/api/"

AWAY = "The queue's database does not answer, and nothing was written: try again in a minute, then tell an admin."
"""What callers are told; where the database is, and what it said, is in the log."""


class Problem(JSONResponse):
    """A refusal for a program."""

    media_type = "application/problem+json"


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, *, code: str = "refused", **more: Any
) -> Problem:
    """The problem of that status; ``detail`` is one sentence with what to do next, ``code`` a name for programs."""
    title = HTTPStatus(status).phrase
    return Problem(
        {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code, **more},
        status,
        headers,
    )


def refuse(request: Request, status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """The refusal in the form that the caller reads."""
    if for_program(request):
        return problem(status, detail, headers)
    draw = getattr(request.app.state, "error_page", None)
    response: Response = draw(request, status, detail) if draw else PlainTextResponse(detail, status)
    response.headers.update(headers or {})
    return response


def for_program(request: Request) -> bool:
    """Whether a program asks: everything under ``/api/``."""
    return request.url.path.startswith(API)
