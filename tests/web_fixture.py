"""The review app for tests: on a filled queue, at a real port, with somebody signed in by a link that works once."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from web_queue import Clock, fill

from serving.permissions import Role
from serving.store import Store
from serving.web.app import create_app
from serving.web.identity.config import ReviewSettings
from serving.web.identity.people import Person

INES = Person("ines", frozenset({Role.REVIEWER}), frozenset({"success"}))
JONAS = Person("jonas", frozenset({Role.REVIEWER}), frozenset({"success"}))
TOM = Person("tom", frozenset({Role.REVIEWER}), frozenset({"support"}))
LEAD = Person("ines", frozenset({Role.LEAD}), frozenset({"success", "support"}))
ANALYST = Person("ada", frozenset({Role.ANALYST}), frozenset())
VIEWER = Person("vic", frozenset({Role.VIEWER}), frozenset({"success"}))


@pytest.fixture
def web_store(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Store]:
    """A queue of a dozen cases."""
    with fresh_store(migrated_sqlite, tmp_path) as store:
        yield store


@pytest.fixture
def web_app(web_store: Store) -> FastAPI:
    """The review app on that queue."""
    return make_app(web_store)


@pytest.fixture
def address(web_app: FastAPI) -> Iterator[str]:
    """Where it runs."""
    with running(web_app) as found:
        yield found


def fresh_store(migrated: Path, folder: Path, cases: int = 12, **how: Any) -> Store:
    """A copy of a migrated, empty SQLite file, filled."""
    path = folder / "queue.db"
    path.write_bytes(migrated.read_bytes())
    store = Store(f"sqlite:///{path}")
    fill(store, cases, **how)
    return store


def make_app(store: Store, clock: Clock | None = None) -> FastAPI:
    """The review app on that queue, over plain HTTP."""
    return create_app(store, ReviewSettings(secure_cookies=False), clock=clock or Clock())


def client(app: FastAPI, address: str, person: Person | None) -> httpx.Client:
    """A browser without script in which that person is signed in."""
    found = httpx.Client(base_url=address, follow_redirects=True, trust_env=False)
    if person is not None:
        assert found.get(app.state.identity.one_time_link(person)).status_code == 200
    return found


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """The app on a port of its own, for a real browser; gives its address."""
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_level="error", access_log=False, timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
