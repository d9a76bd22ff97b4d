"""What a reader chose: colours, stored in a cookie because only this browser needs them; and messages, in the queue."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from features.errors import RescueError
from serving.cases.digests.digest_text import compose_digest
from serving.cases.digests.run_digests import preview_digest
from serving.cases.escalation.message_choices import allowed_channels, reset_choices, save_choices
from serving.cases.escalation.path_context import path_context
from serving.paths.calendars import WEEKDAYS
from serving.paths.digests.digest_schedule import PersonalKind, immediate_kinds
from serving.store.database import StoreError
from serving.web.flash_messages import FlashMessage, failure_message, success_message
from serving.web.rendering import THEME_COOKIE, THEMES, render_page
from serving.web.request_context import FormTexts, PageContext, ViewerContext, redirect_to
from serving.web.sign_in.sign_in import local_path

preferences_router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

YEAR_SECONDS = 365 * 24 * 3600
KIND_TITLES = {
    PersonalKind.NEW: "A new case is mine",
    PersonalKind.ASSIGNED: "Somebody assigns a case to me",
    PersonalKind.MENTIONED: "Somebody mentions me in a comment",
    PersonalKind.HANDED_OVER: "A case is handed over to me or my squad",
    PersonalKind.RETURNED: "A case that I handed over is returned",
}
DAY_TITLES = dict(
    zip(WEEKDAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True)
)


@preferences_router.get("/preferences")
def show_preferences(request: Request, context: ViewerContext) -> Response:
    """The messages that the person gets, and the next digest as it would be now."""
    return _render(request, context, success_message(request.query_params.get("done", "")))


@preferences_router.post("/preferences")
def save_preferences(request: Request, texts: FormTexts, context: ViewerContext) -> Response:
    """Store the choices, or with ``reset`` forget them."""
    try:
        if texts.get("reset"):
            reset_choices(context.store, context.person.name)
        else:
            save_choices(context.store, context.person.name, _given(texts), _own_channels(context)[0], now=context.now)
    except StoreError:
        raise
    except RescueError as error:
        return _render(request, context, failure_message(error), draft=texts, status=422)
    return redirect_to("/preferences", done="preferences_saved")


@preferences_router.post("/theme")
def choose_theme(request: Request, texts: FormTexts) -> Response:
    """Store the colours, and return to the page on which they were chosen."""
    theme = texts.get("theme", "")
    response = redirect_to(local_path(texts.get("back", "/queue")))
    if theme in THEMES:
        secure = request.url.scheme == "https"
        response.set_cookie(THEME_COOKIE, theme, max_age=YEAR_SECONDS, httponly=True, samesite="lax", secure=secure)
    return response


def _given(texts: Mapping[str, str]) -> dict[str, object]:
    """The form's fields as choices; each day and each kind is a box of its own."""
    return {
        "digest": texts.get("digest") == "on",
        "at": texts.get("at", ""),
        "weekdays": [day for day in WEEKDAYS if texts.get(f"day_{day}") == "on"],
        "channel": texts.get("channel", ""),
        "immediate": [kind for kind in PersonalKind if texts.get(f"now_{kind}") == "on"],
    }


def _own_channels(context: PageContext) -> tuple[tuple[str, ...], Mapping[str, str | None]]:
    """The channels that the person may choose, and the person's address on each."""
    with context.store.reading() as session:
        paths = path_context(session, context.now)
        addresses = dict(paths.directory.person(context.person.name).addresses)
        return allowed_channels(paths.rules, addresses), addresses


def _render(
    request: Request,
    context: PageContext,
    message: FlashMessage | None,
    *,
    draft: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    name = context.person.name
    channels, addresses = _own_channels(context)
    with context.store.reading() as session:
        paths = path_context(session, context.now)
        choices = paths.choices_of(name)
        reader = paths.directory.person(name)
        digest = preview_digest(session, name, context.now) if addresses else None
    chosen = choices.immediate if choices.immediate is not None else immediate_kinds(paths.protocol)
    shown: dict[str, Any] = {
        "notice": message,
        "listed": name in paths.staff.roster.people,
        "channels": [(channel, addresses[channel]) for channel in channels],
        "chosen_channel": choices.channel or next(iter(addresses), ""),
        "reader_zone": reader.timezone,
        "digest_on": choices.digest,
        "at": f"{choices.at:%H:%M}",
        "days": [(day, title, place in choices.weekdays) for place, (day, title) in enumerate(DAY_TITLES.items())],
        "kinds": [(kind, title, kind in chosen) for kind, title in KIND_TITLES.items()],
        "own": name in paths.choices,
        "preview": compose_digest(digest) if digest is not None and digest.items else None,
        "draft": draft or {},
    }
    return render_page(request, "preferences.html.j2", shown, status=status)
