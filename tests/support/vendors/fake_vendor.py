"""The server under every fake: it keeps state, counts requests, and fails as a test asks it to.

A fault is said for the next request that a condition fits: answered with a status, or done and then dropped without an
answer (what a lost connection after a commit looks like from outside).
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class VendorRequest:
    """A request as a fake gets it; ``body`` is the JSON, or the form as a mapping."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any = None


@dataclass
class Fault:
    """``status`` answers in place of the system; None does what was asked and drops the connection."""

    when: Callable[[VendorRequest], bool]
    status: int | None
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    times: int = 1


@dataclass
class VendorAnswer:
    """An answer; ``body`` is JSON, None for no content."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RecordView:
    """A record as a test looks at it; ``owner`` is a mail address."""

    id: str
    subject: str
    text: str
    closed: bool
    owner: str | None
    notes: tuple[str, ...]


ZOE, CID, ANN = "zoe@desk.example", "cid@desk.example", "ann@desk.example"
"""People of every fake: Zoe Park is not known to Rescue, Cid and Ann are."""
PEOPLE = {ZOE: "Zoe Park", CID: "Cid Ray", ANN: "Ann Lee"}


class FakeVendor:
    """The base of the fakes: each answers in ``answer``. ``seconds`` counts, so that every change has its own time.

    ``they_…`` is what a person does in the system.
    """

    title = ""

    def __init__(self) -> None:
        self.requests: list[VendorRequest] = []
        self.faults: list[Fault] = []
        self.token = "secret-token"
        self.seconds = 0
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, request: VendorRequest) -> VendorAnswer:
        """What the system does with a request."""
        raise NotImplementedError

    @property
    def moment(self) -> datetime:
        """The time of the system."""
        return datetime.fromisoformat("2026-03-01T05:00:00") + timedelta(seconds=self.seconds)

    def settings(self) -> dict[str, Any]:
        """The settings of a channel to it."""
        raise NotImplementedError

    def views(self) -> list[RecordView]:
        """All records."""
        raise NotImplementedError

    def account(self) -> dict[str, Any]:
        """What was written into the fields of the account of the first case."""
        raise NotImplementedError

    def they_comment(self, record: str, text: str, by: str = ZOE) -> None:
        """Somebody comments on a record."""
        raise NotImplementedError

    def they_assign(self, record: str, owner: str | None, by: str = ZOE) -> None:
        """Somebody gives a record to somebody."""
        raise NotImplementedError

    def they_close(self, record: str, by: str = ZOE, outcome: str = "") -> None:
        """Somebody closes a record."""
        raise NotImplementedError

    def they_reopen(self, record: str, by: str = ZOE) -> None:
        """Somebody opens a record again."""
        raise NotImplementedError

    def they_delete(self, record: str) -> None:
        """Somebody deletes a record."""
        raise NotImplementedError

    def authorized(self, request: VendorRequest) -> bool:
        """Whether the request carries the credentials."""
        return self.token in request.headers.get("authorization", "")

    def fail(
        self,
        status: int | None,
        when: Callable[[VendorRequest], bool] = lambda request: True,
        *,
        times: int = 1,
        **how: Any,
    ) -> None:
        """Fail the next requests that fit."""
        self.faults.append(Fault(when, status, times=times, **how))

    def handle(self, request: VendorRequest) -> VendorAnswer | None:
        """The answer to one request; None drops the connection."""
        with self._lock:
            self.requests.append(request)
            self.seconds += 1
            fault = next((fault for fault in self.faults if fault.times > 0 and fault.when(request)), None)
            if fault is not None:
                fault.times -= 1
                if fault.status is not None:
                    return VendorAnswer(fault.status, fault.body, fault.headers)
                self.answer(request)
                return None
            if not self.authorized(request):
                return VendorAnswer(401, {"error": "invalid_token"})
            return self.answer(request)

    def writes(self) -> list[VendorRequest]:
        """The requests that change something."""
        return [request for request in self.requests if request.method != "GET"]

    @contextmanager
    def running(self) -> Iterator["FakeVendor"]:
        """The server on this machine, until the end of the block."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()


def _handler(vendor: FakeVendor) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            content = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            if "form" in headers.get("content-type", ""):
                body: Any = dict(parse_qsl(content.decode()))
            else:
                body = json.loads(content) if content else None
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            answer = vendor.handle(VendorRequest(self.command, unquote(parts.path), query, headers, body))
            if answer is None:
                self.close_connection = True
                return
            text = b"" if answer.body is None else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    return Handler
