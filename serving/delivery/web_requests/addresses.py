"""No call to inner addresses: a webhook is a URL that somebody typed, and the server that calls it sits inside.

Checking the name before the call is not enough: it may resolve to something else a moment later. So the check sits
where connections are made. A name is resolved once, every address it has must be public, and the connection goes to
the address that was checked. Public is what is unicast and globally routed. Everything that IANA has set aside for a
special purpose is refused, also where a newer Python counts it as global.
"""

import ipaddress
import socket
from collections.abc import Collection
from contextlib import ExitStack
from typing import Any

import httpcore
import httpx

from features.errors import UsageError
from serving.delivery.channel import DeliveryError
from serving.delivery.web_requests.deadline import Deadline

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NOT_PUBLIC_V4 = tuple(
    ipaddress.IPv4Network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
"""IANA's registry of IPv4 special-purpose addresses, multicast and the reserved rest."""

GLOBAL_UNICAST_V6 = ipaddress.IPv6Network("2000::/3")
NOT_PUBLIC_V6 = tuple(
    ipaddress.IPv6Network(block)
    for block in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
"""IANA's registry of IPv6 special-purpose addresses, as far as they lie within the global unicast addresses."""

RESOLVE_SECONDS = 10.0

IPV4_MAPPED, NAT64 = ipaddress.IPv6Network("::ffff:0:0/96"), ipaddress.IPv6Network("64:ff9b::/96")
"""IPv6 addresses that lead to the IPv4 address in their last 32 bits."""


class GuardedBackend(httpcore.SyncBackend):
    """Connects to public addresses only, and to those hosts that are allowed by name, until the deadline.

    ``allowed`` are host names or addresses of receivers inside one's own network, as ``127.0.0.1`` in tests. The
    name of the URL stays in ``Host`` and in the TLS handshake.
    """

    def __init__(self, allowed: Collection[str], deadline: Deadline) -> None:
        self._allowed = frozenset(allowed)
        self._deadline = deadline
        self._limits = ExitStack()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        """A connection to the address that was checked."""
        address = resolve(host, port, inside=host in self._allowed, deadline=self._deadline)
        stream = super().connect_tcp(
            str(address), port, self._deadline.remaining(), local_address, socket_options=socket_options
        )
        self._limits.enter_context(self._deadline.limit(stream.get_extra_info("socket")))
        return stream

    def close(self) -> None:
        """End the watch over the connections."""
        self._limits.close()


def refuse_inner(url: str, allowed: Collection[str], key: str = "url", *, permit: str = "allow") -> None:
    """Refuse a URL that can be seen to lead inside when it is set, without asking a name server.

    Names are resolved, and checked, when a connection is made. ``key`` is the setting that has it, empty for none;
    ``permit`` is the setting that names hosts inside one's own network.

    Raises:
        UsageError: it is no https URL, or its host is an inner address; the sentence does not repeat it.
    """
    said = f"{key}: the address" if key else "The address"
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise UsageError(f"{said} cannot be read: write https://host/path.") from None
    if parsed.host in allowed and parsed.scheme == "http":
        return
    if parsed.scheme != "https" or not parsed.host:
        raise UsageError(
            f"{said} has to begin with https://; http:// is only for a host inside your network that `{permit}` names, "
            f'such as {permit} = ["127.0.0.1"].'
        )
    if parsed.host not in allowed and _plainly_inner(parsed.host):
        raise UsageError(f"{said} is inside a private network: use a public one, or name the host in `{permit}`.")


def _plainly_inner(host: str) -> bool:
    """Whether a host is an inner address by itself, in whatever spelling, or this machine's own name."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return False  # a name
    return not all(is_public(ipaddress.ip_address(str(info[4][0]).partition("%")[0])) for info in found)


def resolve(host: str, port: int, *, inside: bool = False, deadline: Deadline | None = None) -> Address:
    """An address of the host; refused where any of its addresses is not public, unless ``inside`` is allowed."""
    try:
        found = (deadline or Deadline(RESOLVE_SECONDS)).resolve(host, port)
    except (OSError, UnicodeError) as error:
        raise DeliveryError(f"The receiver could not be reached: the name {host} cannot be resolved.") from error
    addresses = [ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in found]
    if not inside and not all(is_public(address) for address in addresses):
        raise DeliveryError(
            "The receiver's address is inside a private network: use a public one, or name the host in `allow`.",
            permanent=True,
        )
    return addresses[0]


def is_public(address: Address) -> bool:
    """Whether the address is unicast and globally routed, also when it is an IPv4 address within an IPv6 address."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in block for block in NOT_PUBLIC_V4)
    if address in IPV4_MAPPED or address in NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in GLOBAL_UNICAST_V6 and not any(address in block for block in NOT_PUBLIC_V6)
