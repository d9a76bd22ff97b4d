"""Protection against forged requests (CSRF): a request that changes something must carry a token from our own pages.

The browser sends cookies along with a form that another site submits, so a cookie does not show that the person meant
it. The token is a keyed hash of the session cookie: another site can read neither, and nothing has to be stored. It
comes as the form field ``csrf`` or the header ``X-CSRF-Token``. An API call with its own bearer token needs none,
because browsers do not add that header by themselves.

A refused form is shown again with its texts. It can be resent from there only if the browser reports that the form was
on one of our pages, which other sites cannot fake: then the person has signed in again in another tab.
"""

import hashlib
import hmac

from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.web.security.form_input import Fields, form_texts, keep_texts
from serving.web.security.problem_details import is_api_request, refuse_request

FIELD, HEADER = "csrf", "X-CSRF-Token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_BODY_BYTES = 1 << 20
"""Size of the largest request body that is read: the longest comment is far shorter."""

UPLOADS = ("/attach", "/attachments")
"""The ends of addresses that receive files, which may be as large as the limit of attachments."""

FORM_AROUND_FILE = 10_000
"""Bytes of a form beside its file."""

SIGNED_CALLS = ("/api/v1/signals", "/slack/interactions")
"""Addresses whose requests carry a signature of their own and use no cookie."""

FORGED = "This form did not come from a current page of Rescue: load the page again and repeat."
OUTDATED = "You have signed in again since you opened this page, so nothing was done: check the form and send it again."
FORGED_CALL = f"Send an API token as Authorization: Bearer …; pages of Rescue send their form token as {HEADER}."

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class BodyTooLargeError(Exception):
    """The request body is larger than is allowed at its address."""


def csrf_token(request: Request) -> str:
    """The token for the forms of the page that answers this request."""
    secret: str = request.state.session or request.state.visit
    return hmac.new(secret.encode(), b"csrf", hashlib.sha256).hexdigest()


class CsrfProtection:
    """ASGI middleware: refuse every unsafe request that does not carry the token."""

    def __init__(self, app: ASGIApp, *, largest_file: int = 0) -> None:
        self.app = app
        self.largest_file = largest_file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] in SAFE:
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        limit = self._limit(request)
        try:
            body = await _read_body(receive, limit)
        except BodyTooLargeError:
            answer = refuse_request(request, 413, f"A request can have at most {limit:,} bytes: send less.")
            await answer(scope, receive, send)
            return
        if _has_other_charset(request):
            await refuse_request(request, 415, "Send texts in UTF-8.")(scope, receive, send)
            return
        if _is_signed_call(request):
            await self.app(scope, _replay(body), send)
            return
        fields = await _fields(request, body)
        if not _has_bearer_token(request) and not _has_csrf_token(request, fields):
            await _refuse(request, fields)(scope, receive, send)
            return
        await self.app(scope, _replay(body), send)

    def _limit(self, request: Request) -> int:
        """The size of the largest body: files are read only from somebody who has a session or a token."""
        known = bool(request.state.session) or _has_bearer_token(request)
        if known and request.url.path.endswith(UPLOADS):
            return max(MAX_BODY_BYTES, self.largest_file + FORM_AROUND_FILE)
        return MAX_BODY_BYTES


async def _read_body(receive: Receive, limit: int) -> bytes:
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > limit:
            raise BodyTooLargeError
    return b"".join(parts)


def _replay(body: bytes) -> Receive:
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return left.pop() if left else {"type": "http.disconnect"}

    return receive


def _has_other_charset(request: Request) -> bool:
    """Whether a form names an encoding that browsers do not use: Python has some that fail, or make half characters."""
    kind, options = parse_options_header(request.headers.get("Content-Type"))
    return kind.decode("latin-1") in _FORMS and options.get(b"charset", b"utf-8").lower() not in (b"utf-8", b"utf8")


def _is_signed_call(request: Request) -> bool:
    path = request.url.path
    return any(path == signed or path.startswith(f"{signed}/") for signed in SIGNED_CALLS)


def _has_bearer_token(request: Request) -> bool:
    return is_api_request(request) and request.headers.get("Authorization", "").startswith("Bearer ")


def _has_csrf_token(request: Request, fields: Fields) -> bool:
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        return False
    given = request.headers.get(HEADER) or dict(fields).get(FIELD, "")
    return hmac.compare_digest(given.encode(), csrf_token(request).encode())


def _refuse(request: Request, fields: Fields) -> Response:
    if is_api_request(request):
        return refuse_request(request, 403, FORGED_CALL)
    own_page = request.headers.get("Sec-Fetch-Site") == "same-origin"
    request.state.can_resend = own_page
    keep_texts(request, fields)
    return refuse_request(request, 403, OUTDATED if own_page and fields else FORGED)


async def _fields(request: Request, body: bytes) -> Fields:
    if not request.headers.get("Content-Type", "").startswith(_FORMS):
        return ()
    try:
        async with Request(request.scope, _replay(body)).form() as form:
            return form_texts(form)
    except (HTTPException, MultiPartException):  # no form that a browser sends: it has no token either
        return ()
