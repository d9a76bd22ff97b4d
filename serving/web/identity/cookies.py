"""The two cookies: one names the session, one the visit of somebody who is not signed in yet.

Neither says anything: both are random, the database keeps a hash of the session's alone. Over HTTPS their names begin
with ``__Host-``, so no other host and no plain connection can set them.
"""

import secrets

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SESSION, VISIT = "rescue", "rescue-visit"


class Cookies:
    """ASGI middleware: reads both cookies into the request's state and sets those that changed."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self.app = app
        self.secure = secure
        self.prefix = "__Host-" if secure else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent = Request(scope).cookies
        state = scope.setdefault("state", {})
        state["session"], visit = sent.get(self.prefix + SESSION), sent.get(self.prefix + VISIT)
        state["visit"] = visit or secrets.token_urlsafe(24)
        changes = state["cookies"] = {} if visit else {VISIT: state["visit"]}

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


def remember(request: Request, session: str) -> None:
    """Set the session's cookie with this response, or take it away (``""``); the visit is a new one either way."""
    request.state.cookies |= {SESSION: session, VISIT: secrets.token_urlsafe(24)}
    request.state.session = session or None
