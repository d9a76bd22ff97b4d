"""Sign-in by a proxy: it names the person in a header, which is trusted only from the proxy's own addresses."""

from ipaddress import ip_address

from starlette.requests import Request

from serving.store import Store
from serving.web.identity.claims import person_from_claims
from serving.web.identity.person import Person
from serving.web.identity.review_settings import ReviewSettings


def person_from_proxy(request: Request, settings: ReviewSettings, store: Store) -> Person | None:
    """The person that the proxy names; None without a name, or if the request does not come from the proxy."""
    name = request.headers.get(settings.proxy_user_header, "")
    if not name or not _trusted(request, settings):
        return None
    groups = _split(request.headers.get(settings.proxy_groups_header)) or ()
    squads = _split(request.headers.get(settings.proxy_squads_header))
    return person_from_claims(name, groups, squads, settings=settings, store=store)


def _trusted(request: Request, settings: ReviewSettings) -> bool:
    try:
        host = ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    return any(host in network for network in settings.proxy_networks)


def _split(header: str | None) -> tuple[str, ...] | None:
    return None if header is None else tuple(part.strip() for part in header.split(",") if part.strip())
