"""The queue page: in order, filtered by its address, a page at a time, worked from the list."""

import html
import re
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import event, select, update
from support.nights.handoff_factory import NIGHT, bare
from support.web.web_fixture import ANALYST, INES, LEAD, TOM, VIEWER, Site, fresh_store, running
from support.web.web_queue import RISKS, work_through

from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.store import Store
from serving.store.tables import Account, Case, CaseScore, NightRow
from serving.web.views.work.queue_view import QueueView

ROW = re.compile(r'<tr role="row" data-case="(\w+)">')
TOKEN = re.compile(r'name="csrf" value="(\w+)"')


def rows(page: httpx.Response) -> list[str]:
    assert page.status_code == 200, page.text
    return ROW.findall(page.text)


def send(browser: httpx.Client, path: str, **fields: str | list[str]) -> httpx.Response:
    token = TOKEN.search(browser.get("/queue").text)
    assert token
    return browser.post(path, data={"csrf": token[1], **fields})


@pytest.fixture
def ines(site: Site) -> httpx.Client:
    return site.browser(INES)


def test_the_queue_is_my_squads_in_the_order_in_which_to_work_it(ines: httpx.Client, web_store: Store) -> None:
    with web_store.reading() as session:
        mine = session.query(Case.id).filter(Case.squad == "success").order_by(Case.priority.desc()).all()
    assert rows(ines.get("/queue")) == [row.id for row in mine]


def test_an_analyst_sees_every_squad_and_can_claim_nothing(site: Site) -> None:
    page = site.browser(ANALYST).get("/queue")
    assert len(rows(page)) == 12
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
        assert set(rows(lead.get(f"/queue?{query}"))) == wanted, query
    by_revenue = sorted(found, key=lambda row: -row[0].revenue)
    assert rows(lead.get("/queue?sort=revenue")) == [case.id for case, _ in by_revenue]
    by_risk = sorted(found, key=lambda row: -row[0].probabilities["churn"])
    assert rows(lead.get("/queue?sort=churn")) == [case.id for case, _ in by_risk]


def test_an_invalid_address_shows_the_default_queue(ines: httpx.Client) -> None:
    plain = rows(ines.get("/queue"))
    for query in ("state=nonsense", "sort=drop", "page=0", "page=-3", "page=x", "renews=%00", "risk='--", "page=९"):
        assert rows(ines.get(f"/queue?{query}")) == plain, query
    assert rows(ines.get("/queue?page=99999")) == []
    assert "No case matches" in ines.get("/queue?q=%25_%5C").text


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
    total = len(rows(ines.get("/queue")))
    assert f'All open <span class="count">{total}</span>' in page
    assert 'Waiting <span class="count">3</span>' in page
    assert f'All lanes <span class="count">{total}</span>' in page
    assert len(re.findall('data-label="Squad">success</td>', ines.get("/waiting").text)) == 3


def test_a_state_that_no_case_is_in_is_named(ines: httpx.Client) -> None:
    assert "No case is snoozed." in ines.get("/queue?state=snoozed").text
    assert "No case is closed." in ines.get("/queue?state=closed").text
    assert "No case matches these filters." in ines.get("/queue?state=snoozed&q=nobody").text


def test_claiming_from_the_list_stays_in_the_list(ines: httpx.Client) -> None:
    answer = send(ines, "/case/case000000000/claim", version="1", back="/queue?sort=clock")
    assert str(answer.url).endswith("/queue?sort=clock&done=claim")
    assert "The case is yours." in answer.text
    assert rows(ines.get("/queue?mine=1")) == ["case000000000"]


def test_a_form_cannot_send_anybody_elsewhere(ines: httpx.Client) -> None:
    answer = send(ines, "/case/case000000001/claim", version="1", back="//evil.example/")
    assert answer.url.host == "127.0.0.1"


def test_a_lead_gives_several_cases_to_one_person_at_once(site: Site, ines: httpx.Client) -> None:
    lead = site.browser(LEAD)
    chosen = ["case000000000:1", "case000000001:1", "case000000002:7"]
    answer = send(lead, "/queue/assign", case=chosen, person="mara", back="/queue?squad=success")
    assert answer.status_code == 422
    assert "2 cases assigned to mara." in answer.text
    assert re.search(r"\w+ \w+: rescue opened the case on .*? [(]UTC[)], after you opened this page", answer.text)
    assert "Select at least one case" in send(lead, "/queue/assign", person="mara").text
    assert send(ines, "/queue/assign", case=chosen, person="mara").status_code == 403


