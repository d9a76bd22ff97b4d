"""The queue page: in order, filtered by its address, a page at a time, worked from the list."""

import html
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update
from support.nights.handoff_factory import NIGHT
from support.web.page_forms import listed_cases, send_form
from support.web.web_fixture import ANALYST, INES, LEAD, TOM, VIEWER, Site, running

from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.store import Store
from serving.store.handover_tables import AbsenceRow
from serving.store.tables import Account, Case, CaseScore, NightRow
from serving.web.views.work.queue_view import QueueView


def test_the_queue_is_my_squads_in_the_order_in_which_to_work_it(ines: httpx.Client, web_store: Store) -> None:
    with web_store.reading() as session:
        mine = session.query(Case.id).filter(Case.squad == "success").order_by(Case.priority.desc()).all()
    assert listed_cases(ines.get("/queue")) == [row.id for row in mine]


def test_an_analyst_sees_every_squad_and_can_claim_nothing(site: Site) -> None:
    page = site.browser(ANALYST).get("/queue")
    assert len(listed_cases(page)) == 12
    assert 'class="claim"' not in page.text
    assert 'name="case"' not in page.text


def test_filters_sorting_and_text_are_in_the_address(site: Site, web_store: Store) -> None:
    lead = site.browser(ANALYST)
    from serving.store.tables import Account, Case

    with web_store.reading() as session:
        found = session.query(Case, Account).join(Account, Case.account_id == Account.account_id).all()
    first = found[0][1]
    expected = {
        "squad=support": {case.id for case, _ in found if case.squad == "support"},
        "risk=escalation": {case.id for case, _ in found if case.risk == "escalation"},
        f"segment={first.segment}": {case.id for case, account in found if account.segment == first.segment},
        f"owner={first.owner}": {case.id for case, account in found if account.owner == first.owner},
        "renews=90": {case.id for case, account in found if 0 <= (account.renews_on - case.opened_on).days <= 90},
        f"q={first.name[:6].upper()}": {case.id for case, account in found if first.name[:6] in account.name},
        "q=overdue": {case.id for case, _ in found if "overdue" in case.headline},
        "mine=1": set(),
        "state=snoozed": set(),
        "state=closed": set(),
    }
    for query, wanted in expected.items():
        assert set(listed_cases(lead.get(f"/queue?{query}"))) == wanted, query
    by_revenue = sorted(found, key=lambda row: -row[0].revenue)
    assert listed_cases(lead.get("/queue?sort=revenue")) == [case.id for case, _ in by_revenue]
    by_risk = sorted(found, key=lambda row: -row[0].probabilities["churn"])
    assert listed_cases(lead.get("/queue?sort=churn")) == [case.id for case, _ in by_risk]


def test_an_invalid_address_shows_the_default_queue(ines: httpx.Client) -> None:
    plain = listed_cases(ines.get("/queue"))
    for query in ("state=nonsense", "sort=drop", "page=0", "page=-3", "page=x", "renews=%00", "risk='--", "page=९"):
        assert listed_cases(ines.get(f"/queue?{query}")) == plain, query
    assert listed_cases(ines.get("/queue?page=99999")) == plain  # the last page
    assert "No case matches" in ines.get("/queue?q=%25_%5C").text


def test_a_search_without_a_case_leads_to_where_else_the_words_may_be(ines: httpx.Client) -> None:
    page = ines.get("/queue?q=A+%26+B").text
    assert ('href="/queue?state=closed&amp;q=A+%26+B"' in page, 'href="/accounts?q=A+%26+B"' in page) == (True, True)
    assert 'href="/queue?q=A+%26+B"' in ines.get("/queue?state=lost&q=A+%26+B").text
    assert "Search all accounts" not in ines.get("/queue?state=lost&risk=churn").text


def test_a_page_behind_the_last_one_is_the_last_one() -> None:
    assert [QueueView(page=page).within(101).page for page in (1, 3, 4)] == [1, 3, 3]
    assert QueueView(page=2).within(0).page == 1


