"""The page of people and the forms of hand-overs in a browser: accessible, light and dark, from 390 to 1,280 px."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright
from support.nights.night_factory import NOW
from support.nights.people_factory import ANSWERS, open_people_cases
from support.web.web_fixture import running

from serving.cases.permissions import Role
from serving.store import Store
from serving.web.access import Person

pytestmark = pytest.mark.browser

CHROMIUM = Path(os.environ.get("RESCUE_CHROMIUM", "/usr/bin/chromium"))
WITHIN = "() => document.documentElement.scrollWidth <= window.innerWidth"
LEAD = Person("pat", frozenset({Role.LEAD}), frozenset({"north", "south"}))
ANN = Person("ann", frozenset({Role.REVIEWER}), frozenset({"north"}))
DAN = Person("dan", frozenset({Role.REVIEWER}), frozenset({"south"}))
SHOTS = os.environ.get("RESCUE_SCREENSHOTS")


@pytest.fixture
def site(migrated_sqlite: Path, tmp_path: Path) -> Iterator[tuple[Callable[[Person], str], str, str]]:
    path = tmp_path / "people.db"
    shutil.copy(migrated_sqlite, path)
    with Store(f"sqlite:///{path}") as store:
        case = open_people_cases(store)[0]
        with running(store) as found:
            found.clock.now = NOW
            yield found.link, found.address, case


def checked(page: Page, name: str) -> None:
    """No violation, and nothing beyond the window, in both colours and widths."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            results = Axe().run(page)
            assert results.violations_count == 0, (name, scheme, width, results.generate_report())
            assert page.evaluate(WITHIN), (name, scheme, width)
            if SHOTS:
                page.screenshot(path=f"{SHOTS}/{name}-{scheme}-{width}.png", full_page=True)


def test_an_absence_and_a_hand_over_with_a_form(site: tuple[Callable[[Person], str], str, str]) -> None:
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}: `make system` installs one")
    link, address, case = site
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(java_script_enabled=True).new_page()
        page.set_default_timeout(8_000)
        page.goto(link(LEAD))
        page.goto(f"{address}/people")
        page.get_by_label("Person").select_option("bob")
        page.get_by_label("First day").fill("2026-03-01")
        page.get_by_label("Last day").fill("2026-03-07")
        page.get_by_role("button", name="Enter the absence").click()
        expect(page.get_by_role("status")).to_contain_text("The absence is entered.")
        checked(page, "people")
        page.goto(f"{address}/case/{case}")
        page.get_by_text("Hand over to south: Technical question").click()
        checked(page, "form")
        page.get_by_label("Steps tried").fill(ANSWERS["steps"])
        page.get_by_label("Impact").select_option(ANSWERS["impact"])
        page.get_by_label("Reason, for the receiver").fill("needs an engineer")
        page.get_by_role("button", name="Hand over to south").click()
        expect(page.get_by_role("status")).to_contain_text("is with the squad south now")
        receiver = browser.new_context(java_script_enabled=False).new_page()
        receiver.goto(link(DAN))
        receiver.goto(f"{address}/case/{case}")
        expect(receiver.get_by_text("Handed over by Pat Lead of north")).to_be_visible()
        receiver.get_by_role("button", name="Accept this case").click()
        expect(receiver.get_by_role("status")).to_contain_text("You accepted the case.")
        page.goto(f"{address}/case/{case}")
        checked(page, "accepted")
        page.goto(f"{address}/people")
        checked(page, "figures")
        page.goto(link(ANN))
        page.goto(f"{address}/preferences")
        checked(page, "preferences")
        page.get_by_label("Saturday").uncheck()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status")).to_contain_text("Saved.")
        browser.close()
