"""The weekly report as a mail: HTML that mail programs show, and plain text that says the same.

Mail programs show neither SVG nor style sheets, so bars are cells of tables, and everything is styled in place. The
mail loads nothing from anywhere.
"""

from dataclasses import replace
from functools import cache
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from serving.weekly.weekly_sections import WeeklyText
from serving.weekly.weekly_text import week_as_text

NAMING_SECTION = "left"
"""The section whose table names accounts."""


class WeeklyMail(NamedTuple):
    """A mail: one subject line, and the same content twice."""

    subject: str
    text: str
    html: str


def write_mail(text: WeeklyText, link: str = "", *, names: bool = True) -> WeeklyMail:
    """The report as a mail; ``link`` is the page of the week, empty where the address of the app is not set.

    Without ``names``, tables that name accounts are left out: a mail cannot be erased with an account.
    """
    shown = text if names else without_names(text)
    html = _template().get_template("weekly_mail.html.j2").render(text=shown, link=link, mailed=not names)
    return WeeklyMail(f"Rescue, {text.title[:1].lower()}{text.title[1:]}", week_as_text(shown, link), html)


def without_names(text: WeeklyText) -> WeeklyText:
    """The report without the tables that name accounts."""
    sections = [replace(it, table=None) if it.key == NAMING_SECTION else it for it in text.sections]
    return replace(text, sections=sections)


@cache
def _template() -> Environment:
    return Environment(
        loader=PackageLoader("serving.weekly", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
