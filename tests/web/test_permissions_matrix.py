"""Nobody sees or does what is not theirs: every route, asked for by everybody, about their own squad and another's.

The table says who may what in words of its own, so that a slip in the app's table shows. A route that it lacks fails.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from sqlalchemy import select
from starlette.routing import Mount
from support.nights.night_factory import NOW, RULES
from support.web.permission_table import (
    EACH,
    EVERYWHERE,
    INCIDENT,
    SEE,
    TABLE,
    UNSAFE,
    Row,
)
from support.web.web_people import People, csrf_of, opened, settled

from serving.cases.permissions import Role
from serving.incidents.run_incidents import run_incidents
from serving.policy.definition.incidents.incident_rules import IncidentRule
from serving.policy.definition.policy_checks import compile_conditions
from serving.policy.definition.policy_file import Policy
from serving.signals.signal_fields import Signal
from serving.signals.signal_intake import add_signals
from serving.store import Store
from serving.store.incident_tables import SignalRow
from serving.store.people_tables import SavedView
from serving.store.saved_views import save_view
from serving.store.tables import Case

HIDDEN, FORBIDDEN, NOBODY = 404, 403, 401


@dataclass
class Cases:
    """Cases and their accounts, by squad; one that something is done to is used up."""

    left: dict[str, list[tuple[str, str]]]

    def of(self, squad: str, row: Row | None = None) -> tuple[str, str]:
        """A case that nobody touched yet, and its account."""
        return self.left[squad][-1] if row is not None and not row.changes else self.left[squad].pop()


@pytest.fixture(scope="module")
def people(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    path = tmp_path_factory.mktemp("matrix") / "rescue.db"
    shutil.copy(migrated_sqlite, path)
    found = opened(path)
    yield found
    found.close()


@pytest.fixture(scope="module")
def cases(people: People) -> Cases:
    north, south = settled(people.store, EACH)
    open_incident(people.store)
    with people.store.reading() as session:
        accounts = {case.id: case.account_id for case in session.scalars(select(Case))}
    return Cases({name: [(case, accounts[case]) for case in ids] for name, ids in (("north", north), ("south", south))})


def routes(found: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every method and path that the app answers, mounted applications too."""
    for route in iter_route_contexts(found):
        mounted = getattr(route, "original_route", route)
        if isinstance(mounted, Mount):
            inner = getattr(mounted, "routes", None)
            yield from routes(inner, prefix + mounted.path) if inner else [("GET", prefix + mounted.path)]
            continue
        for method in sorted((route.methods or set()) - {"HEAD"}):
            yield method, prefix + str(route.path)


def test_every_route_is_in_the_table(people: People) -> None:
    assert set(routes(people.app.routes)) == {(row.method, row.path) for row in TABLE}


def open_incident(store: Store) -> None:
    signal = Signal("s-1", NOW, "shop", "checkout.failed", account_id="a000000")
    add_signals(store, [signal], sender="test", now=NOW)
    rules = {"checkout": {"when": "kind = 'checkout.failed'", "count": 1, "within": 1.0, "severity": "high"}}
    file = RULES.model_copy(update={"incidents": {"checkout": IncidentRule.model_validate(rules["checkout"])}})
    conditions, _problems = compile_conditions(file)
    run_incidents(store, Policy(file, conditions), now=NOW)


def answered(status: int, row: Row, location: str) -> str:
    """What an answer means."""
    if status in {HIDDEN, FORBIDDEN, NOBODY}:
        return {HIDDEN: "hidden", FORBIDDEN: "forbidden", NOBODY: "nobody"}[status]
    if location.startswith("/sign-in") and row.path != "/sign-out":
        return "nobody"
    return "answered" if status < 500 else f"failed with {status}"


def test_signals_are_permitted_by_a_signature_and_by_nobody(people: People, cases: Cases) -> None:
    for browser in (people.browser(), people.signed_in(Role.ADMIN), people.program(Role.ADMIN)):
        for row in (row for row in TABLE if row.signed):
            assert row.ask(browser, "none", "none").status_code == FORBIDDEN  # the settings have no secret
    with people.store.reading() as session:
        assert len(session.scalars(select(SignalRow)).all()) == 1


