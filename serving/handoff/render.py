"""The hand-off package shown: Markdown and HTML from the one frozen package, by templates that only print.

Names, subjects and ticket texts come from strangers. In HTML Jinja2 escapes every value; in Markdown every value
passes through :func:`markdown_text`, so that hostile text stays text in both. The HTML needs nothing beside itself: no
script, no font, no address, so that it can be mailed, and its colours follow the reader's system.
"""

import re
from datetime import date, datetime
from functools import cache
from importlib.resources import files

from jinja2 import BaseLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from serving.handoff.package import Handoff, overdue
from serving.handoff.sparkline import sparkline


def html(handoff: Handoff) -> str:
    """A whole page that can be mailed, opened and printed by itself."""
    return _html().get_template("handoff.html.j2").render(handoff=handoff, sheet=Markup(stylesheet()))  # noqa: S704 our own file


def markdown(handoff: Handoff) -> str:
    """The package as Markdown, for a ticket, a chat or a terminal."""
    text = _markdown().get_template("handoff.md.j2").render(handoff=handoff)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def stylesheet() -> str:
    """The sheet with the classes that the body uses."""
    return files("serving.handoff").joinpath("templates/handoff.css").read_text(encoding="utf-8")


@cache
def _html() -> Environment:
    return _dressed(
        Environment(loader=_loader(), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    )


@cache
def _markdown() -> Environment:
    return _dressed(
        Environment(  # noqa: S701 HTML's escapes are wrong in Markdown: finalize escapes every value instead
            loader=_loader(),
            finalize=markdown_text,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
    )


def _loader() -> BaseLoader:
    return PackageLoader("serving.handoff", "templates")


def _dressed(environment: Environment) -> Environment:
    shown = {"day": day, "amount": amount, "percent": percent, "number": number, "moment": moment, "words": words}
    environment.filters |= shown
    environment.globals |= {"sparkline": sparkline, "overdue": overdue}
    return environment


def day(value: date | None) -> str:
    """A day as people write it, or a dash."""
    return f"{value.day} {value:%b %Y}" if value else "–"


def moment(value: datetime | None) -> str:
    """An instant to the minute, in UTC, or a dash."""
    return f"{day(value)}, {value:%H:%M} UTC" if value else "–"


def amount(value: float | None, currency: str = "") -> str:
    """Money without cents, or a dash."""
    return "–" if value is None else f"{value:,.0f} {currency}".strip()


def percent(value: float | None, signed: bool = False) -> str:
    """A share as a whole percentage, or a dash; the sign is a proper minus."""
    if value is None:
        return "–"
    if not signed or abs(value) < 0.005:
        return f"{abs(value):.0%}"
    return Markup(f"{value:+.0%}".replace("-", "−"))  # noqa: S704 a number of ours: nothing in it to escape


def number(value: float | None) -> str:
    """A number with at most one decimal, or a dash."""
    return "–" if value is None else f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.1f}"


def words(value: str | None) -> str:
    """A source's own word for something, ``how_to``, as a person would write it."""
    return (value or "").replace("_", " ")


_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#|~!&@]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
"""What Markdown reads as markup, and what its GitHub flavour turns into links by itself."""
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of the text around."""
_OPENER = re.compile(r"^(?:(\d+)([.)])(?=\s|$)|([-+=]))")


def markdown_text(value: object) -> object:
    """A value as Markdown that shows exactly it: one line, every sign that could mean something escaped."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    flat = " ".join(_INVISIBLE.sub("", value).split())
    return _OPENER.sub(lambda found: f"{found[1] or ''}\\{found[2] or found[3]}", _SPECIAL.sub(r"\\\1", flat))
