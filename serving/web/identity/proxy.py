"""Sign-in by a proxy: it names the person in a header, which is trusted only from the proxy's own addresses.

The proxy names the person with every request, so there is no session: a session for each request of a client without
cookies would fill the database.
"""

import threading
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address

from starlette.requests import Request

from serving.cases.permissions import NotAllowedError
from serving.store import Store
from serving.web.identity.claims import person_from_claims
from serving.web.identity.person import Person
from serving.web.identity.review_settings import ReviewSettings
from serving.web.identity.sessions import record_sign_in

MOST_ENTRIES = 10_000
"""Names that are remembered; the directory of a company is smaller."""


@dataclass
class ProxyEntries:
    """Records in the sign-in log that a person came in, once in ``every`` for each process."""

    store: Store
    every: timedelta
    clock: Callable[[], datetime]
    _entered: dict[str, datetime] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def record(self, name: str, address: str | None) -> None:
        """Record the entry, unless the last one is recent."""
        now = self.clock()
        with self._lock:
            last = self._entered.get(name)
            if last is not None and now - last < self.every:
                return
            if len(self._entered) >= MOST_ENTRIES:
                self._entered.clear()
            self._entered[name] = now
        with self.store.transaction() as session:
            record_sign_in(session, "signed in", "proxy", name, address, now)


def person_from_proxy(request: Request, settings: ReviewSettings, store: Store) -> Person | None:
    """The person that the proxy names; None without a name, or if the request does not come from the proxy.

    Raises:
        NotAllowedError: a header comes more than once: then one of them is not the proxy's.
    """
    if not _trusted(request, settings):
        return None
    name = _header(request, settings.proxy_user_header)
    if not name:
        return None
    groups = _split(_header(request, settings.proxy_groups_header)) or ()
    squads = _split(_header(request, settings.proxy_squads_header))
    return person_from_claims(name, groups, squads, settings=settings, store=store)


def _header(request: Request, name: str) -> str | None:
    """The header's text, which proxies send in UTF-8, and HTTP libraries read as Latin-1."""
    values = request.headers.getlist(name)
    if len(values) > 1:
        raise NotAllowedError(
            f"The header {name} came {len(values)} times: the proxy has to remove it from the requests of browsers."
        )
    if not values:
        return None
    try:
        return unicodedata.normalize("NFC", values[0].encode("latin-1").decode("utf-8"))
    except UnicodeError:
        return values[0]


def _trusted(request: Request, settings: ReviewSettings) -> bool:
    try:
        host = ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    return any(host in network for network in settings.proxy_networks)


def _split(header: str | None) -> tuple[str, ...] | None:
    return None if header is None else tuple(part.strip() for part in header.split(",") if part.strip())
