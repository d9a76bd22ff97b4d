"""Requests that no browser sends: each has an answer that is no failure of the app, and holds up nobody else."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from support.web.page_forms import token_in
from support.web.web_fixture import INES, Site
from support.web.web_people import People, TestClient, opened, settled

from features.errors import UsageError
from serving.cases.permissions import Role
from serving.policy.definition.toml_lines import line_index
from serving.signals.signal_settings import SignalSettings
from serving.store.database import Store, StoreUnavailableError
from serving.store.people_tables import SavedView
from serving.store.tables import CaseEvent
from serving.web import create_app
from serving.web.answers.slack_payload import UnreadablePayloadError, read_click
from serving.web.identity.review_settings import ReviewSettings
from serving.web.security.request_limit import Limits, RequestLimit
from serving.web.views.results import policy_words

AT_ONCE = 45
"""More changes than the server has threads."""


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    found = opened(tmp_path_factory.mktemp("hostile") / "rescue.db", trusted_proxies=["10.0.0.0/8"])
    found.store.migrate()
    settled(found.store, 2)
    yield found
    found.close()


@contextmanager
def held(path: str) -> Iterator[sqlite3.Connection]:
    """Another process writes, and does not end; the connection is released at the end of the block at the latest."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        if connection.in_transaction:
            connection.rollback()


@pytest.mark.parametrize("charset", ["undefined", "unicode_escape", "utf-16", "x\x00y", "punycode"])
def test_a_form_in_an_encoding_that_no_browser_uses_is_refused(people: People, charset: str) -> None:
    """Python's codecs include some that always fail, and some that make half characters."""
    body = b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\n\\ud800\r\n--x--\r\n'
    kind = f"multipart/form-data; boundary=x; charset={charset}"
    for browser in (people.browser(), people.signed_in(Role.REVIEWER)):
        assert browser.post("/queue/next", content=body, headers={"Content-Type": kind}).status_code == 415
    plain = people.signed_in(Role.REVIEWER).post(
        "/queue/next", content=body, headers={"Content-Type": "multipart/form-data; boundary=x; charset=UTF-8"}
    )
    assert plain.status_code == 303


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/queue/claim", {"case": "none:" + "9" * 5000}),
        ("/queue/snooze", {"case": "none:1", "days": "0001" + "9" * 100, "snooze_reason": "later"}),
        ("/views/" + "9" * 30 + "/delete", {}),
        ("/case/none/claim", {"version": "9" * 4000}),
    ],
)
def test_a_number_of_any_length_is_no_failure(people: People, path: str, form: dict[str, str]) -> None:
    assert people.signed_in(Role.REVIEWER).post(path, data=form).status_code < 500


@pytest.mark.parametrize("path", ["/queue", "/accounts"])
def test_a_page_number_of_any_length_shows_the_first_page(people: People, path: str) -> None:
    page = people.signed_in(Role.REVIEWER).get(f"{path}?page=000000001" + "9" * 100)
    assert page.status_code == 200
    assert "Nordlicht" in page.text or "1–" in page.text


def test_half_a_character_is_refused_by_both_databases_in_words(people: People) -> None:
    with pytest.raises(UsageError, match="half a character"), people.store.transaction() as session:
        session.execute(select(CaseEvent.id).where(CaseEvent.comment == "\ud800"))


def test_a_stored_address_that_is_none_of_the_app_is_no_link(people: People) -> None:
    with people.store.transaction() as session:
        for number, url in enumerate(("javascript:alert(1)", "//evil.example", "/queue?mine=1")):
            session.add(SavedView(person="reader", name=f"view {number}", url=url, created_at=people.now))
    page = people.signed_in(Role.REVIEWER, name="reader").get("/queue").text
    assert ("view 0" in page, "view 1" in page, "view 2" in page) == (False, False, True)


def test_a_form_of_slack_without_a_value_cannot_be_read() -> None:
    body = (
        "payload={%22type%22:%22view_submission%22,%22user%22:{%22id%22:%22U1234567%22},%22view%22:{%22callback_id%22:"
        "%22rescue_case_snooze%22,%22private_metadata%22:%22{\\%22subject\\%22:\\%22a\\%22}%22,"
        "%22state%22:{%22values%22:{%22reason%22:{}}}}}"
    )
    with pytest.raises(UnreadablePayloadError):
        read_click(body.encode())


def test_what_a_proxy_passes_on_is_not_from_this_machine(people: People, tmp_path: Path) -> None:
    """Behind a proxy on the same machine every connection is a local one, so that anybody could read the figures."""
    local, forwarded = ("127.0.0.1", 1), {"X-Forwarded-For": "203.0.113.9"}
    assert people.browser(address=local).get("/metrics").status_code == 200
    assert people.browser(address=local).get("/metrics", headers=forwarded).status_code == 404
    named = {"X-Forwarded-For": "127.0.0.1"}
    assert people.browser(address=("10.0.0.1", 1)).get("/metrics", headers=named).status_code == 200
    assert people.browser(address=("10.0.0.1", 1)).get("/metrics", headers=forwarded).status_code == 404


