"""The list of closed cases: when and why each was closed, and revenue that adds up to the reports."""

import csv
import re
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from support.web.page_forms import listed_cases
from support.web.web_fixture import ANALYST, Site
from support.web.web_queue import work_through

from serving.store import Store
from serving.store.queries import queue_queries
from serving.store.tables import Account, Case
from serving.web.views.work import queue_view
from serving.weekly.weekly_figures import measure_week
from serving.weekly.weekly_sections import AMOUNT_DEFINITION


def test_closed_cases_show_when_why_and_how_much_the_newest_first(site: Site, web_store: Store) -> None:
    work_through(web_store, 6, closed=6)
    browser = site.browser(ANALYST)
    page = browser.get("/queue?state=closed")
    assert [row in page.text for row in ("Revenue saved or lost", "Worked by", "Closed within")] == [True] * 3
    with web_store.reading() as session:
        closed = list(session.scalars(select(Case).where(Case.closed_at.is_not(None)).order_by(Case.closed_at.desc())))
    assert listed_cases(page) == [case.id for case in closed]
    lost = [case for case in closed if case.state == "lost"]
    assert listed_cases(browser.get("/queue?state=lost")) == [case.id for case in lost]
    assert 0 < len(listed_cases(browser.get("/queue?state=closed&closed=30"))) < len(closed)
    year, week, _ = closed[0].closed_at.isocalendar()
    in_week = [case for case in closed if case.closed_at.isocalendar()[:2] == (year, week)]
    assert listed_cases(browser.get(f"/queue?state=closed&week={year}-W{week:02}")) == [case.id for case in in_week]
    assert listed_cases(browser.get("/queue?state=closed&week=nonsense")) == [case.id for case in closed]
    tabs = re.findall(r'state=(\w+)"[^>]*>[^<]+ <span class="count">(\d+)<', page.text)
    assert dict(tabs)["closed"] == str(len(closed))
    assert dict(tabs)["new"] == "6"  # the open cases are counted on this page, too
    file = browser.get("/queue/export.csv?state=closed").text.splitlines()
    assert "Revenue saved or lost" in file[0]


def test_the_list_of_saved_cases_adds_up_to_the_report_and_marks_estimates(site: Site, web_store: Store) -> None:
    work_through(web_store, 6, closed=6)
    closed_at = datetime.fromisoformat("2026-03-03T09:00")
    with web_store.transaction() as session:
        first, second, guess = session.scalars(select(Case).where(Case.closed_at.is_not(None)).limit(3))
        for case, days, amount in ((first, 0, 1000.0), (second, 1, 1500.0), (guess, 2, None)):
            case.state, case.closed_at = "saved", closed_at + timedelta(days=days)
            case.outcome_amount, case.outcome_currency, case.version = amount, "EUR", case.version + 1
        second.account_id = first.account_id
        guess.at_stake, guess.revenue, guess.estimated_revenue = None, None, 4002.0
    page = site.browser(ANALYST).get("/queue?state=saved&week=2026-W10&sort=amount")
    assert listed_cases(page) == [guess.id, first.id, second.id]
    text = " ".join(re.sub(r"<[^>]+>", " ", page.text).split())
    assert "500 EUR of 1,500 EUR: the rest was counted before" in text
    assert "4,002 EUR estimated" in text
    assert "Together: revenue saved 5,502 EUR." in text
    assert AMOUNT_DEFINITION in text
    with web_store.reading() as session:
        week = measure_week(session, date(2026, 3, 2), closed_at + timedelta(weeks=1), times=False).week
    assert dict(week.money_saved) == {"EUR": 5502.0}
    case_page = " ".join(re.sub(r"<[^>]+>", " ", site.browser(ANALYST).get(f"/case/{second.id}").text).split())
    assert "Revenue saved: 500 EUR a year (of 1,500 EUR: the rest was counted before)" in case_page
    rows = csv.DictReader(site.browser(ANALYST).get("/queue/export.csv?state=saved").text.splitlines())
    found = {row["Case id"]: [row[name] for name in ("Revenue saved or lost", "Estimated")] for row in rows}
    assert [found[case.id] for case in (first, second, guess)] == [["1000.0", "no"], ["500.0", "no"], ["4002.0", "yes"]]


def test_amounts_of_closed_cases_have_a_currency_after_the_account_has_none_and_files_have_no_more_than_cents(
    site: Site, web_store: Store
) -> None:
    work_through(web_store, 6, closed=6)
    with web_store.transaction() as session:
        lost = session.scalars(select(Case).where(Case.state == "lost")).first()
        assert lost is not None
        lost.revenue, lost.outcome_amount, lost.outcome_currency = 64_755.653600000005, 11_427.004, None
        session.get_one(Account, lost.account_id).currency = None
    browser = site.browser(ANALYST)
    assert "64,756 EUR" in (page := browser.get("/queue?state=lost").text)
    assert "11,427 EUR" in page
    assert "Revenue lost: 11,427 EUR a year" in browser.get(f"/case/{lost.id}").text
    rows = csv.DictReader(browser.get("/queue/export.csv?state=lost").text.splitlines())
    (row,) = [it for it in rows if it["Case id"] == lost.id]
    assert [row[name] for name in ("Revenue", "Currency", "Revenue saved or lost", "Currency of the amount")] == [
        "64755.65",
        "EUR",
        "11427.0",
        "EUR",
    ]


def test_the_sum_of_closed_cases_is_that_of_all_pages(
    site: Site, web_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    work_through(web_store, 6, closed=6)
    with web_store.transaction() as session:
        for place, case in enumerate(session.scalars(select(Case).where(Case.closed_at.is_not(None)))):
            case.state, case.version = ("lost" if place else "saved"), case.version + 1
            case.outcome_amount, case.outcome_currency = 1000.0, "EUR" if place < 4 else "USD"
    monkeypatch.setattr(queue_queries.list_cases, "__kwdefaults__", {"size": 2})
    monkeypatch.setattr(queue_view, "PAGE", 2)
    browser = site.browser(ANALYST)
    for page in ("1", "2"):
        shown = browser.get(f"/queue?state=closed&page={page}")
        assert len(listed_cases(shown)) == 2
        assert "Together: revenue lost 3,000 EUR, revenue lost 2,000 USD, revenue saved 1,000 EUR." in shown.text
