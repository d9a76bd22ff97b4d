"""The page to sign in on, as the settings say that people do, and what comes of a form that had to wait for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from serving.web.rendering import page
from serving.web.security.csrf import csrf_token
from serving.web.security.form_input import CARRIED, Fields, keep, page_of, texts


@dataclass(frozen=True)
class Waiting:
    """A form that was sent when nobody was signed in any more: where it goes, and what was typed into it."""

    action: str = ""
    fields: Fields = ()


async def waiting(request: Request) -> Waiting:
    """The form that came along through the sign-in page."""
    fields = texts(await request.form())
    keep(request, fields)
    typed = tuple((name.removeprefix(CARRIED), value) for name, value in fields if name.startswith(CARRIED))
    return Waiting(dict(fields).get("action", ""), typed)


CarriedAlong = Annotated[Waiting, Depends(waiting)]


def sign_in_page(
    request: Request,
    to: str,
    problem: str | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    name: str = "",
    form: Waiting | None = None,
) -> Response:
    """The page; ``name`` is who tried, and ``form`` waits until somebody is signed in."""
    request.state.csrf = csrf_token(request)
    auth = request.app.state.identity.settings.auth
    shown = {"auth": auth, "to": to, "problem": problem, "name": name, "form": form or Waiting(), "carried": CARRIED}
    response = page(request, "sign_in.html.j2", {**shown, "person": None}, status=status)
    response.headers.update(headers or {})
    return response


def send_again_page(request: Request, form: Waiting) -> Response:
    """The form that waited, for whoever is signed in now: nothing is done before they send it."""
    request.state.csrf = csrf_token(request)
    return page(request, "send_again.html.j2", {"form": form, "came_from": page_of(form.action)})
