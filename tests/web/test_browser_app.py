"""The review app in a real browser: a reviewer's work, a lead's overview, two people on one case, and failures.

Debian's Chromium through Playwright; where there is none, the tests say so and are skipped.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sqlalchemy import update
from support.web.casework import add_casework
from support.web.saved_policies import finished_replay, save_policies
from support.web.web_fixture import INES, JONAS, LEAD, Site, fresh_store, running
from support.web.web_queue import NOW, work_through

from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.store import Store
from serving.store.tables import Case
from serving.web.access import Person

pytestmark = pytest.mark.browser

CHROMIUM = Path(os.environ.get("RESCUE_CHROMIUM", "/usr/bin/chromium"))
WITHIN = """() => document.documentElement.scrollWidth <= window.innerWidth
  && [...document.querySelectorAll("main > *, table.queue")].every(
    (one) => one.getBoundingClientRect().right <= document.querySelector("main").getBoundingClientRect().right)"""
CASE, WORKED = "case000000000", "case000000007"
OPEN_ALL = """(which) => document.querySelectorAll(which).forEach((one) => {
  one.removeAttribute("name");
  one.open = true;
})"""
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}: `make system` installs one")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(QUIET))


@pytest.fixture
def enter(chromium: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """Opens the app as a person; a script's error, or one that the content policy stops, fails the test."""
    errors: list[str] = []
    contexts = []

    def opened(person: Person, **how: Any) -> Page:
        context = chromium.new_context(viewport={"width": 1280, "height": 800}, **how)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(8_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if "Content Security" in said.text else None)
        page.on("dialog", lambda dialog: errors.append(f"dialog: {dialog.message}"))
        page.goto(site.link(person))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


