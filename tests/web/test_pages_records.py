"""Records of a case in other systems: links on its page and in the API, and comments that stay here."""

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import select
from support.web.page_forms import send_form
from support.web.web_fixture import INES, Site
from support.web.web_queue import NOW

from serving.delivery.outbox import PRIVATE
from serving.store import Store
from serving.store.exchange import ExternalRecordRow, Message
from serving.store.queries.case_queries import case_history

CASE = "case000000000"
PAGE = f"/case/{CASE}"
PRIVATE_BOX = 'name="private"'


@pytest.fixture
def recording(web_store: Store) -> Iterator[Store]:
    """The queue with a channel that keeps records, and two records of the case."""
    web_store.messages = replace(web_store.messages, recording=("helpdesk",))
    rows = [
        ("helpdesk", "1042", "https://desk.example/agent/tickets/1042", "Zendesk 1042: it is <b>not</b> possible."),
        ("tracker", "RES-7", "javascript:alert(1)", None),
    ]
    with web_store.transaction() as session:
        for channel, key, url, problem in rows:
            row = ExternalRecordRow(channel=channel, case_id=CASE, external_id=key, url=url, written={}, read={})
            row.problem, row.written_at = problem, NOW
            session.add(row)
    yield web_store


def test_the_case_page_links_to_the_records(recording: Store, site: Site) -> None:
    page = site.browser(INES).get(PAGE).text
    assert '<a href="https://desk.example/agent/tickets/1042" rel="noopener noreferrer">helpdesk 1042</a>' in page
    assert "Zendesk 1042: it is &lt;b&gt;not&lt;/b&gt; possible." in page
    assert 'href="javascript:' not in page
    assert "tracker RES-7" in page


def test_a_comment_can_stay_here(recording: Store, site: Site) -> None:
    browser = site.browser(INES)
    page = browser.get(PAGE).text
    assert PRIVATE_BOX in page
    _comment(browser, "Between us.", private="yes")
    _comment(browser, "For everybody.")
    with recording.reading() as session:
        comments = [event for event in case_history(session, CASE) if event.kind == "comment"]
        texts = [
            message.payload["data"]["comment"] for message in session.scalars(select(Message)) if _is_ours(message)
        ]
    assert [(event.comment, event.after.get(PRIVATE)) for event in comments[-2:]] == [
        ("Between us.", True),
        ("For everybody.", None),
    ]
    assert texts == ["For everybody."]


def test_without_such_a_channel_nothing_of_it_is_shown(site: Site) -> None:
    page = site.browser(INES).get(PAGE).text
    assert PRIVATE_BOX not in page
    assert "In other systems" not in page


def test_the_api_has_the_records(recording: Store, site: Site) -> None:
    found = site.browser(INES).get(f"/api/v1/cases/{CASE}").json()["external_records"]
    assert [(row["channel"], row["external_id"], row["gone_at"]) for row in found] == [
        ("helpdesk", "1042", None),
        ("tracker", "RES-7", None),
    ]
    assert found[0]["problem"].startswith("Zendesk 1042")


def _comment(browser: httpx.Client, text: str, **fields: str) -> None:
    answer = send_form(browser, f"{PAGE}/comment", text=text, **fields)
    assert answer.status_code == 200


def _is_ours(message: Message) -> bool:
    return message.channel == "helpdesk"
