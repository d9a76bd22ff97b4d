"""Error responses: RFC 9457 problem details for programs, a page for people; both say what to do next.

``create_app`` sets ``app.state.error_page`` to render them as pages; without it, a plain text is sent.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

API = "/api/"

STORE_UNAVAILABLE = (
    "The queue's database does not answer, and nothing was saved: try again in a minute. "
    "If it still fails, ask an admin."
)
"""The message without details; the database's address and its error are in the log."""


class ProblemResponse(JSONResponse):
    """An error response for a program."""

    media_type = "application/problem+json"


def problem_response(
    status: int, detail: str, headers: Mapping[str, str] | None = None, *, code: str = "refused", **more: Any
) -> ProblemResponse:
    """Problem details; ``detail`` is one sentence with what to do next, ``code`` a name for programs."""
    title = HTTPStatus(status).phrase
    return ProblemResponse(
        {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code, **more},
        status,
        headers,
    )


def refuse_request(request: Request, status: int, detail: str) -> Response:
    """An error response in the form that the caller reads: problem details, or a page."""
    if is_api_request(request):
        return problem_response(status, detail)
    render = getattr(request.app.state, "error_page", None)
    return render(request, status, detail) if render else PlainTextResponse(detail, status)


def is_api_request(request: Request) -> bool:
    """Whether the request comes from a program: everything under ``/api/``."""
    return request.url.path.startswith(API)
