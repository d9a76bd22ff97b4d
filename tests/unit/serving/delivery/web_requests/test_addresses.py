"""Only unicast addresses that are globally routed, by IANA's registries; connections go to what was checked."""

import ipaddress
import socket
from contextlib import closing

import httpcore
import pytest
from support.nights.local_receivers import http_receiver

from features.errors import UsageError
from serving.delivery.channel import DeliveryError
from serving.delivery.web_requests.addresses import GuardedBackend, is_public, refuse_inner, resolve
from serving.delivery.web_requests.deadline import Deadline
from serving.delivery.web_requests.http_post import post

SPECIAL_V4 = """
0.0.0.0/8 0.0.0.0/32 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
192.0.0.0/29 192.0.0.8/32 192.0.0.9/32 192.0.0.10/32 192.0.0.170/32 192.0.0.171/32 192.0.0.192/32 192.0.2.0/24
192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.88.99.2/32 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15
198.51.100.0/24 203.0.113.0/24 240.0.0.0/4 255.255.255.255/32 224.0.0.0/4 239.255.0.0/16
""".split()  # noqa: SIM905 - a table
"""IANA IPv4 Special-Purpose Address Registry (all rows), and multicast."""

SPECIAL_V6 = """
::1/128 ::/128 ::/96 ::ffff:0:0:0/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32 2001:1::1/128
2001:1::2/128 2001:1::3/128 2001:2::/48 2001:3::/32 2001:4:112::/48 2001:10::/28 2001:20::/28 2001:30::/28
2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8
ff02::1/128 4000::/3 8000::/1 200::/7 400::/6
""".split()  # noqa: SIM905 - a table
"""IANA IPv6 Special-Purpose Address Registry (but the two that carry an IPv4 address), what is not global unicast, and
multicast."""

PUBLIC = """
1.1.1.1 8.8.8.8 93.184.216.34 100.63.255.255 100.128.0.0 172.15.0.1 172.32.0.1 192.0.1.1 198.17.0.1 198.20.0.1
223.255.255.1 2606:2800:220:1::1 2a00:1450:4001::200e 2001:4860:4860::8888 2400:cb00::1 ::ffff:8.8.8.8
64:ff9b::808:808
""".split()  # noqa: SIM905 - a table


@pytest.mark.parametrize("block", SPECIAL_V4 + SPECIAL_V6)
def test_no_address_of_a_special_block_is_public(block: str) -> None:
    network = ipaddress.ip_network(block)
    last = int(network.broadcast_address)
    first = int(network.network_address)
    kind = type(network.network_address)
    for place in {first, first + (last - first) // 3, first + (last - first) // 2, last}:
        assert not is_public(kind(place)), kind(place)


@pytest.mark.parametrize("block", SPECIAL_V4)
@pytest.mark.parametrize("prefix", ["::ffff:0:0", "64:ff9b::", "::", "::ffff:0:0:0", "64:ff9b:1::", "fec0::", "2002::"])
def test_an_inner_ipv4_address_within_ipv6_is_not_public(block: str, prefix: str) -> None:
    inner = int(ipaddress.ip_network(block).broadcast_address)
    for wrapped in (int(ipaddress.IPv6Address(prefix)) | inner, int(ipaddress.IPv6Address(prefix)) | inner << 80):
        assert not is_public(ipaddress.IPv6Address(wrapped))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host", ["[::127.0.0.1]", "[fec0::1]", "[64:ff9b:1::7f00:1]", "[::ffff:0:127.0.0.1]", "[5f00::1]"]
)
def test_such_a_url_is_refused_when_it_is_set(host: str) -> None:
    with pytest.raises(UsageError, match="private network"):
        refuse_inner(f"https://{host}/in", ())


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that resolves to an inner address once it has been checked."""
    answers = iter(["93.184.216.34", "127.0.0.1"])
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda _host, port, **_: [(socket.AF_INET, 1, 6, "", (next(answers), port))]
    )
    met: list[tuple[str, int]] = []

    class Stream:
        def get_extra_info(self, _name: str) -> socket.socket:
            return pair[0]

    def connect(_self: object, host: str, port: int, *_: object, **__: object) -> Stream:
        met.append((host, port))
        return Stream()

    pair = socket.socketpair()
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    with pair[0], pair[1], closing(GuardedBackend((), Deadline(5))) as backend:
        backend.connect_tcp("hooks.example", 443)
    assert met == [("93.184.216.34", 443)]


def test_one_inner_address_among_several_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, 1, 6, "", (address, 443)) for address in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(DeliveryError, match="private network"):
        resolve("hooks.example", 443)


def test_the_host_and_the_length_are_sent() -> None:
    with http_receiver() as receiver:
        post(receiver.url, "grüß", {"x-own": "1"}, allowed={"127.0.0.1"})
    headers, body = receiver.requests[0]
    assert (headers["host"], headers["x-own"], body) == (f"127.0.0.1:{receiver.port}", "1", "grüß")


def test_a_redirect_to_another_host_does_not_get_the_message() -> None:
    with http_receiver() as other:
        location = f"http://localhost:{other.port}/in"
        with (
            http_receiver((307, {"location": location})) as receiver,
            pytest.raises(DeliveryError, match="another host") as caught,
        ):
            post(receiver.url, "text", {}, allowed={"127.0.0.1", "localhost"})
        assert caught.value.permanent
        assert other.requests == []
