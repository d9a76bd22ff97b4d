"""From a template to a response: one environment, everything escaped, and what every page needs beside its own.

Account names and ticket texts come from strangers. Autoescape is on for every template, no template marks a value as
safe, and an unknown name in a template is an error, not an empty place.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from serving.handoff.render import amount, day, moment, number, percent, words
from serving.web import display_text

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "theme"


@cache
def environment() -> Environment:
    """The templates of the review app."""
    found = Environment(
        loader=PackageLoader("serving.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown = {"day": day, "amount": amount, "percent": percent, "number": number, "moment": moment, "words": words}
    found.filters |= {
        **shown,
        "state": display_text.state,
        "countdown": display_text.countdown,
        "span": display_text.span,
    }
    return found


def page(request: Request, name: str, context: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    """Render a template for this request; the person and the form token are what ``request.state`` says, if it does."""
    shared = {
        "person": getattr(request.state, "person", None),
        "csrf_token": getattr(request.state, "csrf", ""),
        "theme": theme(request),
        "themes": THEMES,
        "here": request.url.path,
        "back": request.url.path if request.method == "GET" else "/queue",
    }
    html = environment().get_template(name).render({**shared, **context})
    return HTMLResponse(html, status_code=status, headers={"Cache-Control": "no-store", "Vary": "Cookie"})


def theme(request: Request) -> str:
    """Light, dark, or what the reader's system says."""
    chosen = request.cookies.get(THEME_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"
