"""Pictures of every page, light and dark, wide and narrow, to be looked at; the README's into ``docs/images``.

``make screenshots`` runs it: an invented queue, at the time of its night, in Debian's Chromium.
"""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from serving.store import Store
from support.web.web_fixture import LEAD, Site, fresh_store, running
from support.web.web_queue import work_through

ROOT = Path(__file__).resolve().parents[3]
SHOTS, IMAGES = ROOT / "build" / "screenshots", ROOT / "docs" / "images"
LOOKS = (
    ("wide", 1440, 900, "light"),
    ("wide", 1440, 900, "dark"),
    ("narrow", 390, 844, "dark"),
    ("huge", 2560, 1300, "light"),
)

README = {
    "queue.png": ("/queue", 1280, 760, "light"),
    "case.png": ("", 1280, 1000, "light"),
    "overview-dark.png": ("/overview", 1280, 900, "dark"),
}
"""Address (empty: the second case of the queue), size and colours."""


def main() -> None:
    """Take them all."""
    with tempfile.TemporaryDirectory(prefix="rescue-shots-") as folder, _store(Path(folder)) as store:
        work_through(store, 44, closed=30)
        with running(store) as site, sync_playwright() as playwright:
            site.clock.now += timedelta(hours=1)
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
            )
            _every_page(browser, site)
            _readme(browser, site)
            browser.close()


def _store(folder: Path) -> Store:
    empty = folder / "empty.db"
    with Store(f"sqlite:///{empty}") as store:
        store.migrate()
    return fresh_store(empty, folder, 90, nights=30)


def _every_page(browser: Browser, site: Site) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page = _page(browser, site, 1440, 900, "light")
    paths = {
        "queue": "/queue",
        "filtered": "/queue?segment=smb&renews=90",
        "case": _first(page, site, "/queue"),
        "worked": _first(page, site, "/queue?state=in_plan"),
        "account": "/account/a-000000",
        "accounts": "/accounts",
        "waiting": "/waiting",
        "overview": "/overview",
        "missing": "/case/none",
        "sign-in": "/sign-in",
    }
    for size, width, height, scheme in LOOKS:
        page = _page(browser, site, width, height, scheme)
        for name, path in paths.items():
            page.goto(site.address + path)
            page.screenshot(path=SHOTS / f"{name}-{size}-{scheme}.png", full_page=True)
        page.context.close()


def _first(page: Page, site: Site, path: str, number: int = 0) -> str:
    """The address of a case on a page of the queue."""
    page.goto(site.address + path)
    return page.locator("a.open").nth(number).get_attribute("href") or ""


def _readme(browser: Browser, site: Site) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, (path, width, height, scheme) in README.items():
        page = _page(browser, site, width, height, scheme)
        page.goto(site.address + (path or _first(page, site, "/queue", 1)))
        page.screenshot(path=IMAGES / name)
        _fewer_colours(IMAGES / name)
        page.context.close()


def _page(browser: Browser, site: Site, width: int, height: int, scheme: Any) -> Page:
    page = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme).new_page()
    page.goto(site.link(LEAD))
    return page


def _fewer_colours(picture: Path) -> None:
    """A palette of 128 colours shows the same and takes a third of the room; pillow comes with matplotlib."""
    from PIL import Image

    with Image.open(picture) as image:
        image.convert("RGB").quantize(128).save(picture, optimize=True)


if __name__ == "__main__":
    main()
