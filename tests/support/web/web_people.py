"""The review app with people of every role, two squads, and as many cases as a test needs."""

import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from serving.cases.permissions import Role
from serving.nights.case_updates import Package, case_id
from serving.store import Store
from serving.web import create_app
from serving.web.access import Identity, Person
from serving.web.identity import users
from serving.web.identity.review_settings import ReviewSettings
from support.nights.handoff_factory import handoff
from support.nights.night_factory import NOW, flag_of, names, record_of, run, simple_decision
from support.web.page_forms import token_in

with warnings.catch_warnings():  # Starlette would rather have a package that nothing else here needs
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

__all__ = ["PASSWORD", "People", "TestClient", "csrf_of", "settled"]

PASSWORD = "correct horse battery staple"
HERE = "https://rescue.example"
ADDRESS = ("127.0.0.1", 50000)


def settled(store: Store, count: int) -> tuple[list[str], list[str]]:
    """A night with ``count`` cases for each of two squads; the ids of the cases of north and of south."""
    accounts = names(2 * count)
    flags = tuple(
        flag_of(account, place // 2 + 1, squad=("north", "south")[place % 2]) for place, account in enumerate(accounts)
    )
    decision = replace(simple_decision([]), flags=flags)
    package = Package(handoff().to_json(), "1.0", "Nordlicht <b>Logistik</b> may leave")
    record = record_of(accounts, decision, channels=())
    run(store, replace(record, handoffs=dict.fromkeys(record.handoffs, package)))
    ids = [case_id(account, "churn", decision.as_of) for account in accounts]
    return ids[::2], ids[1::2]


@dataclass
class People:
    """The app and its users."""

    store: Store
    settings: ReviewSettings
    now: datetime = NOW
    browsers: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.app = create_app(self.store, self.settings, clock=lambda: self.now)
        self.identity: Identity = self.app.state.identity
        self.identity.sessions.clock = lambda: self.now

    def browser(self, *, address: tuple[str, int] = ADDRESS, headers: Mapping[str, str] | None = None) -> TestClient:
        """A browser in which nobody is signed in; it follows no redirects and sees errors as pages."""
        made = TestClient(
            self.app,
            base_url=HERE,
            follow_redirects=False,
            raise_server_exceptions=False,
            client=address,
            headers=dict(headers or {}),
        )
        return self.browsers.enter_context(made)  # one event loop a browser, not one a request

    def close(self) -> None:
        """Close the browsers and the queue."""
        self.browsers.close()
        self.store.close()

    def signed_in(self, *roles: Role, name: str = "", squads: tuple[str, ...] = ("north",)) -> TestClient:
        """The browser of a person with these roles; its requests carry the form token."""
        person = Person(name or "-".join(sorted(roles)), frozenset(roles), frozenset(squads))
        browser = self.browser()
        value = self.identity.sessions.begin(person, how="test", address=None)
        browser.cookies.set("__Host-rescue", value)
        browser.headers["X-CSRF-Token"] = csrf_of(browser)
        return browser

    def program(self, role: Role, squads: tuple[str, ...] = ("north",)) -> TestClient:
        """A program with its own API token."""
        name = f"program-{role}"
        users.save_user(self.store, name, [role], squads, None)
        return self.browser(headers={"Authorization": f"Bearer {users.create_token(self.store, name, 'test')}"})


def csrf_of(browser: TestClient) -> str:
    """The form token of this browser's pages."""
    return token_in(browser.get("/sign-in").text)


def opened(path: Path, **settings: object) -> People:
    """The app on a migrated file."""
    return People(Store(f"sqlite:///{path}"), ReviewSettings.model_validate(settings))
