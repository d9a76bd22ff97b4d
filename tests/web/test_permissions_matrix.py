"""Nobody sees or does what is not theirs: every route, asked for by everybody, about their own squad and another's.

The table says who may what in words of its own, so that a slip in the app's table shows. A route that it lacks fails.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from sqlalchemy import select
from starlette.routing import Mount
from support.nights.night_factory import NOW, RULES
from support.web.web_people import People, TestClient, csrf_of, opened, settled

from serving.cases.permissions import Role
from serving.incidents.incident_changes import incident_id
from serving.incidents.run_incidents import run_incidents
from serving.incidents.signal_matching import group_key
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

SEE = frozenset({Role.VIEWER, Role.REVIEWER, Role.LEAD, Role.ANALYST, Role.ADMIN})
COMMENT = SEE - {Role.VIEWER}
WORK = frozenset({Role.REVIEWER, Role.LEAD, Role.ADMIN})
ASSIGN = frozenset({Role.LEAD, Role.ADMIN})
OVERVIEW = frozenset({Role.VIEWER, Role.LEAD, Role.ANALYST, Role.ADMIN})
POLICY = frozenset({Role.LEAD, Role.ADMIN})
EVERYWHERE = frozenset({Role.ANALYST, Role.ADMIN})

HIDDEN, FORBIDDEN, NOBODY = 404, 403, 401
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True)
class Row:
    """One thing to ask for: who may, and what is sent.

    ``public`` is what needs nobody; ``signed`` is permitted by a signature of the request, and by no person.
    ``missing`` asks for something that does not exist."""

    method: str
    path: str
    who: frozenset[Role] = frozenset()
    form: dict[str, str] = field(default_factory=dict)
    json: dict[str, Any] | None = None
    public: bool = False
    signed: bool = False
    query: str = ""
    missing: bool = False

    @property
    def about(self) -> bool:
        """Whether it is about one case or account, so that it can be a foreign one."""
        return "{case_id}" in self.path or "{account_id:path}" in self.path

    @property
    def changes(self) -> bool:
        """Whether it may change the case."""
        return self.about and self.method in UNSAFE

    def ask(self, browser: TestClient, case: str, account: str, **more: Any) -> Any:
        """Ask for it, about this case or its account."""
        path = self.path.replace("{case_id}", case).replace("{account_id:path}", account)
        path = path.replace("{view}", "1").replace("{absence}", "1").replace("{code}", "none") + self.query
        path = path.replace("{number}", "9").replace("{replay}", "none")
        path = path.replace("{attachment_id}", "none").replace("{task_id}", "999999")
        path = path.replace("{incident_id}", INCIDENT).replace("{adapter}", "grafana").replace("{ending}", "csv")
        sent = {"json": self.json} if self.json is not None else {"data": {**self.form, "version": "1"}}
        return browser.request(self.method, path, **(sent if self.method in UNSAFE else {}), **more)


def _action(who: frozenset[Role], **words: Any) -> Row:
    return Row("POST", "/api/v1/cases/{case_id}/actions", who, json={"version": 1, **words})


TEXT = {"text": "because"}
TABLE = (
    Row("GET", "/healthz", public=True),
    Row("GET", "/readyz", public=True),
    Row("GET", "/metrics", public=True),  # to the networks of the settings
    Row("GET", "/sign-in", public=True),
    Row("POST", "/sign-in", public=True, form={"name": "x", "password": "y"}),
    Row("POST", "/sign-out", public=True),
    Row("GET", "/sign-in/once/{code}", public=True),
    Row("GET", "/sign-in/oidc", public=True),
    Row("GET", "/sign-in/oidc/return", public=True),
    Row("GET", "/", SEE),
    Row("POST", "/theme", public=True, form={"theme": "dark"}),
    Row("GET", "/api/v1/openapi.json", public=True),
    Row("GET", "/static", public=True),
    Row("GET", "/queue", SEE),
    Row("GET", "/waiting", SEE),
    Row("POST", "/queue/assign", ASSIGN),
    Row("POST", "/queue/claim", WORK),
    Row("POST", "/queue/snooze", WORK, {"days": "3", "snooze_reason": "later"}),
    Row("POST", "/queue/close", WORK, {"verdict": "lost", "close_text": "gone"}),
    Row("GET", "/queue/export.{ending}", SEE),
    Row("POST", "/queue/next", WORK),
    Row("GET", "/my-day", SEE),
    Row("GET", "/case/{case_id}", SEE),
    Row("GET", "/case/{case_id}/handoff.md", SEE),
    Row("POST", "/case/{case_id}/claim", WORK),
    Row("POST", "/case/{case_id}/contact", WORK),
    Row("POST", "/case/{case_id}/plan", WORK, TEXT),
    Row("POST", "/case/{case_id}/snooze", WORK, TEXT | {"days": "3"}),
    Row("POST", "/case/{case_id}/wake", WORK),
    Row("POST", "/case/{case_id}/resolve", WORK, {"verdict": "saved"}),
    Row("POST", "/case/{case_id}/hand_over", WORK, TEXT | {"squad": "south"}),
    Row("POST", "/case/{case_id}/accept", WORK),
    Row("POST", "/case/{case_id}/acknowledge", WORK),
    Row("POST", "/case/{case_id}/return", WORK, TEXT),
    Row("POST", "/case/{case_id}/release", WORK, TEXT),
    Row("POST", "/case/{case_id}/assign", ASSIGN, {"person": "ann"}),
    Row("POST", "/case/{case_id}/reassign", ASSIGN, {"person": "ann"}),
    Row("POST", "/case/{case_id}/reopen", WORK, TEXT),
    Row("POST", "/case/{case_id}/comment", COMMENT, TEXT),
    Row("POST", "/case/{case_id}/disagree", COMMENT, TEXT | {"reason": "usage"}),
    Row("POST", "/case/{case_id}/undo", WORK),
    Row("POST", "/case/{case_id}/log_contact", WORK, {"field-result": "Reached"}),
    Row("POST", "/case/{case_id}/task_add", WORK, {"field-title": "Call"}),
    Row("POST", "/case/{case_id}/task_change", WORK, {"task": "1", "field-title": "Call"}),
    Row("POST", "/case/{case_id}/task_done", WORK, {"task": "1"}),
    Row("POST", "/case/{case_id}/task_skip", WORK, TEXT | {"task": "1"}),
    Row("POST", "/case/{case_id}/task_reopen", WORK, {"task": "1"}),
    Row("POST", "/case/{case_id}/attach", COMMENT),
    Row("POST", "/case/{case_id}/detach", COMMENT, {"attachment": "none"}),
    Row("POST", "/case/{case_id}/read", SEE),
    Row("GET", "/case/{case_id}/attachment/{attachment_id}", SEE, missing=True),
    Row("GET", "/accounts", SEE),
    Row("GET", "/account/{account_id:path}", SEE),
    Row("POST", "/open-case/{account_id:path}", WORK, TEXT | {"squad": "north"}),
    Row("GET", "/incidents", SEE),
    Row("GET", "/incident/{incident_id}", SEE),
    Row("POST", "/incident/{incident_id}/acknowledge", WORK),
    Row("POST", "/incident/{incident_id}/resolve", WORK, TEXT),
    Row("POST", "/incident/{incident_id}/comment", COMMENT, TEXT),
    Row("GET", "/people", SEE),
    Row("POST", "/people/absences", SEE, {"first": "2026-03-09", "last": "2026-03-10"}),
    Row("POST", "/people/absences/{absence}/withdraw", SEE),
    Row("GET", "/preferences", SEE),
    Row("POST", "/preferences", SEE, {"digest": "on", "at": "08:00", "day_mon": "on"}),
    Row("GET", "/overview", OVERVIEW),
    Row("GET", "/weekly", OVERVIEW),
    Row("GET", "/api/v1/weekly", OVERVIEW),
    Row("GET", "/policy", OVERVIEW),
    Row("GET", "/policy/policy.toml", POLICY),
    Row("GET", "/policy/edit", POLICY),
    Row("POST", "/policy/edit", POLICY, {"policy": "x = 1"}),
    Row("GET", "/policy/version/{number}", POLICY, missing=True),
    Row("POST", "/policy/version/{number}/restore", POLICY, TEXT, missing=True),
    Row("POST", "/policy/file", POLICY, {"do": "keep"}),
    Row("POST", "/exclude-account/{account_id:path}", POLICY, TEXT),
    Row("GET", "/policy/replay/{replay}", OVERVIEW, missing=True),
    Row("GET", "/api/v1/policy", OVERVIEW),
    Row("GET", "/api/v1/policy/text", POLICY),
    Row("GET", "/api/v1/policy/versions", OVERVIEW),
    Row("GET", "/api/v1/policy/versions/{number}", POLICY, missing=True),
    Row("POST", "/api/v1/policy/check", POLICY, json={"text": "x = 1"}),
    Row("POST", "/api/v1/policy/versions", POLICY, json={"text": "x = 1", "reason": "why", "base": ""}),
    Row(
        "POST",
        "/api/v1/policy/versions/{number}/restore",
        POLICY,
        json={"reason": "why", "base": ""},
        missing=True,
    ),
    Row("POST", "/api/v1/policy/replays", POLICY, json={"text": "x = 1"}),
    Row("GET", "/api/v1/policy/replays/{replay}", OVERVIEW, missing=True),
    Row("POST", "/views", SEE, {"name": "mine", "url": "/queue?mine=1"}),
    Row("POST", "/views/{view}/delete", SEE),
    Row("GET", "/api/v1/me", SEE),
    Row("GET", "/api/v1/cases", SEE),
    Row("POST", "/api/v1/take-next", WORK, json={}),
    Row("GET", "/api/v1/cases/{case_id}", SEE),
    Row("POST", "/api/v1/cases/{case_id}/comments", COMMENT, json={"text": "noted"}),
    Row("GET", "/api/v1/cases/{case_id}/tasks", SEE),
    Row("POST", "/api/v1/cases/{case_id}/tasks", WORK, json={"title": "Call"}),
    Row("POST", "/api/v1/cases/{case_id}/tasks/{task_id}", WORK, json={"action": "done"}, missing=True),
    Row("GET", "/api/v1/cases/{case_id}/contacts", SEE),
    Row("POST", "/api/v1/cases/{case_id}/contacts", WORK, json={"channel": "call", "result": "reached"}),
    Row("GET", "/api/v1/cases/{case_id}/attachments", SEE),
    Row("POST", "/api/v1/cases/{case_id}/attachments", COMMENT),
    Row("GET", "/api/v1/cases/{case_id}/attachments/{attachment_id}", SEE, missing=True),
    Row("DELETE", "/api/v1/cases/{case_id}/attachments/{attachment_id}", COMMENT),
    Row("GET", "/api/v1/mentions", SEE),
    Row("GET", "/api/v1/accounts", SEE, query="?text=a"),
    Row("GET", "/api/v1/accounts/{account_id:path}", SEE),
    Row("POST", "/api/v1/accounts/{account_id:path}/cases", WORK, json={"reason": "why", "squad": "north"}),
    Row("GET", "/api/v1/people", SEE),
    Row("POST", "/api/v1/absences", SEE, json={"first": "2026-03-09", "last": "2026-03-10"}),
    Row("DELETE", "/api/v1/absences/{absence}", SEE, missing=True),
    Row("GET", "/api/v1/cases/{case_id}/hand-over-forms", SEE),
    Row("GET", "/api/v1/hand-overs/figures", OVERVIEW),
    Row("GET", "/api/v1/overview", OVERVIEW),
    Row("GET", "/api/v1/incidents", SEE),
    Row("GET", "/api/v1/incidents/{incident_id}", SEE),
    Row("POST", "/api/v1/incidents/{incident_id}/actions", COMMENT, json={"action": "comment", "text": "noted"}),
    Row("GET", "/answer", public=True, query="?token=none"),  # what a link in a mail permits, its signature says
    Row("POST", "/answer", public=True, form={"token": "none", "action": "acknowledge"}),
    Row("POST", "/slack/interactions", signed=True),
    Row("POST", "/api/v1/signals", signed=True),
    Row("POST", "/api/v1/signals/{adapter}", signed=True),
    Row("GET", "/api/v1/paths/metrics", OVERVIEW),
    _action(WORK, action="claim"),
    _action(WORK, action="contact"),
    _action(WORK, action="log_contact", channel="call", result="reached"),
    _action(WORK, action="plan", plan="training"),
    _action(WORK, action="snooze", until="2026-03-09", reason="later"),
    _action(WORK, action="wake"),
    _action(WORK, action="resolve", outcome="lost"),
    _action(WORK, action="hand_over", squad="south", reason="theirs"),
    _action(WORK, action="accept"),
    _action(WORK, action="acknowledge"),
    _action(WORK, action="return", reason="no"),
    _action(WORK, action="release", reason="no time"),
    _action(WORK, action="reopen", reason="again"),
    _action(WORK, action="undo"),
    _action(ASSIGN, action="assign", person="ann"),
    _action(COMMENT, action="disagree", reason="usage", comment="not so"),
)
INCIDENT = incident_id("checkout", group_key({}), NOW)
"""An incident of the squad north, which everybody sees."""
EACH = 600
"""Cases of each squad that the questions use up."""


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
    assert (answer.status_code, "There is no case" in answer.text) == (422, True)
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
