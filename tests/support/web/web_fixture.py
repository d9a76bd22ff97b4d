"""The review app for tests: on a filled queue, at a real port, with somebody signed in by a link that works once."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from serving.cases.permissions import Role
from serving.paths.references.answer_links import AnswerLinks
from serving.store import Store
from serving.web import create_app
from serving.web.access import Person
from serving.web.identity import users
from serving.web.identity.review_settings import ReviewSettings
from support.nights.night_factory import Clock
from support.web.web_queue import NOW, fill

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


@dataclass
class Site:
    """The review app at a real port."""

    app: FastAPI
    address: str
    clock: Clock
    clients: ExitStack

    def link(self, person: Person) -> str:
        """An address that signs that person in, once."""
        path: str = self.app.state.identity.one_time_link(person)
        return self.address + path

    def answer_path(self, case: str, person: str = "ines") -> str:
        """The path of a link in a mail by which a user of the squad success answers about a case."""
        users.save_user(self.app.state.identity.store, person, [Role.REVIEWER], ["success"], None)
        links = AnswerLinks("https://rescue.example", "k" * 32)
        self.app.state.answers = links
        return links.link(case, person, self.clock.now).removeprefix("https://rescue.example")

    def browser(self, person: Person | None = None) -> httpx.Client:
        """A browser without script in which that person is signed in; closed with the site."""
        made = httpx.Client(base_url=self.address, follow_redirects=True, trust_env=False, timeout=300)
        found = self.clients.enter_context(made)
        if person is not None:
            assert found.get(self.link(person)).status_code == 200
        return found


@pytest.fixture
def site(web_store: Store) -> Iterator[Site]:
    """The review app on that queue."""
    with running(web_store) as found:
        yield found


@pytest.fixture
def ines(site: Site) -> httpx.Client:
    """A browser in which Ines is signed in."""
    return site.browser(INES)


def fresh_store(migrated: Path, folder: Path, cases: int = 12, **how: Any) -> Store:
    """A copy of a migrated, empty SQLite file, filled."""
    path = folder / "queue.db"
    path.write_bytes(migrated.read_bytes())
    store = Store(f"sqlite:///{path}")
    fill(store, cases, **how)
    return store


@contextmanager
def running(store: Store) -> Iterator[Site]:
    """The review app on a queue, at a port of its own, over plain HTTP, at the time of the fill."""
    clock = Clock(NOW)
    with serve_app(create_app(store, ReviewSettings(secure_cookies=False), clock=clock), clock) as site:
        yield site


@contextmanager
def serve_app(app: FastAPI, clock: Clock | None = None) -> Iterator[Site]:
    """An app at a port of its own."""
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_level="error", access_log=False, timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server ended while it started: its error is printed above"
        time.sleep(0.01)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        with ExitStack() as clients:
            yield Site(app, address, clock or Clock(NOW), clients)
    finally:
        server.should_exit = True
        thread.join(10)
