"""Pictures of every page of the demo, to be looked at; the README's into ``docs/images``.

``make screenshots`` runs it: the demo is played once into ``build/demo``, for a fixed day, and is looked at in the
morning after its last night, in Debian's Chromium.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from pipelines.demo.demo_home import DemoHome, demo_until
from pipelines.demo.play_demo import DemoPlan, play_demo
from pipelines.environment import set_defaults_of_libraries
from serving.store import Store
from support.web.demo_site import open_demo, person_of
from support.web.web_fixture import Site, serve_app

ROOT = Path(__file__).resolve().parents[3]
SHOTS, IMAGES = ROOT / "build" / "screenshots", ROOT / "docs" / "images"
DEMO = Path(os.environ.get("RESCUE_DEMO", ROOT / "build" / "demo"))
UNTIL = date(2026, 11, 26)
"""The last night of the demo in the pictures, a Thursday: the same day gives the same pictures."""
LOOKS = (
    ("wide", 1440, 900, "light"),
    ("wide", 1440, 900, "dark"),
    ("narrow", 390, 844, "dark"),
    ("huge", 2560, 1300, "light"),
)
PAGES = {
    "queue": "/queue",
    "board": "/queue?layout=board&state=open",
    "filtered": "/queue?segment=smb&renews=90",
    "my-day": "/my-day",
    "accounts": "/accounts",
    "incidents": "/incidents",
    "waiting": "/waiting",
    "people": "/people",
    "overview": "/overview",
    "weekly": "/weekly",
    "policy": "/policy",
    "preferences": "/preferences",
    "missing": "/case/none",
}

README = {
    "queue.png": ("lead", "/queue", 1320, 820, "light"),
    "case.png": ("lead", "", 1280, 1000, "light"),
    "overview-dark.png": ("lead", "/overview", 1280, 900, "dark"),
}
"""Whose page, its address (empty: the first case of the queue that is worked), size and colours."""


def main() -> None:
    """Take them all."""
    if demo_until(DEMO) is None:
        set_defaults_of_libraries()
        play_demo(DemoHome(DEMO), DemoPlan(until=UNTIL), print)
    with demo_site() as (site, store), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        _every_page(browser, site, store)
        _readme(browser, site, store)
        browser.close()


@contextmanager
def demo_site() -> Iterator[tuple[Site, Store]]:
    """The demo at a real port."""
    with open_demo(DEMO) as (app, store, _), serve_app(app) as site:
        yield site, store


def _every_page(browser: Browser, site: Site, store: Store) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page = _page(browser, site, store, "lead", 1440, 900, "light")
    paths = {**PAGES, "case": _worked_case(page, site), "account": _first(page, site, "/accounts", "/account/")}
    for size, width, height, scheme in LOOKS:
        page = _page(browser, site, store, "lead", width, height, scheme)
        for name, path in paths.items():
            page.goto(site.address + path)
            page.screenshot(path=SHOTS / f"{name}-{size}-{scheme}.png", full_page=True)
        page.context.close()


def _worked_case(page: Page, site: Site) -> str:
    """The address of the first case that somebody works."""
    return _first(page, site, "/queue?state=in_plan", "/case/")


def _first(page: Page, site: Site, path: str, start: str) -> str:
    """The first link on a page that leads to an address with this beginning."""
    page.goto(site.address + path)
    return page.locator(f'main a[href^="{start}"]').first.get_attribute("href") or ""


def _readme(browser: Browser, site: Site, store: Store) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, (role, path, width, height, scheme) in README.items():
        page = _page(browser, site, store, role, width, height, scheme)
        page.goto(site.address + (path or _worked_case(page, site)))
        page.screenshot(path=IMAGES / name)
        _fewer_colours(IMAGES / name)
        page.context.close()


def _page(browser: Browser, site: Site, store: Store, role: str, width: int, height: int, scheme: Any) -> Page:
    page = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme).new_page()
    page.goto(site.link(person_of(store, role)))
    return page


def _fewer_colours(picture: Path) -> None:
    """A palette of 128 colours shows the same and takes a third of the room; pillow comes with matplotlib."""
    from PIL import Image

    with Image.open(picture) as image:
        image.convert("RGB").quantize(128).save(picture, optimize=True)


if __name__ == "__main__":
    main()
