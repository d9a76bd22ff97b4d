"""A small REST server for the tests of the sync: pages of records, limits on requests, tokens that expire."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, dict[str, str], Any]
Responder = Callable[[str, dict[str, str], dict[str, str]], Answer]
"""From path, query and headers to status, headers and body."""


class RestServer:
    """The requests that came, and what is answered to each."""

    def __init__(self, respond: Responder) -> None:
        self.respond, self.requests = respond, list[tuple[str, dict[str, str]]]()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                outer.requests.append((parts.path, query))
                status, headers, body = outer.respond(parts.path, query, dict(self.headers))
                content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def serving(respond: Responder) -> Iterator[RestServer]:
    """A server on this machine, until the end of the block."""
    server = RestServer(respond)
    server.start()
    try:
        yield server
    finally:
        server.stop()
