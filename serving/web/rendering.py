"""From a template to a response: one environment that escapes every value, and what every page needs.

Account names and ticket texts are written by people outside the team. Autoescape is on for every template, no template
marks a value as safe, and an unknown name in a template is an error, not an empty text.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from features.unit_text import size_text
from serving.handoff.record_links import web_address
from serving.handoff.render import amount, day, number, percent, words
from serving.handoff.why_now import evidence_text
from serving.paths.message_text import local_time
from serving.web import display_text
from serving.web.navigation import entries_for
from serving.web.reader import UNKNOWN_READER, PageReader

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "theme"

TEMPLATE_FILTERS = {
    "day": day,
    "amount": amount,
    "percent": percent,
    "number": number,
    "local_time": local_time,
    "words": words,
    "reader_time": display_text.reader_time,
    "reader_day": display_text.reader_day,
    "size_text": size_text,
    "web_address": web_address,
    "mail_address": display_text.mail_address,
    "phone_digits": display_text.phone_digits,
    "state_title": display_text.state_title,
    "code_title": display_text.code_title,
    "sort_title": display_text.sort_title,
    "countdown": display_text.countdown,
    "money": display_text.money,
    "evidence_text": evidence_text,
    "span_text": display_text.span_text,
}
"""What the templates use to write values as text."""


@cache
def template_environment() -> Environment:
    """The templates of the review app."""
    environment = Environment(
        loader=PackageLoader("serving.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # else every page asks the disk whether one of its templates has changed
    )
    environment.filters |= TEMPLATE_FILTERS
    return environment


def render_page(request: Request, name: str, context: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    """Render a template for this request; the person and the form token are those of ``request.state``, if set."""
    person = getattr(request.state, "person", None)
    reader: PageReader = getattr(request.state, "reader", UNKNOWN_READER)
    shared = {
        "person": person,
        "navigation": entries_for(person, request.state),
        "zone": reader.zone,
        "name_of": reader.name_of,
        "csrf_token": getattr(request.state, "csrf", ""),
        "theme": chosen_theme(request),
        "themes": THEMES,
        "path": request.url.path,
        "back": request.url.path if request.method == "GET" else "/queue",
    }
    html = template_environment().get_template(name).render({**shared, **context})
    return HTMLResponse(html, status_code=status, headers={"Cache-Control": "no-store", "Vary": "Cookie"})


def chosen_theme(request: Request) -> str:
    """Light, dark, or ``auto`` for the setting of the reader's system."""
    theme = request.cookies.get(THEME_COOKIE, "auto")
    return theme if theme in THEMES else "auto"