def test_a_view_and_its_address_are_the_same_thing() -> None:
    view = QueueView(
        squad="a&b", mine=True, state="new", risk="churn", segment="x", owner="ü", renews=30, q="?#", sort="clock"
    )
    address = httpx.URL("http://rescue.test" + view.url(page=3))
    assert QueueView.of(dict(address.params), ("churn",)) == QueueView(**{**vars(view), "page": 3})
    assert QueueView().url() == "/queue"
    assert QueueView(page=4).url(sort="clock") == "/queue?sort=clock"


def test_tabs_count_the_open_cases_by_state(ines: httpx.Client, web_store: Store) -> None:
    page = ines.get("/queue").text
    total = len(listed_cases(ines.get("/queue")))
    assert f'All open <span class="count">{total}</span>' in page
    assert 'Waiting <span class="count">3</span>' in page
    assert f'All lanes <span class="count">{total}</span>' in page
    assert len(re.findall('data-label="Squad">success</td>', ines.get("/waiting").text)) == 3


def test_a_state_that_no_case_is_in_is_named(ines: httpx.Client) -> None:
    assert "No case is snoozed." in ines.get("/queue?state=snoozed").text
    assert "No case is closed." in ines.get("/queue?state=closed").text
    assert "No case matches these filters." in ines.get("/queue?state=snoozed&q=nobody").text


def test_claiming_from_the_list_stays_in_the_list(ines: httpx.Client) -> None:
    answer = send_form(ines, "/case/case000000000/claim", version="1", back="/queue?sort=clock")
    assert str(answer.url).endswith("/queue?sort=clock&done=claim")
    assert "The case is yours." in answer.text
    assert listed_cases(ines.get("/queue?mine=1")) == ["case000000000"]


def test_a_form_cannot_send_anybody_elsewhere(ines: httpx.Client) -> None:
    answer = send_form(ines, "/case/case000000001/claim", version="1", back="//evil.example/")
    assert answer.url.host == "127.0.0.1"


def test_a_lead_gives_several_cases_to_one_person_at_once(site: Site, ines: httpx.Client) -> None:
    lead = site.browser(LEAD)
    chosen = ["case000000000:1", "case000000001:1", "case000000002:7"]
    answer = send_form(lead, "/queue/assign", case=chosen, person="mara", back="/queue?squad=success")
    assert answer.status_code == 422
    assert "2 cases assigned to mara." in answer.text
    assert re.search(r"\w+ \w+: rescue opened the case on .*? [(]UTC[)], after you opened this page", answer.text)
    assert "Select at least one case" in send_form(lead, "/queue/assign", person="mara").text
    assert send_form(ines, "/queue/assign", case=chosen, person="mara").status_code == 403


def test_cases_are_assigned_to_people_of_their_squads_who_are_there(site: Site, web_store: Store) -> None:
    with web_store.transaction() as session:
        spans = {"starts_at": site.clock.now - timedelta(days=1), "ends_at": site.clock.now + timedelta(days=1)}
        session.add(
            AbsenceRow(person="jonas", **spans, source="app", entered_by="lea", entered_at=site.clock.now, reason="ill")
        )
    lead = site.browser(LEAD)

    def offered(address: str) -> dict[str, str]:
        sheet = lead.get(address).text.partition('<select name="person">')[2].partition("</select>")[0]
        return dict(re.findall(r'<option value="(\w+)">([^<]+)<', sheet))

    assert set(offered("/queue?squad=success")) == {"ines", "mara"}
    every = offered("/queue")
    assert "cases of success only" in every["mara"]
    assert "cases of support only" in every["tom"]


def test_only_cases_that_the_reader_may_change_can_be_selected(
    site: Site, ines: httpx.Client, web_store: Store
) -> None:
    theirs, mine = listed_cases(ines.get("/queue"))[:2]
    with web_store.transaction() as session:
        session.get_one(Case, theirs).owner, session.get_one(Case, mine).owner = "jonas", "ines"
    page = ines.get("/queue").text
    assert f'name="case" value="{mine}:' in page and f'name="case" value="{theirs}:' not in page
    assert f'name="case" value="{theirs}:' in site.browser(LEAD).get("/queue").text


