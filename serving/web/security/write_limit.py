"""How many requests may change something at once, so that pages can always be read.

Each request occupies one of the server's threads. While another process holds the database, such as a night that is
being recorded, every change waits: without a limit, waiting changes would soon occupy all threads. The others wait here
instead, where they cost nothing.
"""

import asyncio

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.web.security.csrf import SAFE
from serving.web.security.problem_details import STORE_UNAVAILABLE, refuse_request

MOST_AT_ONCE = 20
"""Changes at once: half of the server's threads. On SQLite they are made one after another anyway."""
MOST_SECONDS = 30.0
"""The longest time that a change waits for its turn."""


class WriteLimit:
    """ASGI middleware: lets changes wait while many others are being made."""

    def __init__(self, app: ASGIApp, *, most: int = MOST_AT_ONCE, seconds: float = MOST_SECONDS) -> None:
        self.app = app
        self._seconds = seconds
        self._turns = asyncio.Semaphore(most)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] in SAFE:
            await self.app(scope, receive, send)
            return
        try:
            await asyncio.wait_for(self._turns.acquire(), self._seconds)
        except TimeoutError:
            await refuse_request(Request(scope), 503, STORE_UNAVAILABLE)(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        finally:
            self._turns.release()
