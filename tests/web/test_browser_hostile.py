"""Text of strangers stays text: sixty payloads in every field, on every page, as served and in a browser."""

import os
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import sync_playwright
from support.web.hostile_texts import PAYLOADS
from support.web.page_forms import token_in
from support.web.web_fixture import LEAD, Site, fresh_store, running

from serving.store import Store

CHROMIUM = Path(os.environ.get("RESCUE_CHROMIUM", "/usr/bin/chromium"))
FIELDS = (
    "name",
    "segment",
    "industry",
    "region",
    "owner",
    "headline",
    "routed",
    "comment",
    "Export broken <script>alert(1)</script>",
    "A week of waiting.",
    "It works now, thank you.",
    "no satisfaction scores",
    "tickets are 2 days old",
    "executive call",
    "Find out why they use it less",
    "If use came back to its normal level",
    "Product events fell 43% against the four weeks before; last one on 12 Feb",
    "Health fell from 78 to 54 within a month",
    "The oldest overdue invoice is 22 days late",
    "Churn within 90 days",
)
"""Columns of the tables, and the texts of the invented hand-off that strangers could have written."""


def same(number: int) -> dict[str, str]:
    """One payload everywhere."""
    return dict.fromkeys(FIELDS, PAYLOADS[number])


def mixed(number: int) -> dict[str, str]:
    """Another payload in each field."""
    return {field: PAYLOADS[(number * len(FIELDS) + place) % len(PAYLOADS)] for place, field in enumerate(FIELDS)}


class Shape(HTMLParser):
    """What a page is made of, without its texts: elements and the names of their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.parts: Counter[str] = Counter()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "option":  # there are as many as there are different texts
            self.parts[f"{tag} {sorted(name for name, _ in attrs)}"] += 1


@pytest.fixture
def benign(migrated_sqlite: Path, tmp_path: Path) -> Iterator[httpx.Client]:
    folder = tmp_path / "benign"
    folder.mkdir()
    plain = dict.fromkeys(FIELDS, "Nothing much at all")
    with fresh_store(migrated_sqlite, folder, 60, texts=lambda _: plain) as store, running(store) as site:
        yield site.browser(LEAD)


@pytest.fixture
def attacked(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Site]:
    with fresh_store(migrated_sqlite, tmp_path, 60, texts=same) as store, running(store) as site:
        yield site


def test_no_payload_changes_what_a_page_is_made_of(benign: httpx.Client, attacked: Site) -> None:
    """The page of a case full of a payload has the same elements and attributes as that of a harmless one."""
    hostile = attacked.browser(LEAD)
    told = 0
    for number in range(len(PAYLOADS)):
        paths = [f"/case/case{number:09d}", f"/account/a-{number:06d}", f"/accounts?q=a-{number:06d}"]
        for path in [*paths, "/queue", "/queue?layout=board", "/my-day", "/waiting"] if number == 0 else paths:
            page, plain = hostile.get(path), benign.get(path)
            assert page.status_code == plain.status_code
            assert Shape(page.text).parts == Shape(plain.text).parts, (path, PAYLOADS[number])
            told += page.status_code == 200
    assert told > len(PAYLOADS)


def test_what_was_typed_is_given_back_as_text(site: Site) -> None:
    """By the case that refuses it, by a page older than the session, and by the page to sign in on."""
    reader, nobody = site.browser(LEAD), site.browser()
    tokens = {browser: token_in(browser.get(path).text) for browser, path in ((reader, "/queue"), (nobody, "/sign-in"))}
    ways = ((reader, tokens[reader], 409), (reader, "0" * 64, 403), (nobody, tokens[nobody], 401))

    def given_back(text: str) -> list[Shape]:
        found = []
        for browser, token, status in ways:
            form = {"csrf": token, "version": "1", "text": text}
            answer = browser.post("/case/case000000000/plan", data=form, headers={"Sec-Fetch-Site": "same-origin"})
            assert answer.status_code == status, text
            found.append(Shape(answer.text))
        return found

    plain = [shape.parts for shape in given_back("Nothing much at all")]
    for payload in PAYLOADS:
        assert [shape.parts for shape in given_back(f"x{payload}")] == plain, payload


@pytest.mark.browser
def test_no_script_runs_in_a_browser(migrated_sqlite: Path, tmp_path: Path) -> None:
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}: `make system` installs one")
    found: list[str] = []
    store: Store = fresh_store(migrated_sqlite, tmp_path, 12, texts=mixed)
    with store, running(store) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.on("dialog", lambda dialog: (found.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: found.append(str(error)))
        page.on("console", lambda said: found.append(said.text) if said.type == "error" else None)
        page.on("request", lambda sent: found.append(sent.url) if not sent.url.startswith(site.address) else None)
        page.goto(site.link(LEAD))
        seen = [page.locator("a.open").nth(place).get_attribute("href") for place in range(4)]
        pages = [f"/account/a-{number:06d}" for number in range(3)]
        shown = ("/queue", "/queue?layout=board", "/my-day", "/waiting", "/accounts", "/overview")
        for path in (*shown, *map(str, seen), *pages):
            page.goto(site.address + path)
            assert page.title().endswith("· Rescue")
        browser.close()
    assert found == []
