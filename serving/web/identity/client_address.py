"""The address that a request comes from: that of the connection, or what a trusted proxy says of it.

``X-Forwarded-For`` can be written by anybody, so it counts only as far as trusted proxies have written it: from its
end, up to the first address that is not a trusted proxy's. Behind a proxy that is not named in the settings, everybody
has the proxy's address.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.requests import Request

Networks = Sequence[IPv4Network | IPv6Network]


def client_address(request: Request, trusted_proxies: Networks = ()) -> str | None:
    """The address of the client, for the record and the limit of attempts."""
    nearest = request.client.host if request.client else None
    if not is_within(nearest, trusted_proxies):
        return nearest
    hops = [part.strip() for line in request.headers.getlist("x-forwarded-for") for part in line.split(",")]
    for hop in reversed(hops):
        address = _parsed(hop)
        if address is None:
            break
        nearest = str(address)
        if not is_within(nearest, trusted_proxies):
            break
    return nearest


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """An address, also with a port or in brackets, as some proxies write it."""
    bare = text.partition("]")[0].lstrip("[") if text.startswith("[") else text
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ip_address(bare)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def is_within(address: str | None, networks: Networks) -> bool:
    """Whether an address is in one of these networks; a text that is no address is in none."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return False
    return any(found in network for network in networks)
