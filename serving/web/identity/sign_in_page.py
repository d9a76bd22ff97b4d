"""The page to sign in on, as the settings say that people do."""

from collections.abc import Mapping

from fastapi import Request
from starlette.responses import Response

from serving.web.identity.csrf import csrf_token
from serving.web.rendering import page


def sign_in_page(
    request: Request,
    to: str,
    problem: str | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    """The page; ``typed`` is what somebody had written when their session was over, shown so that it is not lost."""
    request.state.csrf = csrf_token(request)
    auth = request.app.state.identity.settings.auth
    shown = {"auth": auth, "to": to, "problem": problem, "typed": typed or {}, "person": None}
    response = page(request, "sign_in.html.j2", shown, status=status)
    response.headers.update(headers or {})
    return response
