"""Signing in by password, sessions and their end, the record of doors, links that work once, the trusted proxy."""

import logging
import shutil
from collections.abc import Iterator
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from support.web.web_people import PASSWORD, People, TestClient, csrf_of, opened, settled

from features.errors import UsageError
from serving.cases.permissions import Act, Role
from serving.store import Store
from serving.store.people_tables import SignIn, User
from serving.store.saved_views import MAX_SAVED_VIEWS, delete_view, save_view, saved_views
from serving.web.access import Person
from serving.web.identity import users
from serving.web.identity.review_settings import ReviewSettings
from serving.web.identity.roles import ASSIGNABLE_ROLES
from serving.web.identity.sessions import Sessions, record_sign_in

SESSION = "__Host-rescue"


@pytest.fixture
def file(migrated_sqlite: Path, tmp_path: Path) -> Path:
    path = tmp_path / "rescue.db"
    shutil.copy(migrated_sqlite, path)
    return path


@pytest.fixture
def people(file: Path) -> Iterator[People]:
    found = opened(file)
    users.save_user(found.store, "ann", ["reviewer"], ["north"], PASSWORD)
    yield found
    found.close()


def sign_in(browser: TestClient, name: str = "ann", password: str = PASSWORD, to: str = "/queue") -> httpx.Response:
    """Fill in the form."""
    form = {"csrf": csrf_of(browser), "name": name, "password": password, "next": to}
    return browser.post("/sign-in", data=form)


def cookies_of(answer: httpx.Response) -> SimpleCookie:
    """What the answer sets."""
    found = SimpleCookie()
    for line in answer.headers.get_list("set-cookie"):
        found.load(line)
    return found


def record_of(people: People) -> list[tuple[str, str, str | None]]:
    """The record of doors, without what the tests themselves did."""
    with people.store.reading() as session:
        rows = session.scalars(select(SignIn).order_by(SignIn.id)).all()
    return [(row.kind, row.how, row.person) for row in rows if row.how not in {"command", "test"}]


def test_the_right_password_opens_the_door(people: People) -> None:
    browser = people.browser()
    answer = sign_in(browser, to="/queue?mine=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue?mine=1")
    session = cookies_of(answer)[SESSION]
    assert (session["secure"], session["httponly"], session["samesite"], session["path"]) == (True, True, "Lax", "/")
    assert browser.get("/api/v1/me").json() == {"name": "ann", "roles": ["reviewer"], "squads": ["north"]}
    assert record_of(people) == [("signed in", "password", "ann")]


@pytest.mark.parametrize(("name", "password"), [("ann", "wrong"), ("nobody", PASSWORD), ("ann", ""), ("", "")])
def test_a_wrong_name_and_a_wrong_password_look_alike(people: People, name: str, password: str) -> None:
    answer = sign_in(people.browser(), name, password)
    assert answer.status_code == 401
    assert "The name or the password is wrong" in answer.text
    assert SESSION not in cookies_of(answer)
    assert record_of(people) == [("refused", "password", name if name == "ann" else None)]


def test_only_hashes_are_stored(people: People, file: Path) -> None:
    browser = people.browser()
    session = cookies_of(sign_in(browser))[SESSION].value
    token = users.create_token(people.store, "ann", "test")
    with people.store.reading() as opened_session:
        user = opened_session.get(User, "ann")
        assert user is not None and user.password is not None
        assert user.password.startswith("$argon2id$")
    people.store.close()
    stored = b"".join(path.read_bytes() for path in file.parent.iterdir() if path.is_file())
    assert len(stored) > 10_000
    assert not [secret for secret in (PASSWORD, session, token) if secret.encode() in stored]


def test_a_planted_session_is_worth_nothing_after_signing_in(people: People) -> None:
    browser = people.browser()
    old = people.identity.sessions.begin(person("ann"), how="test", address=None)
    browser.cookies.set(SESSION, old)
    new = cookies_of(sign_in(browser))[SESSION].value
    assert new != old
    assert people.identity.sessions.find(old) is None
    assert people.identity.sessions.find(new) == person("ann")


def person(name: str, *roles: Role) -> Person:
    """Somebody of the squad north."""
    return Person(name, frozenset(roles or {Role.REVIEWER}), frozenset({"north"}))


def test_sessions_end_by_idleness_and_by_age(people: People) -> None:
    sessions, settings = people.identity.sessions, people.settings
    value = sessions.begin(person("ann"), how="test", address=None)
    begun = people.now
    while people.now - begun < timedelta(hours=settings.session_hours) - timedelta(minutes=50):
        people.now += timedelta(minutes=50)
        assert sessions.find(value) is not None
    people.now = begun + timedelta(hours=settings.session_hours)
    assert sessions.find(value) is None
    idle = sessions.begin(person("ann"), how="test", address=None)
    people.now += timedelta(minutes=settings.idle_minutes)
    assert sessions.find(idle) is None