def test_the_morning_of_a_reviewer(enter: Callable[..., Page]) -> None:
    page = enter(INES)
    first = page.locator("tr[data-case]").first
    name = first.locator("a.open").inner_text()
    page.keyboard.press("j")
    expect(first.locator("a.open")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("c")
    expect(page.get_by_role("status")).to_contain_text("The case is yours.")
    expect(first).to_contain_text("Claimed")
    expect(first.locator("a.open")).to_be_focused()  # the morning goes on where it was
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    page.get_by_text("Log a contact", exact=True).click()
    page.get_by_label("Result").select_option("Reached")
    page.get_by_label("What was said").fill("The sponsor misses the weekly report.")
    page.get_by_role("button", name="Log the contact").click()
    expect(page.get_by_role("status")).to_contain_text("The contact is in the log.")
    page.keyboard.press("s")
    page.get_by_label("Why it can wait").fill("Away until Monday")
    page.get_by_role("button", name="7 days").click()
    expect(page.locator(".case-head")).to_contain_text("Snoozed until 9 Mar 2026")
    page.get_by_role("button", name="Undo: you snoozed the case").click()
    expect(page.locator(".case-head")).to_contain_text("Contacted")
    page.locator("#resolve-1 summary").click()
    page.get_by_label("What saved the customer").fill("They renew.")
    page.get_by_role("button", name="Close as saved").click()
    expect(page.locator(".case-head")).to_contain_text("Saved")
    expect(page.locator(".history")).to_contain_text("The sponsor misses the weekly report.")


def test_filters_and_search_change_the_address_and_going_back_undoes_them(enter: Callable[..., Page]) -> None:
    page = enter(LEAD)
    everything = page.locator("tr[data-case]").count()
    page.get_by_text("Filter and sort").click()
    page.get_by_label("Squad").select_option("support")
    page.wait_for_url("**/queue?squad=support*")
    assert 0 < page.locator("tr[data-case]").count() < everything
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("/")
    page.keyboard.type("nobody has this name")
    page.keyboard.press("Enter")
    expect(page.locator(".empty")).to_contain_text("No case matches")
    page.go_back()
    expect(page.get_by_label("Squad")).to_have_value("support")
    page.go_back()
    expect(page.locator("tr[data-case]")).to_have_count(everything)


def test_two_reviewers_race_for_one_case(enter: Callable[..., Page]) -> None:
    ines, jonas = enter(INES), enter(JONAS)
    for page in (ines, jonas):
        page.goto(page.url.split("/queue")[0] + f"/case/{CASE}")
    ines.get_by_role("button", name="Claim this case").click()
    jonas.get_by_role("button", name="Claim this case").click()
    expect(ines.get_by_role("status")).to_contain_text("The case is yours.")
    expect(jonas.get_by_role("alert").locator("visible=true")).to_contain_text("ines claimed the case")
    expect(jonas.locator(".side")).to_contain_text("ines works on this case")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_stale_page_keeps_what_was_typed(
    enter: Callable[..., Page], web_store: Store, site: Site, script: bool
) -> None:
    page = enter(LEAD, java_script_enabled=script)
    page.goto(f"{site.address}/case/{CASE}")
    Cases(web_store, clock=site.clock).claim(CASE, Actor("jonas", Role.REVIEWER, frozenset({"success"})))
    page.locator("#snooze summary").click()
    page.get_by_label("Why it can wait").fill("They are on holiday until the 20th")
    page.get_by_role("button", name="14 days").click()
    expect(page.locator(".notice.bad").locator("visible=true")).to_contain_text("jonas claimed the case")
    expect(page.get_by_label("Why it can wait")).to_have_value("They are on holiday until the 20th")
    page.get_by_role("button", name="14 days").click()
    expect(page.locator(".case-head")).to_contain_text("Snoozed until 16 Mar 2026")


def test_a_lost_connection_sends_nothing_and_loses_nothing(enter: Callable[..., Page], site: Site) -> None:
    page = enter(INES)
    page.goto(f"{site.address}/case/{CASE}")
    page.locator("#comment summary").click()
    page.get_by_label("Comment for the timeline").fill("An hour of thought")
    page.context.set_offline(True)
    page.get_by_role("button", name="Add the comment", exact=True).click()
    expect(page.locator("#offline")).to_be_visible()
    expect(page.get_by_label("Comment for the timeline")).to_have_value("An hour of thought")
    page.context.set_offline(False)
    page.get_by_role("button", name="Add the comment", exact=True).click()
    expect(page.locator(".history").first).to_contain_text("An hour of thought")
    expect(page.locator("#offline")).to_be_hidden()


def test_what_is_pressed_twice_is_sent_once(enter: Callable[..., Page], site: Site) -> None:
    page = enter(INES)
    page.goto(f"{site.address}/case/{CASE}")
    page.locator("#comment summary").click()
    page.get_by_label("Comment for the timeline").fill("Said once")
    page.get_by_role("button", name="Add the comment", exact=True).dblclick()
    expect(page.get_by_role("status")).to_contain_text("in the timeline")
    page.reload()
    expect(page.locator(".history blockquote").filter(has_text="Said once")).to_have_count(1)


def test_the_overview_of_a_lead(chromium: Browser, migrated_sqlite: Path, tmp_path: Path) -> None:
    with fresh_store(migrated_sqlite, tmp_path, 40, nights=10) as store, running(store) as site:
        work_through(store, 30, closed=20)
        page = chromium.new_page()
        page.goto(site.link(LEAD))
        page.get_by_role("link", name="Overview").click()
        expect(page.get_by_role("heading", name="Work of the team")).to_be_visible()
        expect(page.get_by_text("Cases opened and closed by week", exact=True).first).to_be_visible()
        expect(page.get_by_text("percentage points fewer of the selected accounts")).to_be_visible()
        expect(page.get_by_text("has no row newer than 5 days").first).to_be_visible()
        page.close()


def test_paper_is_white_however_dark_the_screen(enter: Callable[..., Page], site: Site) -> None:
    page = enter(LEAD, color_scheme="dark")
    shown = "() => [getComputedStyle(document.documentElement).backgroundColor, getComputedStyle(document.body).color]"
    page.goto(f"{site.address}/case/{CASE}")
    assert page.evaluate(shown)[0] != "rgb(255, 255, 255)"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(shown) == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(enter: Callable[..., Page], site: Site, web_store: Store, scheme: Any) -> None:
    work_through(web_store, 6, closed=2)
    add_casework(web_store, WORKED, "a-000007")
    page = enter(LEAD, color_scheme=scheme)
    open_case = page.locator("a.open").first.get_attribute("href")
    visited = (
        "/queue",
        "/queue?layout=board",
        close_a_case(web_store),
        "/my-day",
        "/incidents",
        f"/case/{CASE}",
        f"/case/{WORKED}",
        str(open_case),
        "/account/a-000000",
        "/accounts",
        "/waiting",
        "/overview",
        "/weekly",
        "/weekly?week=2026-W09",
        "/policy",
        "/policy/edit",
        f"/policy/version/{save_policies(web_store)}",
        f"/policy/replay/{finished_replay(web_store)}",
        "/preferences",
        "/no",
        site.answer_path(CASE),
        "/answer?token=none",
    )
    found = {}
    for path in (*visited, "/sign-in"):
        page.goto(site.address + path)
        which = "details" if path.startswith("/case/") else "details:not([name])"
        page.evaluate(OPEN_ALL, which)
        found[path] = [
            f"{rule['id']}: {rule['nodes'][0]['target']} {rule['nodes'][0]['failureSummary']}"
            for rule in Axe().run(page).response["violations"]
        ]
    assert {path: told for path, told in found.items() if told} == {}


def close_a_case(store: Store) -> str:
    """Close the last case as lost; the address of the list of closed cases."""
    with store.transaction() as session:
        lost = {"state": "lost", "closed_at": NOW, "outcome_amount": 1200.0, "outcome_currency": "EUR"}
        session.execute(update(Case).where(Case.id == "case000000011").values(lost))
    return "/queue?state=closed"


def test_no_page_is_wider_than_the_window(enter: Callable[..., Page], site: Site, web_store: Store) -> None:
    add_casework(web_store, WORKED, "a-000007")
    page, answer = enter(LEAD), site.answer_path(CASE)
    pages: tuple[str, ...] = (
        "/queue",
        f"/case/{CASE}",
        f"/case/{WORKED}",
        "/account/a-000000",
        "/accounts",
        "/waiting",
        "/overview",
        "/preferences",
    )
    pages += ("/weekly?week=2026-W09", "/policy", "/policy/edit", f"/policy/version/{save_policies(web_store)}")
    pages += (f"/policy/replay/{finished_replay(web_store)}",)
    pages += ("/sign-in", answer, "/my-day", "/queue?layout=board", "/incidents")
    pages += (close_a_case(web_store),)
    for path in pages:
        page.goto(site.address + path)
        for width in (390, 768, 1100, 1280, 2560):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(WITHIN), (path, width)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("width", [390, 1280])
def test_selected_cases_are_snoozed_by_keyboard_and_axe_finds_nothing(
    enter: Callable[..., Page], site: Site, script: bool, width: int
) -> None:
    page = enter(LEAD, java_script_enabled=script)
    page.set_viewport_size({"width": width, "height": 800})
    bar = page.get_by_role("group", name="Selected cases")
    expect(bar).to_be_hidden()
    for place in (0, 1):
        page.locator("tr[data-case] .pick input").nth(place).focus()
        page.keyboard.press("Space")
    expect(bar).to_be_in_viewport()
    bar.get_by_text("Snooze", exact=True).first.focus()
    page.keyboard.press("Enter")
    page.get_by_label("Snooze for").select_option("3")
    page.get_by_label("Why these cases can wait").fill("Company holiday")
    if script:
        violations = Axe().run(page).response["violations"]
        assert [(rule["id"], rule["nodes"][0]["target"]) for rule in violations] == []
    bar.get_by_role("button", name="Snooze", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 cases snoozed for 3 days.")).to_be_visible()


def test_the_board_is_read_by_keyboard_on_a_phone(enter: Callable[..., Page], site: Site) -> None:
    page = enter(INES)
    page.set_viewport_size({"width": 390, "height": 800})
    page.get_by_role("link", name="Board").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="New")).to_be_visible()
    page.locator(".board .open").first.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/case/"))