def test_views_can_be_saved_and_deleted(ines: httpx.Client) -> None:
    answer = send_form(ines, "/views", name="<b>Soon</b>", url="/queue?renews=30")
    assert str(answer.url).endswith("/queue?renews=30&done=view_saved")
    assert '<a href="/queue?renews=30" aria-current="page">&lt;b&gt;Soon&lt;/b&gt;</a>' in answer.text
    number = re.search(r"/views/(\d+)/delete", answer.text)
    assert number
    assert "Soon" not in send_form(ines, f"/views/{number[1]}/delete", back="/queue").text
    assert send_form(ines, "/views", name="x", url="https://evil.example").status_code == 422


def test_a_viewer_gets_no_forms(site: Site) -> None:
    page = site.browser(VIEWER).get("/case/case000000000").text
    assert "You can read this case, but not change it." in page
    assert 'href="/overview"' in page and 'href="/policy/edit"' not in page, "a viewer reads, and changes nothing"
    assert "/claim" not in page
    assert "<textarea" not in page


def test_the_first_page_is_the_queue_or_the_overview_for_who_only_reads(site: Site, ines: httpx.Client) -> None:
    assert ines.get("/").url.path == "/queue"
    assert site.browser(VIEWER).get("/").url.path == "/overview"


def test_the_colours_are_remembered(ines: httpx.Client) -> None:
    assert 'data-theme="dark"' in send_form(ines, "/theme", theme="dark", back="/overview").text
    assert "data-theme" not in send_form(ines, "/theme", theme="auto", back="/queue").text


