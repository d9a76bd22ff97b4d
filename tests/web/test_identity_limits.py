"""Who is locked out, whose access ends, and what a proxy may say: classes of an attack, each with its correction."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select
from support.web.web_people import PASSWORD, People, csrf_of, settled
from typer.testing import CliRunner

from features.errors import UsageError
from pipelines.cli.app import app
from serving.cases.people import load_roster, load_situation
from serving.store import Store
from serving.store.people_tables import SessionRow, SignIn
from serving.web.identity import revocation, users
from serving.web.identity.review_settings import ReviewSettings

PROXY = ("10.1.2.3", 1)
HEADERS = {"X-Remote-User": "ann", "X-Remote-Groups": "cs", "X-Remote-Squads": "north"}


def opened(folder: Path, **settings: object) -> People:
    store = Store(f"sqlite:///{folder / 'rescue.db'}")
    store.migrate()
    people = People(store, ReviewSettings.model_validate(settings))
    settled(store, 1)
    users.save_user(store, "ann", ["lead"], ["north"], PASSWORD)
    users.save_user(store, "rob", ["reviewer"], ["north"], PASSWORD)
    return people


@pytest.fixture
def local(tmp_path: Path) -> Iterator[People]:
    people = opened(tmp_path, trusted_proxies=["10.1.0.0/16", "::1/128"])
    yield people
    people.close()


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[People]:
    people = opened(tmp_path, auth="proxy", proxy_networks=["10.1.0.0/16"], roles={"cs": "reviewer"})
    yield people
    people.close()


def try_password(people: People, name: str, password: str = "wrong", forwarded: str = "", address=PROXY):  # type: ignore[no-untyped-def]
    browser = people.browser(address=address, headers={"X-Forwarded-For": forwarded} if forwarded else {})
    token = csrf_of(browser)
    return browser.post("/sign-in", data={"csrf": token, "name": name, "password": password}), browser


def test_attempts_through_a_proxy_do_not_lock_out_others(local: People) -> None:
    for number in range(40):
        try_password(local, f"nobody{number}", forwarded="198.51.100.7")
    assert try_password(local, "ann", PASSWORD, forwarded="198.51.100.7")[0].status_code == 429
    assert try_password(local, "ann", PASSWORD, forwarded="203.0.113.9")[0].status_code == 303


def test_a_client_cannot_choose_its_address(local: People) -> None:
    for number in range(40):
        forged = f"192.0.2.{number}, 198.51.100.7"
        try_password(local, f"nobody{number}", forwarded=forged)
    assert try_password(local, "ann", PASSWORD, forwarded="192.0.2.99, 198.51.100.7")[0].status_code == 429
    direct = ("198.51.100.8", 1)  # not a proxy: its header is not read
    for number in range(40):
        try_password(local, f"nobody{number}", forwarded=f"203.0.113.{number}", address=direct)
    assert try_password(local, "ann", PASSWORD, forwarded="203.0.113.200", address=direct)[0].status_code == 429


@pytest.mark.parametrize("spelling", [" rob", "ROB", "rob ", "\uff52\uff4f\uff42"])
def test_another_spelling_of_a_name_has_no_attempts_of_its_own(local: People, spelling: str) -> None:
    for _ in range(5):
        try_password(local, "rob")
    assert try_password(local, spelling, PASSWORD)[0].status_code == 429


def test_somebody_who_is_signed_in_is_not_locked_out(local: People) -> None:
    answer, browser = try_password(local, "ann", PASSWORD)
    assert answer.status_code == 303
    for number in range(40):
        try_password(local, f"nobody{number}")
        try_password(local, "ann")
    again = {"csrf": csrf_of(browser), "name": "Ann ", "password": PASSWORD}
    assert browser.post("/sign-in", data=again | {"name": "ann"}).status_code == 303
    other = {"csrf": csrf_of(browser), "name": "rob", "password": PASSWORD}
    assert browser.post("/sign-in", data=other).status_code == 429


def test_a_proxy_writes_no_session_and_one_entry(proxied: People) -> None:
    for _ in range(5):
        assert proxied.browser(address=PROXY, headers=HEADERS).get("/queue").status_code == 200
    with proxied.store.reading() as session:
        assert session.scalar(select(func.count()).select_from(SessionRow)) == 0
        entries = session.scalars(select(SignIn.how).where(SignIn.person == "ann", SignIn.kind == "signed in")).all()
    assert entries == ["proxy"]


def test_a_proxy_sends_names_in_utf8(proxied: People) -> None:
    headers = [(name.encode(), value.encode()) for name, value in (HEADERS | {"X-Remote-User": "Zoé Müller"}).items()]
    answer = proxied.browser(address=PROXY).get("/api/v1/me", headers=headers)
    assert answer.json()["name"] == "Zoé Müller"


@pytest.mark.parametrize("header", ["X-Remote-User", "X-Remote-Groups", "X-Remote-Squads"])
def test_a_header_that_comes_twice_is_refused(proxied: People, header: str) -> None:
    headers = [*HEADERS.items(), (header, "admin")]
    answer = proxied.browser(address=PROXY).get("/api/v1/me", headers=headers)
    assert answer.status_code == 403
    assert "came 2 times" in answer.text


def test_the_access_of_a_single_sign_on_person_can_be_revoked(proxied: People) -> None:
    browser = proxied.browser(address=PROXY, headers=HEADERS | {"X-Remote-User": "eva"})
    assert browser.get("/queue").status_code == 200
    revocation.revoke_person(proxied.store, "eva")
    answer = browser.get("/queue")
    assert (answer.status_code, "was revoked" in answer.text) == (403, True)
    revocation.restore_person(proxied.store, "eva")
    assert browser.get("/queue").status_code == 200
    with pytest.raises(UsageError, match="did you mean 'eva'"):
        revocation.revoke_person(proxied.store, "evaa")
    with pytest.raises(UsageError, match="is not revoked"):
        revocation.restore_person(proxied.store, "eva")


def test_sessions_and_tokens_end_one_by_one(local: People) -> None:
    first, second = (users.create_token(local.store, "rob", label) for label in ("crm", "bi"))
    _, browser = try_password(local, "ann", PASSWORD)
    assert browser.get("/queue").status_code == 200

    def me(token: str) -> int:
        return int(local.browser().get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code)

    assert (me(first), me(second)) == (200, 200)
    by_label = {token.label: token for token in revocation.list_tokens(local.store)}
    assert by_label["crm"].last_used_at is not None
    assert first not in str(by_label)
    revocation.revoke_token(local.store, by_label["crm"].id)
    assert (me(first), me(second)) == (401, 200)
    assert [row.person for row in revocation.list_sessions(local.store)] == ["ann"]
    assert revocation.end_sessions(local.store, "ann") == 1
    assert browser.get("/queue").status_code == 303
    ended = revocation.revoke_person(local.store, "rob")
    assert ended.tokens == 1
    assert me(second) == 401
    assert try_password(local, "rob", PASSWORD)[0].status_code == 401


def test_the_commands(local: People, tmp_path: Path) -> None:
    def rescue(*words: str) -> str:
        done = CliRunner().invoke(app, [*words, "--home", str(tmp_path)])
        return done.stdout + str(done.exception or "")

    token = users.create_token(local.store, "ann", "crm sidebar")
    listed = rescue("tokens", "list")
    assert "crm sidebar" in listed
    assert "never" in listed
    assert token not in listed
    (summary,) = revocation.list_tokens(local.store)
    assert "is revoked" in rescue("tokens", "revoke", summary.id)
    assert "There are no tokens" in rescue("tokens", "list")
    assert "There is no token 'x'" in rescue("tokens", "revoke", "x")
    assert "Nobody is signed in" in rescue("sessions", "list")
    try_password(local, "ann", PASSWORD)
    assert "ann" in rescue("sessions", "list")
    assert "or use --all" in rescue("sessions", "end")
    assert "1 session ended" in rescue("sessions", "end", "--all")
    assert "has no session" in rescue("sessions", "end", "ann")
    assert "is revoked" in rescue("users", "revoke", "ann")
    assert "can sign in again" in rescue("users", "restore", "ann")


def test_somebody_whose_access_is_revoked_gets_no_cases(local: People) -> None:
    revocation.revoke_person(local.store, "rob")
    with local.store.reading() as session:
        situation = load_situation(session, load_roster(session))
    assert "rob" in situation.disabled
