"""Incidents in the app: the banner of the queue and of affected cases, the page, its actions without script, axe."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import select
from support.nights.incident_factory import checkout_policy
from support.web.hostile_texts import PAYLOADS
from support.web.page_forms import token_in
from support.web.web_fixture import INES, TOM, VIEWER, Site
from web.test_browser_app import CHROMIUM, QUIET, WITHIN

from serving.incidents.run_incidents import run_incidents
from serving.signals.signal_fields import Signal
from serving.signals.signal_intake import add_signals
from serving.store import Store
from serving.store.incident_tables import Incident
from serving.store.tables import Case

RULES = checkout_policy(by='"product"', users="400")


@pytest.fixture
def incident(web_store: Store, site: Site) -> str:
    """An open incident of the squad success, with hostile texts in every field of its signals."""
    now = site.clock.now
    signals = [
        Signal(
            f"s{number}",
            now,
            "shop",
            "checkout.failed",
            product="<b>shop</b> " + PAYLOADS[0],
            account_id=f"a-{number:06d}",
            user_id=f"u{number}",
            message=payload,
        )
        for number, payload in enumerate(PAYLOADS[:8])
    ]
    add_signals(web_store, signals, sender="test", now=now)
    (opened,) = run_incidents(web_store, RULES, now=now).opened
    with web_store.transaction() as session:
        row = session.get_one(Incident, opened)
        row.squad = "success"
    return opened


def test_nothing_of_incidents_is_shown_before_the_first(site: Site) -> None:
    page = site.browser(INES).get("/queue").text
    assert "ncident" not in page
    assert "There have been no incidents." in site.browser(INES).get("/incidents").text


def test_the_banner_leads_from_the_queue_and_from_affected_cases(site: Site, incident: str, web_store: Store) -> None:
    browser = site.browser(INES)
    for path in ("/queue", "/case/case000000000"):
        assert f'href="/incident/{incident}"' in browser.get(path).text
    with web_store.reading() as session:
        other = session.scalars(select(Case.id).where(Case.account_id > "a-000007", Case.squad == "success")).first()
    assert f'href="/incident/{incident}"' not in browser.get(f"/case/{other}").text
    page = browser.get(f"/incident/{incident}").text
    assert "8 users (2%)" in page and "/case/case000000000" in page
    assert "<script>alert(1)" not in page


def test_an_incident_is_acknowledged_and_resolved_without_script(site: Site, incident: str) -> None:
    browser = site.browser(INES)
    page = browser.get(f"/incident/{incident}").text
    token = token_in(page)
    form = {"csrf": token, "version": page.partition('name="version" value="')[2].partition('"')[0]}
    done = browser.post(f"/incident/{incident}/acknowledge", data=form)
    assert "You have acknowledged the incident" in done.text and "Acknowledged" in done.text
    again = browser.post(f"/incident/{incident}/resolve", data=form | {"text": "Back"})
    assert (again.status_code, "look at it and try again" in again.text) == (409, True)
    version = again.text.partition('name="version" value="')[2].partition('"')[0]
    done = browser.post(f"/incident/{incident}/resolve", data={"csrf": token, "version": version, "text": "Back"})
    assert "The incident is resolved." in done.text and "Back" in done.text
    missing = browser.get("/incident/none")
    assert (missing.status_code, "There is no incident" in missing.text) == (404, True)


def test_who_may_not_work_it_sees_no_button(site: Site, incident: str) -> None:
    for person in (TOM, VIEWER):
        page = site.browser(person).get(f"/incident/{incident}").text
        assert "Acknowledge</button>" not in page
    assert "/case/case000000000" not in site.browser(TOM).get(f"/incident/{incident}").text


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}: `make system` installs one")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(QUIET))


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_the_pages_fit_a_telephone(
    chromium: Browser, site: Site, incident: str, scheme: Any
) -> None:
    page = _page(chromium, site, scheme)
    for path in ("/incidents", f"/incident/{incident}", "/queue"):
        page.goto(site.address + path)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        assert page.evaluate(WITHIN), path
    page.context.close()


def _page(chromium: Browser, site: Site, scheme: Any) -> Page:
    page = chromium.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme).new_page()
    errors: list[str] = []
    page.on("dialog", lambda dialog: errors.append(dialog.message))
    page.goto(site.link(INES))
    assert errors == []
    return page
