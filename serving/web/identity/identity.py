"""The identity service: it finds out who sends a request, by session, API token or trusted proxy."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from starlette.requests import Request

from serving.store import Store
from serving.store.database import utcnow
from serving.web.identity.client_address import client_address
from serving.web.identity.one_time_links import OneTimeLinks
from serving.web.identity.person import Person, SignInNeededError
from serving.web.identity.proxy import ProxyEntries, person_from_proxy
from serving.web.identity.rate_limit import AttemptLimiter
from serving.web.identity.review_settings import ReviewSettings
from serving.web.identity.sessions import Sessions
from serving.web.security.problem_details import is_api_request

BEARER = "Bearer "
SIGN_IN = "sign in and try again"
SEND_TOKEN = "create one with `rescue users token` and send it as Authorization: Bearer …"  # noqa: S105 - a message


@dataclass
class Identity:
    """The services of sign-in; ``install_access`` stores it in ``app.state.identity``."""

    store: Store
    settings: ReviewSettings
    sessions: Sessions
    attempts: AttemptLimiter
    links: OneTimeLinks
    entries: ProxyEntries

    @classmethod
    def of(cls, store: Store, settings: ReviewSettings, clock: Callable[[], datetime] = utcnow) -> Self:
        """The services with the limits of the settings."""
        life, idle = timedelta(hours=settings.session_hours), timedelta(minutes=settings.idle_minutes)
        sessions = Sessions(store, life=life, idle=idle, clock=clock)
        entries = ProxyEntries(store, life, clock)
        return cls(store, settings, sessions, AttemptLimiter(settings.attempts_per_minute), OneTimeLinks(), entries)

    def address_of(self, request: Request) -> str | None:
        """The address that a request comes from."""
        return client_address(request, self.settings.trusted_proxies)

    def one_time_link(self, person: Person) -> str:
        """The path of a link that signs ``person`` in once, from this machine, within ten minutes."""
        return self.links.create(person)

    def authenticate_request(self, request: Request) -> Person:
        """The person who sent the request: by API token if there is one, by the trusted proxy, or by session.

        Raises:
            SignInNeededError: nobody is signed in.
        """
        next_step = SEND_TOKEN if is_api_request(request) else SIGN_IN
        if is_api_request(request) and "Authorization" in request.headers:
            return _required(
                self._by_token(request.headers["Authorization"]), "This token is unknown or has expired", next_step
            )
        if self.settings.auth == "proxy":
            return _required(self._by_proxy(request), "The proxy did not send your name", next_step)
        value = request.state.session
        person = self.sessions.find(value) if value else None
        return _required(person, "Your session has ended" if value else "You are not signed in", next_step)

    def _by_proxy(self, request: Request) -> Person | None:
        """The person that the proxy names with each request; nothing is stored but the first entry in a while."""
        person = person_from_proxy(request, self.settings, self.store)
        if person is not None and not is_api_request(request):
            self.entries.record(person.name, self.address_of(request))
        return person

    def _by_token(self, authorization: str) -> Person | None:
        return (
            self.sessions.find_token(authorization.removeprefix(BEARER)) if authorization.startswith(BEARER) else None
        )


def _required(person: Person | None, why: str, next_step: str) -> Person:
    if person is None:
        raise SignInNeededError(f"{why}: {next_step}.")
    return person
