"""The two cookies: one for the session, one for the visit of a person who is not signed in yet.

Both are random values; the database stores only a hash of the session's. Over HTTPS their names begin with
``__Host-``, so that no other host and no plain connection can set them.
"""

import secrets

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SESSION_COOKIE, VISIT_COOKIE = "rescue", "rescue-visit"


class Cookies:
    """ASGI middleware: reads both cookies into the request's state and sets those that changed."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self.app = app
        self.secure = secure
        self.prefix = "__Host-" if secure else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent = Request(scope).cookies
        state = scope.setdefault("state", {})
        state["session"], visit = sent.get(self.prefix + SESSION_COOKIE), sent.get(self.prefix + VISIT_COOKIE)
        state["visit"] = visit or secrets.token_urlsafe(24)
        changes = state["cookies"] = {} if visit else {VISIT_COOKIE: state["visit"]}

        async def with_cookies(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in changes.items():
                    headers.append("Set-Cookie", self._line(name, value))
            await send(message)

        await self.app(scope, receive, with_cookies)

    def _line(self, name: str, value: str) -> str:
        ending = "" if value else "; Max-Age=0"
        secure = "; Secure" if self.secure else ""
        return f"{self.prefix}{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{ending}"


def set_session_cookie(request: Request, session: str) -> None:
    """Set the session cookie with this response, or delete it (``""``); the visit gets a new value in both cases."""
    request.state.cookies |= {SESSION_COOKIE: session, VISIT_COOKIE: secrets.token_urlsafe(24)}
    request.state.session = session or None
