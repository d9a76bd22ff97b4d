"""Everything that says who somebody is, in one hand: sessions, tokens, the proxy's word, and the limits."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from starlette.requests import Request

from serving.store import Store
from serving.store.database import utcnow
from serving.web.identity.cookies import remember
from serving.web.identity.one_time_links import OnceLinks
from serving.web.identity.person import Person, SignInNeededError
from serving.web.identity.proxy import vouched
from serving.web.identity.rate_limit import Attempts
from serving.web.identity.review_settings import ReviewSettings
from serving.web.identity.sessions import Sessions
from serving.web.security.problem_details import for_program

BEARER = "Bearer "
SIGN_IN = "sign in and try again"
SEND_A_TOKEN = "send one that `rescue users token` made as Authorization: Bearer …"  # noqa: S105 - it says how to get one


@dataclass
class Identity:
    """What ``install`` leaves at ``app.state.identity``."""

    store: Store
    settings: ReviewSettings
    sessions: Sessions
    attempts: Attempts
    once: OnceLinks

    @classmethod
    def of(cls, store: Store, settings: ReviewSettings, clock: Callable[[], datetime] = utcnow) -> Self:
        """All of it, as the settings say."""
        life, idle = timedelta(hours=settings.session_hours), timedelta(minutes=settings.idle_minutes)
        sessions = Sessions(store, life=life, idle=idle, clock=clock)
        return cls(store, settings, sessions, Attempts(settings.attempts_per_minute), OnceLinks())

    def one_time_link(self, person: Person) -> str:
        """The path of a link that signs ``person`` in once, from this machine, within ten minutes."""
        return self.once.offer(person)

    def who(self, request: Request) -> Person:
        """The person who asks: by token where there is one, by the proxy's word where it is trusted, or by session.

        Raises:
            SignInNeededError: nobody can be made out.
        """
        next_step = SEND_A_TOKEN if for_program(request) else SIGN_IN
        if for_program(request) and "Authorization" in request.headers:
            return _there(self._by_token(request.headers["Authorization"]), "This token is unknown or over", next_step)
        if self.settings.auth == "proxy":
            return _there(self._by_proxy(request), "The proxy did not say who you are", next_step)
        value = request.state.session
        person = self.sessions.find(value) if value else None
        return _there(person, "Your session is over" if value else "You are not signed in", next_step)

    def _by_proxy(self, request: Request) -> Person | None:
        """Whom the proxy names; a browser gets a session beside it, so that coming in is on the record once."""
        person = vouched(request, self.settings, self.store)
        value = request.state.session
        known = self.sessions.find(value) if value else None
        if person is not None and not for_program(request) and (known is None or known.name != person.name):
            begun = self.sessions.begin(person, how="proxy", address=address(request), instead_of=value)
            remember(request, begun)
        return person

    def _by_token(self, authorization: str) -> Person | None:
        return self.sessions.bearer(authorization.removeprefix(BEARER)) if authorization.startswith(BEARER) else None


def _there(person: Person | None, why: str, next_step: str) -> Person:
    if person is None:
        raise SignInNeededError(f"{why}: {next_step}.")
    return person


def address(request: Request) -> str | None:
    """Where the request comes from, as the connection says; no header is believed."""
    return request.client.host if request.client else None
