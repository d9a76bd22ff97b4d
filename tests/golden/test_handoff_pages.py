"""The hand-off as people see it: the pages are kept, so that a change of one word is seen in review."""

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from support.nights.handoff_factory import PAGES, handoff, pages

from serving.handoff.render import html, markdown, stylesheet


@pytest.mark.parametrize("name", ["full.json", "full.md", "full.html", "bare.md", "bare.html"])
def test_the_page_is_as_it_was_looked_at(name: str) -> None:
    kept = (PAGES / name).read_text(encoding="utf-8")
    assert pages()[name] == kept, "look at the page, then `python tests/handoff_factory.py` keeps it"


def test_a_year_of_health_is_told_in_lines_that_are_read() -> None:
    one = handoff().health[0]
    days = [one.measured_on + timedelta(days=7 * week) for week in range(52)]
    year = tuple(one.model_copy(update={"measured_on": on, "score": 30.0 + week}) for week, on in enumerate(days))
    told = markdown(handoff().model_copy(update={"health": year})).split("## Health score")[1].split("## ")[0]
    assert told.count("\n- ") == 8
    assert "52 scores since" in told
    assert "from 30 to 81; the first was 30, the newest are:" in told


class _Page(HTMLParser):
    """Collects the tags, attributes and class names of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.classes: set[str] = set()
        self.labels: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.attributes |= given.keys()
        self.classes |= set((given.get("class") or "").split())
        if tag == "svg":
            self.labels.append(given.get("aria-label") or "")


def test_the_page_needs_nothing_beside_itself() -> None:
    page = _Page(html(handoff()))
    assert not {"script", "link", "img", "iframe", "a", "object", "form"} & set(page.tags)
    assert "style" not in page.attributes
    assert not [name for name in page.attributes if name.startswith("on")]
    assert not re.search(r"url\(|@import", stylesheet())


def test_every_class_of_the_body_has_a_style_and_every_line_its_words() -> None:
    page = _Page(html(handoff()))
    assert page.classes <= set(re.findall(r"\.([a-z-]+)", stylesheet()))
    assert len(page.labels) == 4
    assert page.labels[1] == (
        "users a week, oldest first: 110, 112, 108, 115, 118, 111, 109, 114, 90, 71, 60, 48; normal 111.5"
    )
