"""What every answer tells the browser, and that our own pages keep to it."""

import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.web.web_people import People, opened, settled

from serving.cases.permissions import Role
from serving.web.security.headers import SECURITY_HEADERS

PAGES = (
    *("/sign-in", "/queue", "/queue?layout=board", "/my-day", "/waiting", "/incidents", "/accounts?q=a", "/overview"),
    *("/preferences", "/case/{case}"),
    *("/account/a000000", "/nothing", "/policy", "/policy/edit", "/policy/version/1", "/weekly"),
    "/answer?token=none",
)


@pytest.fixture(scope="module")
def people(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    path = tmp_path_factory.mktemp("headers") / "rescue.db"
    shutil.copy(migrated_sqlite, path)
    found = opened(path)
    yield found
    found.close()


@pytest.fixture(scope="module")
def case(people: People) -> str:
    return settled(people.store, 3)[0][0]


class Inline(HTMLParser):
    """Collects what a strict policy forbids."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(tag)
        self.found += [f"{tag} {name}" for name in names if name == "style" or name.startswith("on")]
        foreign = re.compile(r"(?i)^(https?:|//|javascript:|data:)")
        self.found += [
            f"{tag} {value}" for name, value in attrs if name in {"src", "href"} and foreign.match(value or "")
        ]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_keeps_to_the_policy(people: People, case: str, path: str) -> None:
    answer = people.signed_in(Role.ADMIN).get(path.format(case=case))
    assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert answer.headers["cache-control"] == "no-store"
    assert "max-age" in answer.headers["strict-transport-security"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "<main" in answer.text
    assert Inline(answer.text).found == []


def test_refusals_and_the_api_carry_the_headers_too(people: People) -> None:
    browser = people.browser()
    for answer in (
        browser.post("/queue"),
        browser.get("/api/v1/me"),
        browser.get("/queue"),
        browser.get("/static/none"),
    ):
        assert answer.status_code >= 303
        assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_a_form_from_elsewhere_is_refused_whatever_it_carries(people: People) -> None:
    browser = people.signed_in(Role.ADMIN)
    assert browser.post("/theme", data={"theme": "dark"}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert browser.post("/theme", data={"theme": "dark"}, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303


def test_the_token_may_come_as_a_field_of_either_kind_of_form(people: People) -> None:
    browser = people.signed_in(Role.ADMIN)
    token = {"csrf": browser.headers.pop("X-CSRF-Token"), "theme": "dark"}
    assert browser.post("/theme", data=token).status_code == 303
    parts = {name: (None, value) for name, value in token.items()}
    assert browser.post("/theme", files=parts).status_code == 303
    assert browser.post("/theme", data={"theme": "dark"}, files={"csrf": token["csrf"].encode()}).status_code == 403
    assert browser.post("/theme", json=token).status_code == 403


def test_another_sessions_token_is_worth_nothing(people: People) -> None:
    ann, eve = people.signed_in(Role.LEAD, name="ann"), people.signed_in(Role.LEAD, name="eve")
    assert ann.post("/theme", headers={"X-CSRF-Token": eve.headers["X-CSRF-Token"]}).status_code == 403


def test_over_plain_http_cookies_have_plain_names(migrated_sqlite: Path, tmp_path: Path) -> None:
    path = tmp_path / "rescue.db"
    shutil.copy(migrated_sqlite, path)
    people = opened(path, secure_cookies=False)
    answer = people.browser().get("/sign-in")
    people.close()
    assert answer.headers["set-cookie"].startswith("rescue-visit=")
    assert "Secure" not in answer.headers["set-cookie"]
    assert "strict-transport-security" not in answer.headers
