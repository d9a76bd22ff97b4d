"""Forged requests: what changes something must carry a token that only our own pages know.

The browser sends cookies along with a form that a foreign page submits, so a cookie proves nothing about intent. The
token is a keyed hash of the cookie itself: a foreign page can neither read the cookie nor the token, and nothing has to
be stored. It comes as the form field ``csrf`` or the header ``X-CSRF-Token``. A call of the API that carries its own
bearer token needs none, because no browser adds that by itself.

What was typed into a form that is refused is given back. It may be sent again from there only where the browser itself
says that the form was a page of ours, which no foreign page can make it say: then somebody signed in anew in another
tab, and meant it.
"""

import hashlib
import hmac

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.web.security.form_input import Fields, keep, texts
from serving.web.security.problem_details import for_program, refuse

FIELD, HEADER = "csrf", "X-CSRF-Token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LARGEST = 1 << 20
"""Bytes of a request's body that are read at most: the longest comment is far shorter."""

FORGED = "This form was not made by the page you had open, or is too old: load the page again and repeat."
OLDER = "This page is older than your present session, so nothing was done: look at it, and send it again."
FORGED_CALL = f"Send a token as Authorization: Bearer …; a page of ours sends its form's token as {HEADER}."

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class BodyTooLargeError(Exception):
    """More was sent than anybody types."""


def csrf_token(request: Request) -> str:
    """The token for forms of the page that is drawn for this request."""
    secret: str = request.state.session or request.state.visit
    return hmac.new(secret.encode(), b"csrf", hashlib.sha256).hexdigest()


class RefuseForgeries:
    """ASGI middleware: every unsafe request carries the token or ends here."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] in SAFE:
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        try:
            body = await _whole(receive)
        except BodyTooLargeError:
            answer = refuse(request, 413, f"At most {LARGEST:,} bytes can be sent at once: send less.")
            await answer(scope, receive, send)
            return
        fields = await _fields(request, body)
        if not _own_credentials(request) and not _genuine(request, fields):
            await _refused(request, fields)(scope, receive, send)
            return
        await self.app(scope, _again(body), send)


async def _whole(receive: Receive) -> bytes:
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > LARGEST:
            raise BodyTooLargeError
    return b"".join(parts)


def _again(body: bytes) -> Receive:
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return left.pop() if left else {"type": "http.disconnect"}

    return receive


def _own_credentials(request: Request) -> bool:
    return for_program(request) and request.headers.get("Authorization", "").startswith("Bearer ")


def _genuine(request: Request, fields: Fields) -> bool:
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        return False
    given = request.headers.get(HEADER) or dict(fields).get(FIELD, "")
    return hmac.compare_digest(given.encode(), csrf_token(request).encode())


def _refused(request: Request, fields: Fields) -> Response:
    if for_program(request):
        return refuse(request, 403, FORGED_CALL)
    ours = request.headers.get("Sec-Fetch-Site") == "same-origin"
    request.state.may_repeat = ours
    keep(request, fields)
    return refuse(request, 403, OLDER if ours and fields else FORGED)


async def _fields(request: Request, body: bytes) -> Fields:
    if not request.headers.get("Content-Type", "").startswith(_FORMS):
        return ()
    async with Request(request.scope, _again(body)).form() as form:
        return texts(form)
