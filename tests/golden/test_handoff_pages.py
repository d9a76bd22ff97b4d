"""The hand-off as people see it: its pages are stored, so that a review shows every changed word."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.nights.handoff_factory import PAGES, handoff, pages

from serving.handoff.package import Handoff
from serving.handoff.render import html, markdown, stylesheet


@pytest.mark.parametrize("name", ["full.json", "full.md", "full.html", "bare.md", "bare.html"])
def test_the_page_is_the_reviewed_one(name: str) -> None:
    reviewed = (PAGES / name).read_text(encoding="utf-8")
    assert pages()[name] == reviewed, "read the page, then write it with `python -m support.nights.handoff_factory`"


def test_a_year_of_health_scores_is_summarised() -> None:
    first = handoff().health[0]
    days = [first.measured_on + timedelta(days=7 * week) for week in range(52)]
    year = tuple(first.model_copy(update={"measured_on": on, "score": 30.0 + week}) for week, on in enumerate(days))
    section = markdown(handoff().model_copy(update={"health": year})).split("## Health score")[1].split("## ")[0]
    assert section.count("\n- ") == 8
    assert "52 scores since" in section
    assert "from 30 to 81; the first was 30, the newest are:" in section


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


def test_the_page_is_self_contained() -> None:
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
        "users per week, oldest first: 110, 112, 108, 115, 118, 111, 109, 114, 90, 71, 60, 48; "
        "median of the first eight weeks 111.5"
    )


OLD = Path(__file__).parent / "handoff_1_0"
"""A package as version 1.0 of the schema wrote it, and its pages as they are rendered today."""


@pytest.mark.parametrize(("name", "render"), [("package.md", markdown), ("package.html", html)])
def test_a_package_of_schema_1_0_is_still_rendered(name: str, render: Callable[[Handoff], str]) -> None:
    package = Handoff.model_validate_json((OLD / "package.json").read_text(encoding="utf-8"))
    assert render(package) == (OLD / name).read_text(encoding="utf-8")


def test_a_package_of_schema_1_0_keeps_its_content() -> None:
    content = json.loads((OLD / "package.json").read_text(encoding="utf-8"))
    package = Handoff.model_validate(content)
    assert package.schema_version == "1.0"
    assert package.case.routing.code is None
    assert package.case.routing.text == "The account needs adoption skills, as its first reason is usage"
    assert package.playbook.title == content["play"]["title"]
    assert [card.base_rate for card in package.risks] == [risk["usual"] for risk in content["risks"]]
    assert package.account_state.health == 57
    assert Handoff.model_validate_json(package.to_json()) == package
