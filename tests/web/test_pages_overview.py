"""The pages of an account and the overview: figures, measured risks, escalation paths, earlier reports."""

import html
import re
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update
from support.monitor_factory import monitor_report
from support.nights.handoff_factory import NIGHT, handoff
from support.web.page_forms import CASE
from support.web.web_fixture import INES, LEAD, Site, fresh_store, running
from support.web.web_queue import NOW, work_through

from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.store import Store
from serving.store.queries.monitor_queries import store_monitor_report
from serving.store.tables import Case, FrozenHandoff, NightRow

MINE = Actor("ines", Role.REVIEWER, frozenset({"success"}))


def test_an_account_shows_its_scores_cases_and_adjusted_health(migrated_sqlite: Path, tmp_path: Path) -> None:
    with fresh_store(migrated_sqlite, tmp_path, 12, nights=20) as store, running(store) as site:
        ines = site.browser(INES)
        work = Cases(store, clock=site.clock)
        work.claim(CASE, MINE)
        work.resolve(CASE, MINE, verdict="saved", comment="They stay.")
        page = ines.get("/account/a-000000").text
        assert 'aria-label="Churn risk: from ' in page
        assert "Adjustments of the health score by the outcomes of cases" in page
        assert "+10.0 points" in page
        assert f'href="/case/{CASE}"' in page
        assert "a-000000" in ines.get("/accounts?q=A-00000").text
        assert "No account has" in ines.get("/accounts?q=%3Cscript%3E").text


def test_an_account_shows_its_risk_by_horizon(ines: httpx.Client) -> None:
    page = ines.get("/account/a-000000").text
    words = "24% within 30 days, 45% within 60 days, 62% within 90 days, 74% within 180 days and 81% within 365 days."
    assert f'<p class="quiet">Churn risk: {words}</p>' in page
    table = re.search(r'<table class="plain-table horizons">.*?</table>', page, re.DOTALL)
    assert table
    assert re.findall(r'<th scope="col" class="right">(\d+) days</th>', table[0]) == ["30", "60", "90", "180", "365"]
    assert '<th scope="row">Churn risk</th><td class="right num">24%</td>' in table[0]
    assert "Escalation risk: " in page  # its history has a plot, but it has no curve
    assert page.count('class="plain-table horizons"') == 1


def test_an_account_joins_what_its_hand_offs_knew(ines: httpx.Client, web_store: Store) -> None:
    """Use, health and tickets go back to the first hand-off; where two tell of a day, the newer one counts."""
    old = handoff()
    earlier = old.binding.model_copy(update={"as_of": NIGHT - timedelta(days=70)})
    ticket = old.tickets[0].model_copy(
        update={"ticket_id": "T-1", "subject": "Long ago", "opened_on": date(2025, 9, 1)}
    )
    health = old.health[0].model_copy(update={"measured_on": date(2025, 1, 1), "score": 99.0})
    update = {"binding": earlier, "tickets": (ticket,), "health": (health,)}
    with web_store.transaction() as session:
        first = session.get_one(Case, CASE)
        told = [column.name for column in Case.__table__.columns if column.computed is None]
        columns = {name: getattr(first, name) for name in told}
        session.add(Case(**columns | {"id": "older", "state": "saved", "closed_at": NOW, "version": 1}))
        session.flush()
        frozen = {"as_of": earlier.as_of, "schema_version": "1.0", "content_hash": ""}
        content = old.model_copy(update=update).to_json()
        session.add(FrozenHandoff(case_id="older", content=content, **frozen))
    page = ines.get("/account/a-000000").text
    assert "Long ago" in page
    assert "T-88" in page
    assert "Health score: from 99 on 1 Jan 2025 to 57 on 24 Feb 2026" in page
    assert "Active users, users per week: from 110 on 4 Oct 2025 to 48 on 28 Feb 2026" in page


