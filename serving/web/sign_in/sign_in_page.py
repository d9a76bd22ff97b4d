"""The sign-in page, and the form that could not be sent because the session had ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from serving.web.rendering import render_page
from serving.web.security.csrf import csrf_token
from serving.web.security.form_input import PENDING_PREFIX, Fields, form_texts, keep_texts, page_of_form


@dataclass(frozen=True)
class PendingForm:
    """A form that was sent after the session had ended: its address and its texts."""

    action: str = ""
    fields: Fields = ()


async def read_pending_form(request: Request) -> PendingForm:
    """The unsent form that the sign-in page carries along."""
    fields = form_texts(await request.form())
    keep_texts(request, fields)
    typed = tuple(
        (name.removeprefix(PENDING_PREFIX), value) for name, value in fields if name.startswith(PENDING_PREFIX)
    )
    return PendingForm(dict(fields).get("action", ""), typed)


PendingFormInput = Annotated[PendingForm, Depends(read_pending_form)]


def sign_in_page(
    request: Request,
    to: str,
    problem: str | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    name: str = "",
    form: PendingForm | None = None,
) -> Response:
    """The page; ``name`` is filled in already, ``form`` can be sent after the sign-in."""
    request.state.csrf = csrf_token(request)
    auth = request.app.state.identity.settings.auth
    shown = {
        "auth": auth,
        "to": to,
        "problem": problem,
        "name": name,
        "form": form or PendingForm(),
        "pending_prefix": PENDING_PREFIX,
    }
    response = render_page(request, "sign_in.html.j2", {**shown, "person": None}, status=status)
    response.headers.update(headers or {})
    return response


def send_again_page(request: Request, form: PendingForm) -> Response:
    """The unsent form, for the person who has signed in: nothing is done before they send it."""
    request.state.csrf = csrf_token(request)
    return render_page(request, "send_again.html.j2", {"form": form, "form_page": page_of_form(form.action)})
