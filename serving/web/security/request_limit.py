"""How many requests are worked on at once, so that pages can always be read and none takes longer than its own work.

Each request occupies one of the server's threads, and Python runs one thread at a time: with forty pages at once, each
takes forty times as long, and every thread has a connection of its own. And while another process holds the database,
such as a night that is being recorded, every change waits: without a limit, waiting changes would soon occupy all
threads. So requests wait here for their turn, in their order, where waiting costs nothing.
"""

import asyncio
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.web.security.csrf import SAFE
from serving.web.security.problem_details import STORE_UNAVAILABLE, refuse_request

UNLIMITED = ("/static/", "/healthz", "/readyz", "/metrics")
"""Addresses that need no turn: files, and what machines ask to know whether the app answers."""


@dataclass(frozen=True)
class Limits:
    """Pages and changes that are worked on at once, and the seconds that a request waits for its turn.

    Together they are fewer than the server's forty threads. On SQLite, changes are made one after another anyway.
    """

    pages: int = 8
    changes: int = 20
    seconds: float = 30.0


class RequestLimit:
    """ASGI middleware: lets a request wait while many others are worked on."""

    def __init__(self, app: ASGIApp, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        self.app = app
        self._seconds = limits.seconds
        self._pages, self._changes = asyncio.Semaphore(limits.pages), asyncio.Semaphore(limits.changes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"].startswith(UNLIMITED):
            await self.app(scope, receive, send)
            return
        turns = self._pages if scope["method"] in SAFE else self._changes
        try:
            await asyncio.wait_for(turns.acquire(), self._seconds)
        except TimeoutError:
            await refuse_request(Request(scope), 503, STORE_UNAVAILABLE)(scope, receive, send)
            return
        turn = _Turn(turns)

        async def ending(message: Message) -> None:
            turn.end()  # the work is done: how long the client takes to read the answer is nobody else's matter
            await send(message)

        try:
            await self.app(scope, receive, ending)
        finally:
            turn.end()


class _Turn:
    """One turn, which ends once."""

    def __init__(self, turns: asyncio.Semaphore) -> None:
        self._turns: asyncio.Semaphore | None = turns

    def end(self) -> None:
        """Let the next request begin."""
        if self._turns is not None:
            self._turns.release()
            self._turns = None
