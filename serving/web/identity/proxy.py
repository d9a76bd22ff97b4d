"""A proxy that has signed people in already names them in a header, which is believed from its own addresses only."""

from ipaddress import ip_address

from starlette.requests import Request

from serving.store import Store
from serving.web.identity.claims import person_of
from serving.web.identity.person import Person
from serving.web.identity.review_settings import ReviewSettings


def vouched(request: Request, settings: ReviewSettings, store: Store) -> Person | None:
    """Whom the proxy names; None where it names nobody, or it is not the proxy that asks."""
    name = request.headers.get(settings.proxy_user_header, "")
    if not name or not _trusted(request, settings):
        return None
    groups = _listed(request.headers.get(settings.proxy_groups_header)) or ()
    squads = _listed(request.headers.get(settings.proxy_squads_header))
    return person_of(name, groups, squads, settings=settings, store=store)


def _trusted(request: Request, settings: ReviewSettings) -> bool:
    try:
        host = ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    return any(host in network for network in settings.proxy_networks)


def _listed(header: str | None) -> tuple[str, ...] | None:
    return None if header is None else tuple(part.strip() for part in header.split(",") if part.strip())