def test_leaving_ends_the_session_on_the_server(people: People) -> None:
    browser = people.browser()
    value = cookies_of(sign_in(browser))[SESSION].value
    answer = browser.post("/sign-out", data={"csrf": csrf_of(browser)})
    assert (answer.status_code, cookies_of(answer)[SESSION].value) == (303, "")
    assert people.identity.sessions.find(value) is None
    assert record_of(people)[-1] == ("signed out", "cookie", "ann")


def test_a_session_that_is_over_loses_no_typing(people: People) -> None:
    browser = people.browser()
    sign_in(browser)
    csrf = csrf_of(browser)
    people.now += timedelta(hours=2)
    typed = {"csrf": csrf, "version": "1", "text": "They <b>called</b> back & agreed"}
    answer = browser.post("/case/some/comment", data=typed)
    assert answer.status_code == 401
    assert "They &lt;b&gt;called&lt;/b&gt; back &amp; agreed" in answer.text
    assert browser.get("/queue?mine=1").headers["location"] == "/sign-in?next=/queue%3Fmine%3D1"


@pytest.mark.parametrize("change", ["disable", "put"])
def test_whoever_is_changed_or_disabled_is_out_at_once(people: People, change: str) -> None:
    browser = people.browser()
    sign_in(browser)
    if change == "disable":
        token = users.create_token(people.store, "ann", "test")
        users.disable_user(people.store, "ann")
        assert people.identity.sessions.find_token(token) is None
        assert sign_in(people.browser()).status_code == 401
    else:
        users.save_user(people.store, "ann", ["viewer"], [], PASSWORD)
    assert browser.get("/api/v1/me").status_code == 401


def test_a_token_ends(people: People) -> None:
    token = users.create_token(people.store, "ann", "test", days=1)
    assert people.identity.sessions.find_token(token) == person("ann")
    people.identity.sessions.clock = lambda: people.now + timedelta(days=4000)
    assert people.identity.sessions.find_token(token) is None


def test_guessing_is_slowed_down(file: Path) -> None:
    people = opened(file, attempts_per_minute=1)
    users.save_user(people.store, "ann", ["reviewer"], ["north"], PASSWORD)
    assert sign_in(people.browser(), password="a guess").status_code == 401
    late = sign_in(people.browser())
    assert late.status_code == 429
    assert 0 < int(late.headers["retry-after"]) <= 60
    assert sign_in(people.browser(address=("10.0.0.9", 1))).status_code == 303
    others = [sign_in(people.browser(), name=f"name {n}").status_code for n in range(5)]
    assert others == [401] * 4 + [429]
    people.close()


@pytest.mark.parametrize(
    "to",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/a\r\nX: y", "/sign-out", ""],
)
def test_signing_in_leads_nowhere_else(people: People, to: str) -> None:
    assert sign_in(people.browser(), to=to).headers["location"] == "/"


def test_a_link_works_once_and_from_here_only(people: People) -> None:
    lead = person("demo", Role.LEAD)
    link = people.identity.one_time_link(lead)
    assert people.browser(address=("10.0.0.9", 1)).get(link).status_code == 404
    link = people.identity.one_time_link(lead)
    browser = people.browser()
    assert browser.get(link).status_code == 303
    assert browser.get("/api/v1/me").json()["name"] == "demo"
    assert people.browser().get(link).status_code == 404


def test_people_come_and_go_on_both_databases(store: Store) -> None:
    users.save_user(store, "ann", ["lead", "analyst"], ["north", "south"], PASSWORD)
    found = users.authenticate(store, "ann", PASSWORD, None)
    assert found == Person("ann", frozenset({Role.LEAD, Role.ANALYST}), frozenset({"north", "south"}))
    sessions = Sessions(store, life=timedelta(hours=1), idle=timedelta(hours=1))
    value, token = sessions.begin(found, how="test", address="::1"), users.create_token(store, "ann", "crm")
    assert sessions.find(value) == sessions.find_token(token) == found
    users.disable_user(store, "ann")
    assert (sessions.find(value), sessions.find_token(token)) == (None, None)


def test_the_record_of_doors_cannot_be_changed(store: Store) -> None:
    with store.transaction() as session:
        record_sign_in(session, "signed in", "test", "ann", None, People.now)
    for act in ("UPDATE sign_ins SET person = 'eve'", "DELETE FROM sign_ins"):
        with pytest.raises(DBAPIError, match="append-only"), store.transaction() as session:
            session.execute(text(act))