def test_people_of_another_squad_see_an_incident_and_do_not_work_it(people: People, cases: Cases) -> None:
    browser = people.signed_in(Role.LEAD, name="south-lead", squads=("south",))
    page = browser.get(f"/incident/{INCIDENT}")
    assert (page.status_code, "Nordlicht" in page.text, "Acknowledge</button>" in page.text) == (200, False, False)
    for action in ("acknowledge", "resolve"):
        answer = browser.post(f"/incident/{INCIDENT}/{action}", data={"version": "1"})
        assert (answer.status_code, "is not in the squad north" in answer.text) == (FORBIDDEN, True)


def expected(row: Row, role: Role | None, own: bool) -> str:
    """What the table says it has to mean."""
    if role is None:
        return "nobody"
    if role not in row.who:
        return "forbidden"
    if row.missing:
        return "hidden"
    return "answered" if own or not row.about or role in EVERYWHERE else "hidden"


@pytest.mark.parametrize("role", [*sorted(SEE), None], ids=lambda role: str(role or "anonymous"))
def test_the_matrix(people: People, cases: Cases, role: Role | None) -> None:
    browser = people.signed_in(role) if role else people.browser()
    if role is None:
        browser.headers["X-CSRF-Token"] = csrf_of(browser)
    wrong, asked = [], 0
    for row in (row for row in TABLE if not row.public and not row.signed):
        for own in (True, False):
            case, account = cases.of("north" if own else "south", row)
            answer = row.ask(browser, case, account)
            found = answered(answer.status_code, row, answer.headers.get("location", ""))
            asked += 1
            if found != expected(row, role, own):
                wrong.append(f"{row.method} {row.path} {row.json or ''} own={own}: {found} ({answer.status_code})")
    assert wrong == []
    assert asked == 2 * sum(not row.public and not row.signed for row in TABLE)


def test_what_is_public_says_nothing(people: People) -> None:
    browser = people.browser()
    browser.headers["X-CSRF-Token"] = csrf_of(browser)
    for row in (row for row in TABLE if row.public):
        answer = row.ask(browser, "none", "none")
        assert answer.status_code < 500, row
        assert "Nordlicht" not in answer.text, row


@pytest.mark.parametrize("token", [None, "0" * 64, "", "ü"], ids=["missing", "wrong", "empty", "not ascii"])
def test_no_unsafe_route_does_without_the_token(people: People, cases: Cases, token: str | None) -> None:
    browser = people.signed_in(Role.ADMIN, name="forged")
    del browser.headers["X-CSRF-Token"]
    sent = {} if token is None else {"headers": {"X-CSRF-Token": token.encode()}}
    case, account = cases.of("north")
    unsafe = [row for row in TABLE if row.method in UNSAFE and not row.signed]
    for row in unsafe:
        answer = row.ask(browser, case, account, **sent)
        assert answer.status_code == FORBIDDEN, row
        assert "load the page again" in answer.text or "Send an API token" in answer.text
    assert len(unsafe) > 20
    with people.store.reading() as session:
        found = session.get(Case, case)
        assert found is not None
        assert (found.state, found.version) == ("new", 1)


def test_cases_of_another_squad_cannot_be_given_away_in_bulk(people: People, cases: Cases) -> None:
    case, _ = cases.of("south")
    answer = people.signed_in(Role.LEAD).post("/queue/assign", data={"case": f"{case}:1", "person": "dan"})
    assert (answer.status_code, "You see no case" in answer.text) == (422, True)
    with people.store.reading() as session:
        found = session.get(Case, case)
        assert found is not None
        assert (found.owner, found.version) == (None, 1)


def test_a_saved_view_is_its_owners(people: People) -> None:
    save_view(people.store, "somebody", "theirs", "/queue")
    with people.store.reading() as session:
        view = session.scalars(select(SavedView).where(SavedView.person == "somebody")).one()
    people.signed_in(Role.ADMIN).post(f"/views/{view.id}/delete")
    with people.store.reading() as session:
        assert session.get(SavedView, view.id) is not None


def test_a_token_is_worth_what_its_user_is(people: People, cases: Cases) -> None:
    for role in (Role.VIEWER, Role.REVIEWER, Role.ANALYST):
        program = people.program(role)
        for row in (row for row in TABLE if row.path.startswith("/api/") and not row.public and not row.signed):
            for own in (True, False):
                case, account = cases.of("north" if own else "south", row)
                answer = row.ask(program, case, account)
                assert answered(answer.status_code, row, "") == expected(row, role, own), (row, role, own)
