"""Several selected cases at once: claim, assign, snooze, close.

Each case is an action of its own, in its own transaction and with the version that the page showed. What a colleague
changed meanwhile is refused for that case only, and every refused case is listed with its reason.
"""

from collections.abc import Callable
from datetime import date, timedelta
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from features.errors import RescueError
from serving.cases.permissions import Act
from serving.store.case_states import OUTCOMES
from serving.store.database import StoreError
from serving.store.queries.case_queries import account_names
from serving.store.tables import Case
from serving.web.display_text import state_title
from serving.web.flash_messages import FlashMessage, error_text
from serving.web.forms import form_version
from serving.web.pages.queue_page import render_queue
from serving.web.request_context import (
    AssignerContext,
    FormTexts,
    PageContext,
    SelectedCases,
    WorkerContext,
)
from serving.web.sign_in.sign_in import local_path
from serving.web.views.work.queue_view import whole_number

bulk_router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

ChangeCase = Callable[[str, int | None], Case]
"""One action on a case, given its id and version."""


@bulk_router.post("/queue/claim")
def claim_cases(request: Request, texts: FormTexts, selected: SelectedCases, context: WorkerContext) -> Response:
    """Claim the selected cases."""
    actor = context.actor(Act.WORK)

    def claim(case_id: str, version: int | None) -> Case:
        return context.cases.claim(case_id, actor, version)

    return _act(request, context, texts, selected, _missing(selected), "claimed", claim)


@bulk_router.post("/queue/assign")
def assign_cases(request: Request, texts: FormTexts, selected: SelectedCases, context: AssignerContext) -> Response:
    """Assign the selected cases to one person."""
    actor, person = context.actor(Act.ASSIGN), texts.get("person", "")
    missing = _missing(selected, person=person)
    done = f"assigned to {context.reader.name_of(person)}"

    def assign(case_id: str, version: int | None) -> Case:
        return context.cases.assign(case_id, actor, version, person=person)

    return _act(request, context, texts, selected, missing, done, assign)


@bulk_router.post("/queue/snooze")
def snooze_cases(request: Request, texts: FormTexts, selected: SelectedCases, context: WorkerContext) -> Response:
    """Snooze the selected cases for so many days, with one reason."""
    actor, reason = context.actor(Act.WORK), texts.get("snooze_reason", "").strip()
    days = whole_number(texts.get("days", ""), most=366) or 0
    until: date = context.now.date() + timedelta(days=days)
    missing = _missing(selected, days=days, reason=reason)

    def snooze(case_id: str, version: int | None) -> Case:
        return context.cases.snooze(case_id, actor, version, until=until, reason=reason)

    done = f"snoozed for {days} {'day' if days == 1 else 'days'}"
    return _act(request, context, texts, selected, missing, done, snooze)


@bulk_router.post("/queue/close")
def close_cases(request: Request, texts: FormTexts, selected: SelectedCases, context: WorkerContext) -> Response:
    """Close the selected cases with one outcome, its reason, and one text for the history of each.

    ``verdict`` is an outcome, or an outcome and the code of one of its reasons: ``lost:price``.
    """
    actor, comment = context.actor(Act.WORK), texts.get("close_text", "").strip()
    verdict, _, reason = texts.get("verdict", "").partition(":")
    missing = _missing(selected, outcome=verdict if verdict in OUTCOMES else "", happened=comment)

    def close(case_id: str, version: int | None) -> Case:
        return context.cases.resolve(case_id, actor, version, verdict=verdict, comment=comment, reason=reason or None)

    done = f"closed as {state_title(verdict).lower()}"
    return _act(request, context, texts, selected, missing, done, close)


FIELD_TEXTS = {
    "person": "a person",
    "days": "a number of days",
    "reason": "why the cases can wait",
    "outcome": "an outcome",
    "happened": "what happened",
}
"""What each action needs besides the cases, as a part of the sentence that asks for it."""


def _missing(selected: list[str], **fields: object) -> str:
    """What is missing for an action, as a sentence; empty where everything is there."""
    if selected and all(fields.values()):
        return ""
    names = ["at least one case", *(FIELD_TEXTS[name] for name in fields)]
    listed = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    return f"Select {listed}." if fields.keys() <= {"person"} else f"Choose {listed}."


def _act(
    request: Request,
    context: PageContext,
    texts: dict[str, str],
    selected: list[str],
    missing: str,
    done: str,
    change: ChangeCase,
) -> Response:
    """Do it to every case, and show the same view with what was done and what was not."""
    message = FlashMessage(missing, "bad") if missing else _change_all(context, selected, done, change)
    query = dict(parse_qsl(urlsplit(local_path(texts.get("back", "/queue"))).query))
    return render_queue(request, context, query, message, status=200 if message.tone == "good" else 422)


def _change_all(context: PageContext, selected: list[str], done: str, change: ChangeCase) -> FlashMessage:
    errors: dict[str, str] = {}
    for value in selected:
        case_id, _, version = value.partition(":")
        try:
            change(case_id, form_version(version))
        except StoreError:
            raise
        except RescueError as error:
            errors[case_id] = error_text(error, context.reader)
    with context.store.reading() as session:
        names = account_names(session, errors)
    count = len(selected) - len(errors)
    summary = f"{count} {'case' if count == 1 else 'cases'} {done}."
    if errors:
        summary += f" {len(errors)} {'was' if len(errors) == 1 else 'were'} not changed:"
    failures = tuple(f"{names.get(case_id, case_id)}: {error}" for case_id, error in errors.items())
    return FlashMessage(summary, "bad" if errors else "good", failures)
