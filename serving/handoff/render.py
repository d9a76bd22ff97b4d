"""Render a hand-off package as Markdown and HTML, by templates without logic of their own.

Names, subjects and ticket texts come from outside and can be hostile. In HTML Jinja2 escapes every value; in Markdown
every value passes through :func:`markdown_text`, so that it stays text in both. The HTML is one file without scripts,
fonts or links, so that it can be mailed; its colours follow the reader's system.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from jinja2 import BaseLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from serving.handoff.package import Handoff
from serving.handoff.sparkline import sparkline


def html(handoff: Handoff, tasks: Sequence["TaskLine"] = ()) -> str:
    """A complete page that can be mailed, opened and printed, with the tasks of the case as in :func:`markdown`."""
    sheet = Markup(stylesheet())  # noqa: S704 our own file
    template = _html().get_template("handoff.html.j2")
    return template.render(handoff=handoff, sheet=sheet, tasks=tasks, suggested=_suggests_playbook(tasks))


class TaskLine(NamedTuple):
    """A task of the case as it is now, which is no part of the frozen package; ``done`` is also of a skipped one.

    ``of_playbook`` is whether the policy's playbook asks for it.
    """

    title: str
    due_on: date | None
    owner: str
    done: bool
    of_playbook: bool = False


def markdown(handoff: Handoff, tasks: Sequence[TaskLine] = ()) -> str:
    """The package as Markdown, for a ticket, a chat or a terminal, with the tasks of the case.

    Tasks of a playbook take the place of the playbook that the package suggests: two lists of steps would compete.
    """
    suggested = _suggests_playbook(tasks)
    text = _markdown().get_template("handoff.md.j2").render(handoff=handoff, tasks=tasks, suggested=suggested)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _suggests_playbook(tasks: Sequence[TaskLine]) -> bool:
    return not any(task.of_playbook for task in tasks)


def stylesheet() -> str:
    """The style sheet with the classes that the body uses."""
    return files("serving.handoff").joinpath("templates/handoff.css").read_text(encoding="utf-8")


@cache
def _html() -> Environment:
    return _with_filters(
        Environment(
            loader=_loader(),
            autoescape=True,
            finalize=isolated_text,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
    )


@cache
def _markdown() -> Environment:
    return _with_filters(
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


def _with_filters(environment: Environment) -> Environment:
    filters = {
        "day": day,
        "amount": amount,
        "percent": percent,
        "number": number,
        "moment": moment,
        "words": words,
        "address": address,
    }
    environment.filters |= filters
    environment.globals["sparkline"] = sparkline
    return environment


def day(value: date | None) -> str:
    """A date like ``1 Jul 2026``, or a dash."""
    return f"{value.day} {value:%b %Y}" if value else "–"


def moment(value: datetime | None) -> str:
    """A time to the minute, in UTC, or a dash."""
    return f"{day(value)}, {value:%H:%M} UTC" if value else "–"


def amount(value: float | None, currency: str = "") -> str:
    """Money without cents, or a dash."""
    return "–" if value is None else f"{value:,.0f} {currency}".strip()


def percent(value: float | None, signed: bool = False) -> str:
    """A share as a whole percentage, or a dash; negative values have a minus sign."""
    if value is None:
        return "–"
    if not signed or abs(value) < 0.005:
        return f"{abs(value):.0%}"
    return Markup(f"{value:+.0%}".replace("-", "−"))  # noqa: S704 a formatted number has nothing to escape


def number(value: float | None) -> str:
    """A number with at most one decimal, or a dash."""
    return "–" if value is None else f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.1f}"


def address(value: str) -> str:
    """A web address for Markdown, in which brackets would end the link."""
    return Markup(_IN_LINK.sub(lambda found: f"%{ord(found[0]):02X}", value))  # noqa: S704 nothing can end the link


def words(value: str | None) -> str:
    """A name of the source such as ``how_to``, with spaces."""
    return (value or "").replace("_", " ")


_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&@]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
"""Characters that are markup in Markdown, or that GitHub turns into links; a bracket ``(`` is none without a ``]``."""
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that reverse the direction of the text."""
_IN_LINK = re.compile(r"[()\[\]<>\\\s\"'`|]")
"""Characters that would end a link in Markdown; an address holds none but brackets."""
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_OPENER = re.compile(r"^(?:(\d+)([.)])(?=\s|$)|([-+=]))")


def isolated_text(value: object) -> object:
    """A value as a text whose direction ends with it; in HTML, Jinja2 escapes it afterwards.

    Characters that override the direction are left out. Text that is written from right to left is put into an isolate,
    so that it does not reorder the figures and the text around it.
    """
    if not isinstance(value, str) or isinstance(value, Markup) or value.isascii():
        return _INVISIBLE.sub("", value) if isinstance(value, str) and not isinstance(value, Markup) else value
    text = _INVISIBLE.sub("", value)
    reordering = any(unicodedata.bidirectional(sign) in _RIGHT_TO_LEFT for sign in text)
    return f"\u2068{text}\u2069" if reordering else text


def markdown_text(value: object) -> object:
    """A value as Markdown that shows exactly this value: one line, every special character escaped."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    flat = " ".join(_INVISIBLE.sub("", value).split())
    return _OPENER.sub(lambda found: f"{found[1] or ''}\\{found[2] or found[3]}", _SPECIAL.sub(r"\\\1", flat))
