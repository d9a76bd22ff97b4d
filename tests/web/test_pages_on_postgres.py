"""The review app on PostgreSQL says what it says on SQLite: every page, order and filter, and what is done."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from support.web.page_forms import token_in
from support.web.web_fixture import ANALYST, LEAD, Site, fresh_store, running
from support.web.web_queue import RISKS, fill, work_through

from serving.store import Store
from serving.store.queries.queue_queries import SORTS

CASES = 40
PAGES = (
    *(
        f"/queue?sort={sort}" for sort in (*SORTS, *RISKS) if sort != "account"
    ),  # names are ordered by the database's language
    "/queue?squad=support",
    "/queue?mine=1",
    "/queue?state=snoozed",
    "/queue?state=closed",
    "/queue?state=closed&sort=amount",
    "/queue?risk=escalation",
    "/queue?segment=smb&renews=90",
    "/queue?owner=carla.park",
    "/queue?q=OVERDUE",
    "/queue?q=a-00001",
    "/queue?q=%25",
    "/waiting",
    "/case/case000000000",
    "/case/case000000030",  # of another squad than the lead's
    "/account/a-000000",
    "/overview",
    "/api/v1/cases?sort=renewal&renews=180",
    "/api/v1/accounts?text=wood",
    "/api/v1/overview",
)
CHANGES = re.compile(r'name="csrf" value="\w+"')


@pytest.fixture
def both(
    postgres_database: Callable[[bool], str], migrated_sqlite: Path, tmp_path: Path
) -> Iterator[tuple[Site, Site]]:
    """The same queue, partly worked, on SQLite and on PostgreSQL."""
    with fresh_store(migrated_sqlite, tmp_path, CASES, nights=3) as here, Store(postgres_database(True)) as there:
        fill(there, CASES, nights=3)
        for store in (here, there):
            work_through(store, 20, closed=8)
        with running(here) as one, running(there) as other:
            yield one, other


def told(answer: httpx.Response) -> str:
    assert answer.status_code in {200, 404}, answer.text
    return CHANGES.sub("", answer.text)


@pytest.mark.postgres
def test_every_page_is_the_same(both: tuple[Site, Site]) -> None:
    for person in (LEAD, ANALYST):
        one, other = (site.browser(person) for site in both)
        for path in PAGES:
            assert told(one.get(path)) == told(other.get(path)), path


@pytest.mark.postgres
def test_what_is_done_is_the_same(both: tuple[Site, Site]) -> None:
    answers = []
    for site in both:
        browser = site.browser(LEAD)
        form = {"csrf": token_in(browser.get("/queue").text), "version": "1"}
        for move, fields in (("claim", {}), ("plan", {"text": "Two trainings"}), ("undo", {}), ("claim", {})):
            browser.post("/case/case000000000/" + move, data=form | fields)
        browser.post("/views", data=form | {"name": "Soon", "url": "/queue?renews=90"})
        answers.append([told(browser.get(path)) for path in ("/case/case000000000", "/queue", "/accounts?q=a-00000")])
    assert answers[0] == answers[1]
