"""Real local servers that behave as receivers do: well, badly, slowly, or not at all."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller


@dataclass
class Receiver:
    """An HTTP server on loopback; ``script`` says what to answer to the n-th request, the last entry for all others.

    An entry is a status, ``(status, headers)``, ``"hang"`` (takes the request, never answers) or ``"drop"`` (hangs up).
    """

    script: list[object] = field(default_factory=lambda: [200])
    requests: list[tuple[dict[str, str], str]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/in"

    def wait_for(self, count: int) -> None:
        """Wait until that many requests have been read: a client that gave up can be ahead of the server's thread."""
        deadline = time.monotonic() + 60
        while len(self.requests) < count:
            assert time.monotonic() < deadline, f"{len(self.requests)} of {count} requests came"
            time.sleep(0.01)

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.requests]


@contextmanager
def http_receiver(*script: object) -> Iterator[Receiver]:
    """A receiver that runs for the block."""
    receiver = Receiver(list(script) or [200])
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(receiver))
    server.daemon_threads = True
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            receiver.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            answer = receiver.script[min(len(receiver.requests), len(receiver.script)) - 1]
            if answer == "hang":
                receiver.released.wait(20)
            if answer in ("hang", "drop"):
                self.close_connection = True
                return
            status, headers = answer if isinstance(answer, tuple) else (answer, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@dataclass
class Mailbox:
    """What a real SMTP server took, and what it says to each recipient."""

    messages: list[EmailMessage] = field(default_factory=list)
    refuse: Callable[[str], str] = lambda _: "250 OK"
    answer: str = "250 OK"
    port: int = 0

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - aiosmtpd's name
        said = self.refuse(address)
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - aiosmtpd's name
        if self.answer.startswith("250"):
            self.messages.append(BytesParser(policy=default).parsebytes(envelope.content))
        return self.answer


@contextmanager
def smtp_receiver() -> Iterator[Mailbox]:
    """A mail server that runs for the block."""
    mailbox = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        mailbox.port = free.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()