def test_one_sender_behind_a_proxy_does_not_use_up_the_budget_of_another(people: People) -> None:
    settings = ReviewSettings.model_validate({"trusted_proxies": ["10.0.0.0/8"]})
    limits = SignalSettings.model_validate({"secret": "whsec_" + "a" * 32, "requests_per_minute": 2})
    app = create_app(people.store, settings, signals=limits)
    with TestClient(app, client=("10.0.0.1", 1)) as client:

        def send(client_address: str) -> Any:
            return client.post("/api/v1/signals", content=b"{}", headers={"X-Forwarded-For": client_address})

        assert [send("203.0.113.9").status_code for _ in range(3)] == [401, 401, 429]
        assert send("203.0.113.10").status_code == 401


@pytest.mark.parametrize(
    "run",
    [
        lambda: line_index("a = [\n[" + " " * 20_000 + "1,\n2]]\n"),
        lambda: line_index(("[" + "a " * 20_000 + "\n") * 3),
        lambda: policy_words._ADDRESS.sub("", "a" * 100_000),
        lambda: policy_words._ADDRESS.sub("", "a@" + "a-" * 50_000),
    ],
    ids=["spaces in a list", "words in a header", "no address", "no domain"],
)
def test_no_text_of_a_policy_takes_a_pattern_long(run: Any) -> None:
    start = time.process_time()
    run()
    assert time.process_time() - start < 1


def test_headers_and_keys_have_their_lines() -> None:
    text = '[a]\nb = 1\n[[c.d]] # e\n["f]g".h]\ni.j = [\n[1],\n]\n'
    assert {path: line for path, line in line_index(text).items() if path != ("1",)} == {
        ("a",): 1,
        ("a", "b"): 2,
        ("c", "d", 0): 3,
        ("f]g", "h"): 4,
        ("f]g", "h", "i", "j"): 5,
    }


def test_a_page_does_not_wait_for_a_writer_to_store_that_it_was_read(site: Site, web_store: Store) -> None:
    identity = site.app.state.identity
    value = identity.sessions.begin(INES, how="test", address=None)
    now = identity.sessions.clock()
    identity.sessions.clock = lambda: now + timedelta(minutes=5)
    with held(str(web_store.url.database)):
        start = time.monotonic()
        assert identity.sessions.find(value) is not None
        assert time.monotonic() - start < 5
    assert identity.sessions.find(value) is not None  # and stores it


def test_pages_are_read_while_more_changes_wait_than_there_are_threads(
    site: Site, web_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A night that is being recorded holds the database: every change waits, no page does, and none is lost."""
    browser = site.browser(INES)
    form = {"csrf": token_in(browser.get("/queue").text), "version": "1"}

    def comment(number: int) -> int:
        return browser.post("/case/case000000000/comment", data=form | {"text": f"note {number}"}).status_code

    with ThreadPoolExecutor(AT_ONCE) as pool, held(str(web_store.url.database)) as holder:
        written = [pool.submit(comment, number) for number in range(AT_ONCE)]
        time.sleep(1.0)
        seconds = []
        for _ in range(3):
            start = time.monotonic()
            assert site.browser().get("/static/app.css").status_code == 200
            assert browser.get("/waiting").status_code == 200
            seconds.append(time.monotonic() - start)
        assert not any(answer.done() for answer in written)
        holder.rollback()
        assert [answer.result(60) for answer in written] == [200] * AT_ONCE
    assert min(seconds) < 5
    with web_store.reading() as session:
        kept = session.scalars(select(CaseEvent.comment).where(CaseEvent.kind == "comment")).all()
    assert sorted(kept) == sorted(f"note {number}" for number in range(AT_ONCE))


@pytest.mark.parametrize(("method", "path"), [("POST", "/queue/next"), ("GET", "/queue")])
def test_a_request_that_gets_no_turn_is_refused(method: str, path: str) -> None:
    """And says that nothing was saved; what machines ask of the app is answered anyway."""
    answered = threading.Event()

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        answered.set()
        await PlainTextResponse("ok")(scope, receive, send)

    limit = RequestLimit(inner, Limits(pages=0, changes=0, seconds=0.01))
    shell = Starlette()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["app"] = shell
        await limit(scope, receive, send)

    answer = TestClient(app).request(method, path)
    assert (answer.status_code, "nothing was saved" in answer.text, answered.is_set()) == (503, True, False)
    assert TestClient(app).request(method, "/healthz").status_code == 200


def test_a_client_that_reads_slowly_keeps_no_turn() -> None:
    """Else eight of them would stop every page."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("ok")(scope, receive, send)

    limit, seen = RequestLimit(answer, Limits(pages=1, changes=1, seconds=0.5)), []
    scope = {"type": "http", "method": "GET", "path": "/queue", "headers": []}

    async def ask(forever: bool) -> None:
        async def send(message: Any) -> None:
            seen.append(message["type"])
            if forever:
                await asyncio.sleep(30)

        await limit(scope, None, send)  # type: ignore[arg-type]

    async def both() -> None:
        slow = asyncio.create_task(ask(forever=True))
        await asyncio.sleep(0.05)
        await ask(forever=False)
        slow.cancel()

    asyncio.run(both())
    assert seen == ["http.response.start", "http.response.start", "http.response.body"]


def test_writers_of_one_process_do_not_wait_for_each_other_without_end(
    web_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.store.database.BUSY_SECONDS", 0.2)
    with ThreadPoolExecutor(1) as pool, web_store.transaction():

        def write() -> None:
            with web_store.transaction():
                raise AssertionError("two writers at once")

        with pytest.raises(StoreUnavailableError, match="is busy: nothing was written"):
            pool.submit(write).result(30)