def test_only_cases_that_the_reader_may_change_can_be_selected(
    site: Site, ines: httpx.Client, web_store: Store
) -> None:
    theirs, mine = rows(ines.get("/queue"))[:2]
    with web_store.transaction() as session:
        session.get_one(Case, theirs).owner, session.get_one(Case, mine).owner = "jonas", "ines"
    page = ines.get("/queue").text
    assert f'name="case" value="{mine}:' in page and f'name="case" value="{theirs}:' not in page
    assert f'name="case" value="{theirs}:' in site.browser(LEAD).get("/queue").text


def test_views_can_be_saved_and_deleted(ines: httpx.Client) -> None:
    answer = send(ines, "/views", name="<b>Soon</b>", url="/queue?renews=30")
    assert str(answer.url).endswith("/queue?renews=30&done=view_saved")
    assert '<a href="/queue?renews=30" aria-current="page">&lt;b&gt;Soon&lt;/b&gt;</a>' in answer.text
    number = re.search(r"/views/(\d+)/delete", answer.text)
    assert number
    assert "Soon" not in send(ines, f"/views/{number[1]}/delete", back="/queue").text
    assert send(ines, "/views", name="x", url="https://evil.example").status_code == 422


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
    assert 'data-theme="dark"' in send(ines, "/theme", theme="dark", back="/overview").text
    assert "data-theme" not in send(ines, "/theme", theme="auto", back="/queue").text


def test_an_empty_queue_says_what_to_do(migrated_sqlite: Path, tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    with Store(f"sqlite:///{path}") as store, running(store) as site:
        browser = site.browser(ANALYST)
        assert "No night has been recorded yet" in browser.get("/queue").text
        assert "No night has been recorded yet" in browser.get("/overview").text
        assert browser.get("/waiting").status_code == browser.get("/accounts").status_code == 200


def test_ten_thousand_cases_take_at_most_150_ms(migrated_sqlite: Path, tmp_path: Path) -> None:
    """In time of the processor, browser included: other tests run beside this one."""
    filled = fresh_store(migrated_sqlite, tmp_path, 10_000, package=bare())
    with filled as store, running(store) as site:
        browser = site.browser(ANALYST)
        taken = []
        for _ in range(50):
            began = time.process_time()
            assert len(rows(browser.get("/queue"))) == 50
            taken.append(time.process_time() - began)
    assert statistics.median(taken) <= 0.150, f"{statistics.median(taken) * 1000:.0f} ms"


def test_a_page_reads_only_what_it_shows(web_store: Store) -> None:
    """The hand-offs of the page's cases alone are read for their first reason."""
    from serving.store.queries import queue_queries

    with web_store.reading() as session:
        night = queue_queries.newest_night(session)
        assert night
        chosen = QueueView().chosen(frozenset({"support"}), "tom", night)
        found = queue_queries.list_cases(session, chosen, sort="priority", page=1)
    assert found
    assert {row.case.squad for row in found} == {"support"}
    assert all(row.reason for row in found)


def planned(store: Store, query: str, statement_number: int = 0) -> list[str]:
    """How SQLite finds the cases of an address: the plan of one of its statements, step by step."""
    from serving.store.queries import queue_queries

    asked: list[tuple[str, Any]] = []
    with store.reading() as session:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *call: asked.append(call[2:4]))
        view = QueueView.of(dict(httpx.QueryParams(query)), tuple(RISKS))
        queue_queries.list_cases(session, view.chosen(None, "ines", NIGHT), sort=view.sort, page=1)
        statement, values = asked[statement_number]
        return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]


@pytest.mark.parametrize("query", ["", "sort=revenue", "sort=clock", "mine=1", "sort=revenue&squad=support"])
def test_the_list_is_found_in_an_index(web_store: Store, query: str) -> None:
    """However many cases there are, those of the page alone are read whole."""
    plan = planned(web_store, query)
    assert all("SCAN" not in step for step in plan), plan
    assert any("COVERING INDEX ix_cases_list" in step or "priority (" in step for step in plan), plan


@pytest.mark.parametrize("risk", RISKS)
@pytest.mark.parametrize("chosen", ["", "&state=new", "&risk=churn", "&squad=support"])
def test_an_order_by_risk_of_many_cases_is_read_from_an_index(
    web_store: Store, monkeypatch: pytest.MonkeyPatch, risk: str, chosen: str
) -> None:
    """Nothing is sorted, so a page takes the same time however many cases there are."""
    monkeypatch.setattr("serving.store.queries.queue_queries.FEW", 0)
    plan = planned(web_store, f"sort={risk}{chosen}", statement_number=1)
    assert any("INDEX ix_case_scores_list (risk=? AND is_open=?" in step for step in plan), plan
    assert not [step for step in plan if "SCAN" in step or "TEMP B-TREE" in step], plan


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
    assert rows(ada.get("/queue?risk=contraction")) == []