def test_an_empty_queue_says_what_to_do(migrated_sqlite: Path, tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    with Store(f"sqlite:///{path}") as store, running(store) as site:
        browser = site.browser(ANALYST)
        assert "No night has been recorded yet" in browser.get("/queue").text
        assert "No night has been recorded yet" in browser.get("/overview").text
        assert browser.get("/waiting").status_code == browser.get("/accounts").status_code == 200


def test_cases_of_another_squad_are_not_even_counted(site: Site) -> None:
    tom = site.browser(TOM)
    assert listed_cases(tom.get("/queue?squad=success")) == []
    assert 'All open <span class="count">0</span>' in tom.get("/queue?squad=success").text


def test_filters_offer_only_what_the_person_may_see(site: Site, web_store: Store) -> None:
    def offered(browser: httpx.Client, name: str) -> set[str]:
        listed = re.search(f'<select name="{name}">(.*?)</select>', browser.get("/queue").text, re.DOTALL)
        assert listed
        return {html.unescape(value) for value in re.findall(r'<option value="([^"]+)"', listed[1])}

    def owners(squads: set[str]) -> set[str]:
        with web_store.reading() as session:
            seen = select(Account.owner).join(Case, Case.account_id == Account.account_id)
            return {owner for owner in session.scalars(seen.where(Case.squad.in_(squads))) if owner}

    ines, tom = site.browser(INES), site.browser(TOM)
    every = owners({"success", "support", "strategic"})
    assert offered(ines, "owner") == owners({"success"})
    assert offered(tom, "owner") == owners({"support"}) < every
    assert offered(site.browser(ANALYST), "owner") == every
    assert offered(tom, "squad") == {"support"}
    work = Cases(web_store, clock=site.clock)
    mine = Actor("ines", Role.REVIEWER, frozenset({"success"}))
    with web_store.reading() as session:
        cases = list(session.scalars(select(Case.id).where(Case.squad == "success")))
    for case in cases:
        work.hand_over(case, mine, squad="support", reason="It is theirs")
    assert offered(ines, "owner") == set()
    assert offered(tom, "owner") == owners({"support"})


def change_cases(store: Store, squad: str, *values: dict[str, Any]) -> list[str]:
    """Change the first cases of a squad as a night does, one set of values for each; their ids."""
    with store.transaction() as session:
        ids = list(session.scalars(select(Case.id).where(Case.squad == squad).order_by(Case.id).limit(len(values))))
        for case_id, columns in zip(ids, values, strict=True):
            session.execute(update(Case).where(Case.id == case_id).values(columns))
    return ids


def row_of(page: httpx.Response, case_id: str) -> str:
    """The line of a case, as the text that a person reads."""
    found = re.search(f'<tr role="row" data-case="{case_id}">(.*?)</tr>', page.text, re.DOTALL)
    assert found
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", found[1])).split())


def test_lanes_are_tabs_and_an_address(ines: httpx.Client, web_store: Store, site: Site) -> None:
    ends = site.clock.now.date() + timedelta(days=9)
    leaving, gone = change_cases(
        web_store,
        "success",
        {"lane": "leaving", "ends_on": ends, "revenue": 6000.0, "at_stake": 2500.0},
        {"lane": "leaving", "ends_on": site.clock.now.date()},
    )
    page = ines.get("/queue?lane=leaving&sort=leaving")
    assert listed_cases(page) == [gone, leaving]
    assert "leaves in 9 days" in row_of(page, leaving)
    assert "leaves today" in row_of(page, gone)
    assert "6,000 EUR ends: 2,500 EUR" in row_of(page, leaving)
    assert re.search(r'lane=leaving[^>]*aria-current="page">Leaving <span class="count">2</span>', page.text)
    at_risk = listed_cases(ines.get("/queue?lane=at_risk"))
    assert sorted([*at_risk, leaving, gone]) == sorted(listed_cases(ines.get("/queue")))
    assert listed_cases(ines.get("/queue?lane=nonsense")) == listed_cases(ines.get("/queue"))


def test_the_list_shows_the_figures_of_tonight_and_their_change(ines: httpx.Client, web_store: Store) -> None:
    (case,) = change_cases(web_store, "success", {"probability": 0.5, "risk": "churn", "first_reason": "Two logins"})
    with web_store.transaction() as session:
        session.execute(
            update(CaseScore).where(CaseScore.case_id == case, CaseScore.risk == "churn").values(probability=0.62)
        )
    line = row_of(ines.get("/queue"), case)
    assert "62% +12 points since 1 Mar 2026" in line
    assert "Two logins" in line


def test_unknown_revenue_and_an_overdue_renewal_are_words(ines: httpx.Client, web_store: Store, site: Site) -> None:
    unknown, resolved = change_cases(
        web_store,
        "success",
        {"revenue": None, "at_stake": None, "estimated_revenue": 1200.0},
        {"resolved": "renewed", "resolved_on": NIGHT, "closes_on": NIGHT},
    )
    with web_store.transaction() as session:
        account = session.get_one(Case, unknown).account_id
        session.get_one(Account, account).renews_on = site.clock.now.date() - timedelta(days=3)
    page = ines.get("/queue")
    assert "unknown (estimated 1,200 EUR)" in row_of(page, unknown)
    assert "overdue by 3 days" in row_of(page, unknown)
    assert "Renewed." in row_of(page, resolved)


@pytest.mark.parametrize("address", ["/queue", "/waiting"])
def test_an_old_night_and_a_failed_one_are_said(ines: httpx.Client, site: Site, web_store: Store, address: str) -> None:
    assert "Warning:" not in ines.get(address).text
    site.clock.now += timedelta(days=4)
    failed = {"as_of": NIGHT + timedelta(days=3), "run_id": "r", "epoch": 1, "status": "failed"}
    moments = {"lease_until": site.clock.now, "started_at": site.clock.now}
    with web_store.transaction() as session:
        session.add(NightRow(**failed, **moments, failure="usage_daily has 3 rows; 4,000 are usual."))
    page = html.unescape(ines.get(address).text)
    assert "Warning: The newest night is 5 days old, and so is what this page shows." in page
    assert "Warning: The night of 4 Mar 2026 was not recorded: usage_daily has 3 rows; 4,000 are usual." in page
    for report in ("/overview", "/weekly"):  # a week without a case is not told without it
        told = html.unescape(site.browser(LEAD).get(report).text)
        assert "Warning: The newest night is 5 days old, and so is what this page shows." in told
