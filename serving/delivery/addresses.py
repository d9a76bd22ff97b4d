"""No call to inner addresses: a webhook is a URL that somebody typed, and the server that calls it sits inside.

Checking the name before the call is not enough: it may resolve to something else a moment later, and a receiver may
redirect to the inside. So the check sits where connections are made. Each request, and each hop of a redirect, is
resolved once, every address it has must be public, and the connection goes to the address that was checked.
"""

import ipaddress
import socket
from collections.abc import Collection

import httpx

from features.errors import UsageError
from serving.delivery.channel import DeliveryError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class GuardedTransport(httpx.BaseTransport):
    """Connects to public addresses only, and to those hosts that are allowed by name.

    ``allowed`` are host names or addresses of receivers inside one's own network, as ``127.0.0.1`` in tests.
    """

    def __init__(self, allowed: Collection[str] = (), *, transport: httpx.BaseTransport | None = None) -> None:
        self._allowed = frozenset(allowed)
        self._inner = transport or httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request to the address that was checked; the name stays in ``Host`` and in the TLS handshake."""
        host = request.url.host
        inside = host in self._allowed
        if request.url.scheme != "https" and not (inside and request.url.scheme == "http"):
            raise DeliveryError("The receiver's URL has to begin with https://.", permanent=True)
        address = resolve(host, request.url.port or (443 if request.url.scheme == "https" else 80), inside=inside)
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=str(address))
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Give the connections back."""
        self._inner.close()


def refuse_inner(url: str, allowed: Collection[str]) -> None:
    """Refuse a URL that can be seen to lead inside when it is set, without asking a name server.

    Names are resolved, and checked, when a connection is made.

    Raises:
        UsageError: it is no https URL, or its host is an inner address; the sentence does not repeat it.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise UsageError("The url cannot be read: write https://host/path.") from None
    if parsed.host in allowed and parsed.scheme == "http":
        return
    if parsed.scheme != "https" or not parsed.host:
        raise UsageError("The url has to begin with https://.")
    if parsed.host not in allowed and _plainly_inner(parsed.host):
        raise UsageError(
            "The url is an address inside a private network: use a public one, or name the host in `allow`."
        )


def _plainly_inner(host: str) -> bool:
    """Whether a host is an inner address by itself, in whatever spelling, or this machine's own name."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return False  # a name
    return not all(is_public(ipaddress.ip_address(str(info[4][0]).partition("%")[0])) for info in found)


def resolve(host: str, port: int, *, inside: bool = False) -> Address:
    """An address of the host; refused where any of its addresses is not public, unless ``inside`` is allowed."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DeliveryError("The receiver's name cannot be resolved.") from error
    addresses = [ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in found]
    if not inside and not all(is_public(address) for address in addresses):
        raise DeliveryError(
            "The receiver's address is inside a private network: use a public one, or name the host in `allow`.",
            permanent=True,
        )
    return addresses[0]


def is_public(address: Address) -> bool:
    """Whether the address is one of the open internet, also when it is an IPv4 address in IPv6 clothes."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1] or _nat64(address)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def _nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in ipaddress.IPv6Network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return None