def test_a_third_risk_is_on_the_account_page_and_the_overview(three_risks: Site) -> None:
    ada = three_risks.browser(ANALYST)
    account = ada.get("/account/a-000000").text
    assert 'aria-label="Contraction risk: ' in account
    assert "<dt>Contraction risk</dt>" in account
    assert "Contraction: 323 accounts scored." in ada.get("/overview").text


def test_taking_the_next_case_shows_the_most_urgent_new_one(ines: httpx.Client) -> None:
    first, second = rows(ines.get("/queue"))[:2]
    answer = send(ines, "/queue/next", back="/queue")
    assert (answer.url.path, "The case is yours." in answer.text) == (f"/case/{first}", True)
    assert send(ines, "/queue/next", back="/queue").url.path == f"/case/{second}"
    assert set(rows(ines.get("/queue?mine=1"))) == {first, second}


def test_taking_the_next_case_keeps_to_the_squad_of_the_view(site: Site) -> None:
    lead = site.browser(LEAD)
    page = lead.get("/queue?squad=support")
    assert '<input type="hidden" name="squad" value="support">' in page.text
    answer = send(lead, "/queue/next", squad="support", back="/queue?squad=support")
    assert answer.url.path == f"/case/{rows(page)[0]}"
    assert send(lead, "/queue/next", squad="strategic").status_code == 403


def test_without_a_new_case_there_is_a_message(ines: httpx.Client) -> None:
    for _ in rows(ines.get("/queue")):
        assert send(ines, "/queue/next", back="/queue").url.path.startswith("/case/")
    answer = send(ines, "/queue/next", back="/queue?state=new")
    assert str(answer.url).endswith("/queue?state=new&done=no_new_case")
    assert "There is no new case left in your squads." in answer.text


def test_only_those_who_work_cases_can_take_the_next_one(site: Site) -> None:
    for person in (ANALYST, VIEWER):
        browser = site.browser(person)
        assert "Take the next case" not in browser.get("/queue").text
        assert send(browser, "/queue/next").status_code == 403


def test_cases_of_another_squad_are_not_even_counted(site: Site) -> None:
    tom = site.browser(TOM)
    assert rows(tom.get("/queue?squad=success")) == []
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
    assert rows(page) == [gone, leaving]
    assert "leaves in 9 days" in row_of(page, leaving)
    assert "leaves today" in row_of(page, gone)
    assert "6,000 EUR ends: 2,500 EUR" in row_of(page, leaving)
    assert re.search(r'lane=leaving[^>]*aria-current="page">Leaving <span class="count">2</span>', page.text)
    at_risk = rows(ines.get("/queue?lane=at_risk"))
    assert sorted([*at_risk, leaving, gone]) == sorted(rows(ines.get("/queue")))
    assert rows(ines.get("/queue?lane=nonsense")) == rows(ines.get("/queue"))


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
    assert "Warning: The newest night is 5 days old, and so is this queue." in page
    assert "Warning: The night of 4 Mar 2026 was not recorded: usage_daily has 3 rows; 4,000 are usual." in page


def test_closed_cases_show_when_why_and_how_much_the_newest_first(site: Site, web_store: Store) -> None:
    work_through(web_store, 6, closed=6)
    browser = site.browser(ANALYST)
    page = browser.get("/queue?state=closed")
    assert [row in page.text for row in ("Kept or lost", "Worked by", "Closed within")] == [True] * 3
    with web_store.reading() as session:
        closed = list(session.scalars(select(Case).where(Case.closed_at.is_not(None)).order_by(Case.closed_at.desc())))
    assert rows(page) == [case.id for case in closed]
    lost = [case for case in closed if case.state == "lost"]
    assert rows(browser.get("/queue?state=lost")) == [case.id for case in lost]
    assert 0 < len(rows(browser.get("/queue?state=closed&closed=30"))) < len(closed)
    year, week, _ = closed[0].closed_at.isocalendar()
    in_week = [case for case in closed if case.closed_at.isocalendar()[:2] == (year, week)]
    assert rows(browser.get(f"/queue?state=closed&week={year}-W{week:02}")) == [case.id for case in in_week]
    assert rows(browser.get("/queue?state=closed&week=nonsense")) == [case.id for case in closed]
    tabs = re.findall(r'state=(\w+)"[^>]*>[^<]+ <span class="count">(\d+)<', page.text)
    assert dict(tabs)["closed"] == str(len(closed))
    assert dict(tabs)["new"] == "6"  # the open cases are counted on this page, too
    file = browser.get("/queue/export.csv?state=closed").text.splitlines()
    assert "Amount kept or lost" in file[0]