def test_the_overview_shows_figures_with_the_numbers_behind_them(site: Site, web_store: Store) -> None:
    work = Cases(web_store, clock=site.clock)
    work.claim(CASE, MINE)
    work.contact(CASE, MINE)
    work.resolve(CASE, MINE, verdict="saved", comment="They stay.")
    site.clock.now += timedelta(days=30)
    page = site.browser(LEAD).get("/overview").text
    for text in (
        ">97 days</td>",
        "not measurable yet: no case is so old that its outcome counts",
        "34% (27% to 43%) of 131 cases",
        "41 days (median)",
        "<strong>Churn:</strong> The event happened to 11.2 percentage points fewer of the selected accounts",
        "Not measurable yet: 9 selected and 4 held-out accounts have a known outcome; each group needs 30.",
        "Not measured yet: <code>rescue monitor</code> measures it.",
        "<strong>has no row newer than 5 days</strong>",
        "<strong>Warning:</strong> tickets has no row newer than 5 days.",
        "up to date",
        "out of range (508)",
        "not in the source",
        "have passed their response deadline",
        "d late",
    ):
        assert text in page, text
    assert site.browser(INES).get("/overview").status_code == 403


@pytest.mark.parametrize(("cases", "shown"), [(19, False), (60, True)])
def test_the_overview_measures_escalation_paths_once_there_are_enough_cases(
    migrated_sqlite: Path, tmp_path: Path, cases: int, shown: bool
) -> None:
    """A small team sees no such section; the table and the chart's text alternative hold the same figures."""
    with fresh_store(migrated_sqlite, tmp_path, cases) as store:
        work_through(store, cases, closed=cases // 2)
        with running(store) as site:
            page = html.unescape(site.browser(LEAD).get("/overview").text)
    assert ('id="paths"' in page) is shown
    charts = re.findall(r'aria-label="Median time to contact with 95% intervals\. ([^"]+)"', page)
    assert len(charts) == shown
    for chart in charts:
        figures = dict(part.split(": ") for part in chart.split("; "))
        assert figures["all cases"] in page.split("All cases</th>")[1].split("</tr>")[0]
        assert page.count('class="dot"') == len(figures)


def test_the_overview_shows_what_the_monitor_measured(site: Site, web_store: Store) -> None:
    report = monitor_report()
    with web_store.transaction() as session:
        earlier = report.model_copy(update={"as_of": report.as_of - timedelta(days=1), "alarms": ()})
        for one in (report, earlier, report):
            store_monitor_report(session, one, NOW)
    page = html.unescape(site.browser(LEAD).get("/overview").text)
    for text in (
        "Are the models still right?",
        "<strong>Alarm:</strong> tickets has no row newer than 12 days; 3 days is the limit.",
        "<strong>Warning:</strong> Churn: the AUC of matured nights is 0.58 [0.54, 0.62], and 0.71 was promised.",
        "Churn within 90 days",
        '<th scope="row">Estimate</th><td>AUC 0.80 [0.75, 0.85]',
        "not measurable yet: the labels of no recorded night have matured; with data up to 9 Jul 2026 at the earliest",
        "Measured by <code>rescue monitor</code> as of 1 Mar 2026.",
    ):
        assert text in page, text


def test_the_overview_still_shows_the_report_of_an_earlier_version(site: Site, web_store: Store) -> None:
    report = {
        "as_of": "2026-03-01",
        "run_id": "0ld",
        "flagged": 12,
        "tables": {"tickets": {"rows": 5, "accepted": 4, "repeats": 0, "quarantined": {"out_of_range": 1}}},
        "scored": {"churn": 323},
        "not_scored": {"churn": {"no running subscription": 69}},
        "counts": {"waiting": 3, "held out": 2},
        "warnings": ["tickets delivered its last row 5 days ago"],
        "missing": ["outcomes"],
        "came_of": {
            "churn": {"horizon": 97, "cases": 214, "settled": 131, "happened": 45, "lead_days": 41.0, "effect": "-"}
        },
    }
    with web_store.transaction() as session:
        session.execute(update(NightRow).values(report=report))
    page = site.browser(LEAD).get("/overview").text
    for text in (
        "12 cases opened, 3 on the waiting list, 2 held out",
        "<strong>Warning:</strong> tickets delivered its last row 5 days ago.",
        'data-label="Newest data">–</td>',
        "out of range (1)",
        "not in the source",
        "34% (27% to 43%) of 131 cases",
        "Not recorded by the version of Rescue that ran this night.",
        "Churn: 323 accounts scored. Not scored: 69 without a running subscription.",
    ):
        assert text in page, text
