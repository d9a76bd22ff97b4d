"""An S3-compatible store on this machine, and one that answers every request with an error of Amazon's."""

import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow.fs as pafs
import pytest

BUCKET = "landing"


class Store:
    """A bucket of a local store: files go in, and its address comes out."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.files = pafs.S3FileSystem(
            endpoint_override=endpoint, region="us-east-1", access_key="k", secret_key="s", allow_bucket_creation=True
        )
        self.files.create_dir(BUCKET)

    def put(self, path: str, content: bytes) -> None:
        with self.files.open_output_stream(f"{BUCKET}/{path}") as stream:
            stream.write(content)

    def put_folder(self, folder: Path, to: str) -> None:
        for file in (file for file in folder.rglob("*") if file.is_file()):
            self.put(f"{to}/{file.relative_to(folder)}", file.read_bytes())

    def delete(self, path: str) -> None:
        self.files.delete_file(f"{BUCKET}/{path}")


@pytest.fixture
def object_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty bucket in a local store; the environment has its address and credentials."""
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {"ENDPOINT_URL": f"http://{host}:{port}", "ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s",
                        "REGION": "us-east-1"}.items():  # fmt: skip
        monkeypatch.setenv(f"AWS_{name}", value)
    urllib.request.urlopen(f"http://{host}:{port}/moto-api/reset", data=b"", timeout=30).close()
    try:
        yield Store(f"http://{host}:{port}")
    finally:
        server.stop()


@contextmanager
def refusing_store(code: str, message: str, status: int = 403) -> Iterator[str]:
    """The address of a store that refuses every request with an error in Amazon's form."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = answer  # noqa: N815 the names of http.server

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
