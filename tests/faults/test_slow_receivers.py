"""Receivers that never stop sending: one deadline holds for the whole message, whatever the receiver does."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from serving.delivery.channel import ChannelMessage, DeliveryError
from serving.delivery.mail_channel import MailChannel
from serving.delivery.web_requests.deadline import Deadline
from serving.delivery.web_requests.http_post import post

LIMIT, GRACE = 0.6, 20.0
"""Seconds; a busy machine may be late, and every receiver below goes on for longer than both."""
MESSAGE = ChannelMessage(
    "msg_1", "case.escalated", "2026-03-01T05:00:00Z",
    {"case": "c1", "headline": "A", "squad": "north", "severity": "high", "state": "new"},
)  # fmt: skip


@contextmanager
def server(behave: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server on loopback that treats each connection with ``behave`` until it is over."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            behave(connection)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.close()


def drip(start: bytes, byte: bytes = b"a") -> Callable[[socket.socket], None]:
    """A byte every 50 ms, for a minute: no single read takes long."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(start)
        for _ in range(1200):
            connection.sendall(byte)
            time.sleep(0.05)

    return behave


def silent(connection: socket.socket) -> None:
    connection.recv(1)
    time.sleep(60)


def takes_nothing(_connection: socket.socket) -> None:
    time.sleep(60)


def within_the_limit(send: Callable[[], None], match: str = "in time") -> None:
    started = time.monotonic()
    with pytest.raises(DeliveryError, match=match):
        send()
    assert time.monotonic() - started < LIMIT + GRACE


@pytest.mark.parametrize("behave", [drip(b"HTTP/1.1 200 OK\r\nx: "), drip(b""), silent, takes_nothing])
def test_an_http_receiver_that_never_ends_its_answer(behave: Callable[[socket.socket], None]) -> None:
    with server(behave) as port:
        url = f"http://127.0.0.1:{port}/in"
        within_the_limit(lambda: post(url, "x" * 8_000_000, {}, allowed={"127.0.0.1"}, timeout=LIMIT))


def test_a_tls_handshake_that_never_ends() -> None:
    with server(drip(b"\x16\x03\x03\x40\x00", b"\x02")) as port:
        url = f"https://127.0.0.1:{port}/in"
        within_the_limit(lambda: post(url, "x", {}, allowed={"127.0.0.1"}, timeout=LIMIT), "in time|could not")


@pytest.mark.parametrize(
    "behave", [drip(b"220"), drip(b"220 mail\r\n250-"), drip(b"220-a\r\n", b"220-a\r\n"), silent, takes_nothing]
)
def test_a_mail_server_that_never_ends_its_answer(behave: Callable[[socket.socket], None]) -> None:
    with server(behave) as port:
        channel = MailChannel("127.0.0.1", "a@example.org", ("b@example.org",), port, "none", timeout=LIMIT)
        within_the_limit(lambda: channel.send(MESSAGE))


def test_a_mail_server_whose_encryption_never_begins() -> None:
    with server(drip(b"\x16\x03\x03\x40\x00", b"\x02")) as port:
        channel = MailChannel("127.0.0.1", "a@example.org", ("b@example.org",), port, "tls", timeout=LIMIT)
        within_the_limit(lambda: channel.send(MESSAGE))


def test_a_name_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        time.sleep(60)

    monkeypatch.setattr(socket, "getaddrinfo", never)
    within_the_limit(lambda: post("https://hooks.example/in", "x", {}, allowed=(), timeout=LIMIT), "resolved|in time")
    channel = MailChannel("mail.example", "a@example.org", ("b@example.org",), 25, "none", timeout=LIMIT)
    within_the_limit(lambda: channel.send(MESSAGE))


def test_a_deadline_that_is_over_gives_no_time() -> None:
    deadline = Deadline(0.0)
    assert deadline.over
    with pytest.raises(TimeoutError):
        deadline.remaining()
