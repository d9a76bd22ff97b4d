"""Taking the next case of the queue, and a third risk on its pages."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.web.page_forms import listed_cases, send_form
from support.web.web_fixture import ANALYST, LEAD, VIEWER, Site, fresh_store, running
from support.web.web_queue import RISKS

CONTRACTION = {**RISKS, "contraction": (0.1, 0.9)}


@pytest.fixture
def three_risks(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Site]:
    """The app on a queue whose newest night scored a third risk."""
    with fresh_store(migrated_sqlite, tmp_path, 12, risks=CONTRACTION) as store, running(store) as site:
        yield site


def test_a_third_risk_is_a_column_a_filter_and_a_sort_order(three_risks: Site) -> None:
    ada = three_risks.browser(ANALYST)
    page = ada.get("/queue?sort=contraction").text
    header = re.search("<thead.*?</thead>", page, re.DOTALL)
    assert header
    titles = re.findall(r'href="/queue[^"]*" title="Sort by ([^"]+)">', header[0])
    assert titles == [
        *("account name", "recurring revenue", "churn risk", "contraction risk", "escalation risk"),
        *("renewal date", "next deadline"),
    ]
    assert 'aria-sort="descending"><a href="/queue?sort=contraction"' in header[0]
    shares = [
        int(share)
        for share in re.findall(r'data-label="Contraction"><span class="risk"><span class="num">(\d+)%', page)
    ]
    assert len(shares) == 12
    assert shares == sorted(shares, reverse=True)
    assert '<option value="contraction">Contraction</option>' in page
    assert listed_cases(ada.get("/queue?risk=contraction")) == []


def test_a_third_risk_is_on_the_account_page_and_the_overview(three_risks: Site) -> None:
    ada = three_risks.browser(ANALYST)
    account = ada.get("/account/a-000000").text
    assert 'aria-label="Contraction risk: ' in account
    assert "<dt>Contraction risk</dt>" in account
    assert "Contraction: 323 accounts scored." in ada.get("/overview").text


def test_taking_the_next_case_shows_the_most_urgent_new_one(ines: httpx.Client) -> None:
    first, second = listed_cases(ines.get("/queue"))[:2]
    answer = send_form(ines, "/queue/next", back="/queue")
    assert (answer.url.path, "The case is yours." in answer.text) == (f"/case/{first}", True)
    assert send_form(ines, "/queue/next", back="/queue").url.path == f"/case/{second}"
    assert set(listed_cases(ines.get("/queue?mine=1"))) == {first, second}


def test_taking_the_next_case_keeps_to_the_squad_of_the_view(site: Site) -> None:
    lead = site.browser(LEAD)
    page = lead.get("/queue?squad=support")
    assert '<input type="hidden" name="squad" value="support">' in page.text
    answer = send_form(lead, "/queue/next", squad="support", back="/queue?squad=support")
    assert answer.url.path == f"/case/{listed_cases(page)[0]}"
    assert send_form(lead, "/queue/next", squad="strategic").status_code == 403


def test_without_a_new_case_there_is_a_message(ines: httpx.Client) -> None:
    for _ in listed_cases(ines.get("/queue")):
        assert send_form(ines, "/queue/next", back="/queue").url.path.startswith("/case/")
    answer = send_form(ines, "/queue/next", back="/queue?state=new")
    assert str(answer.url).endswith("/queue?state=new&done=no_new_case")
    assert "There is no new case left in your squads." in answer.text


def test_only_those_who_work_cases_can_take_the_next_one(site: Site) -> None:
    for person in (ANALYST, VIEWER):
        browser = site.browser(person)
        assert "Take the next case" not in browser.get("/queue").text
        assert send_form(browser, "/queue/next").status_code == 403