def test_no_secret_is_logged(
    people: People, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("sqlalchemy.engine").setLevel(logging.INFO)
    try:
        browser = people.browser()
        sign_in(browser, password="canary-wrong-password")
        session = cookies_of(sign_in(browser))[SESSION].value
        token = users.create_token(people.store, "ann", "test")
        browser.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
        browser.post("/case/none/comment", data={"csrf": csrf_of(browser), "text": "canary-comment"})
    finally:
        logging.getLogger("sqlalchemy.engine").setLevel(logging.NOTSET)
    told = caplog.text + "".join(capfd.readouterr())
    assert "sign_ins" in told
    for secret in ("canary-wrong-password", PASSWORD, session, token, "canary-comment"):
        assert secret not in told


@pytest.fixture
def proxied(file: Path) -> Iterator[People]:
    found = opened(file, auth="proxy", proxy_networks=["10.1.0.0/16"], roles={"cs": "reviewer"})
    settled(found.store, 1)
    yield found
    found.close()


HEADERS = {"X-Remote-User": "ann", "X-Remote-Groups": "everybody, cs", "X-Remote-Squads": "north"}


def test_the_proxy_is_believed_from_its_own_network(proxied: People) -> None:
    browser = proxied.browser(address=("10.1.2.3", 1), headers=HEADERS)
    assert browser.get("/queue").status_code == 200
    assert browser.get("/queue").status_code == 200
    assert browser.get("/api/v1/me").json() == {"name": "ann", "roles": ["reviewer"], "squads": ["north"]}
    assert record_of(proxied) == [("signed in", "proxy", "ann")]


def test_nobody_else_is_believed(proxied: People) -> None:
    assert proxied.browser(address=("10.2.0.1", 1), headers=HEADERS).get("/api/v1/me").status_code == 401
    assert proxied.browser(address=("testclient", 1), headers=HEADERS).get("/api/v1/me").status_code == 401
    stolen = proxied.browser()
    stolen.cookies.set(SESSION, proxied.identity.sessions.begin(person("eve", Role.ADMIN), how="test", address=None))
    assert stolen.get("/api/v1/me").status_code == 401


def test_the_policys_squads_stand_in_and_a_role_is_needed(proxied: People) -> None:
    without = {name: value for name, value in HEADERS.items() if name != "X-Remote-Squads"}
    browser = proxied.browser(address=("10.1.2.3", 1), headers=without)
    assert browser.get("/api/v1/me").json()["squads"] == ["north"]
    nobody = proxied.browser(address=("10.1.2.3", 1), headers=without | {"X-Remote-Groups": "everybody"})
    answer = nobody.get("/queue")
    assert (answer.status_code, "ask an admin" in answer.text) == (403, True)


def test_settings_that_would_let_everybody_in_are_refused() -> None:
    for wrong in ({"auth": "proxy"}, {"auth": "oidc"}, {"roles": {"all": "system"}}, {"auth": "none"}):
        with pytest.raises(ValueError, match=r"proxy_networks|oidc_issuer|system|local"):
            ReviewSettings.model_validate(wrong)


def test_each_right_is_used_in_the_role_that_has_it() -> None:
    both = person("ann", Role.ANALYST, Role.REVIEWER)
    assert both.visible_squads is None
    assert both.actor(Act.SEE).sees("south")
    assert not both.actor(Act.WORK).sees("south")
    assert person("ann", Role.LEAD, Role.VIEWER).actor(Act.ASSIGN).role is Role.LEAD
    assert not person("ann", Role.VIEWER).actor(Act.WORK).may(Act.WORK)


@pytest.mark.parametrize("name", ["", " ", "rescue", "Rescue", "a\u202eb", "a\nb", "x" * 101])
def test_a_name_is_fit_for_the_record(people: People, name: str) -> None:
    with pytest.raises(UsageError, match="choose another"):
        users.save_user(people.store, name, ["viewer"], [], None)


def test_wrong_users_are_refused(people: People) -> None:
    with pytest.raises(UsageError, match="There is no role 'system'"):
        users.save_user(people.store, "x", ["system"], [], None)
    with pytest.raises(UsageError, match="12 to 200"):
        users.save_user(people.store, "x", ["viewer"], [], "short")
    with pytest.raises(UsageError, match="There is no user"):
        users.create_token(people.store, "x", "")
    users.save_user(people.store, "crm", ASSIGNABLE_ROLES, [], None)
    assert [(user.name, user.password) for user in users.list_users(people.store)] == [("ann", True), ("crm", False)]
    assert sign_in(people.browser(), name="crm", password="").status_code == 401


def test_views_are_kept_by_name_and_stay_in_the_app(people: People) -> None:
    save_view(people.store, "ann", " mine ", "/queue?mine=1")
    save_view(people.store, "ann", "mine", "/queue?mine=1&state=new")
    with people.store.reading() as session:
        (view,) = saved_views(session, "ann")
    assert (view.name, view.url) == ("mine", "/queue?mine=1&state=new")
    for wrong in ("//evil.example", "https://evil.example", "/\\evil", "/a\nb"):
        with pytest.raises(UsageError, match="address of this app"):
            save_view(people.store, "ann", "x", wrong)
    for number in range(MAX_SAVED_VIEWS - 1):
        save_view(people.store, "ann", str(number), "/queue")
    with pytest.raises(UsageError, match="delete one first"):
        save_view(people.store, "ann", "one more", "/queue")
    delete_view(people.store, "bob", view.id)
    delete_view(people.store, "ann", view.id)
    with people.store.reading() as session:
        assert len(saved_views(session, "ann")) == MAX_SAVED_VIEWS - 1
