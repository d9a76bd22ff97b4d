"""What people do to a case: one route per form, each a use case of ``serving.cases.cases``.

A failed action shows the case in its current state, with the reason on top and the typed text still in its form: after
a conflict with a colleague, the same text can be sent again with one click. A person who hands a case over to a squad
of others can still read it, but not work on it, and returns to the queue.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from features.errors import RescueError
from serving.cases.case_errors import AlreadyOpenError, CaseNotFoundError, IllegalActionError, StaleCaseError
from serving.cases.permissions import Act, NotAllowedError
from serving.store.case_states import Action
from serving.store.database import StoreError
from serving.web.access import Permission
from serving.web.flash_messages import failure_message
from serving.web.forms import USE_CASES, form_answers, form_version
from serving.web.pages.case_page import render_case
from serving.web.request_context import FormTexts, PageContext, page_context, redirect_to
from serving.web.sign_in.sign_in import local_path
from serving.web.views.case_view import DraftText

case_action_router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

REMARKS_BY_FORM = frozenset({"comment", "disagree"})
"""Forms after which a person sees the case that they saw before."""

FORM_PERMISSIONS: dict[str, tuple[Permission, Act]] = {
    "comment": (Permission.COMMENT, Act.COMMENT),
    "disagree": (Permission.COMMENT, Act.COMMENT),
    "detach": (Permission.COMMENT, Act.COMMENT),
    Action.ASSIGN: (Permission.ASSIGN, Act.ASSIGN),
    Action.REASSIGN: (Permission.ASSIGN, Act.ASSIGN),
}
"""The permission that a form requires, where it is not the one to work on cases."""


def _route(action: str) -> Callable[..., Response]:
    """The route of one form."""
    permission, act = FORM_PERMISSIONS.get(action, (Permission.WORK, Act.WORK))
    permitted = Annotated[PageContext, Depends(page_context(permission))]

    def submit(request: Request, case_id: str, texts: FormTexts, context: permitted) -> Response:
        return _submit(request, context, case_id, action, act, texts)

    return submit


for _action in USE_CASES:
    case_action_router.post("/case/{case_id}/" + _action, name=f"case_{_action}")(_route(_action))


def _submit(
    request: Request, context: PageContext, case_id: str, action: str, act: Act, texts: dict[str, str]
) -> Response:
    version = form_version(texts.get("version", ""))
    try:
        case = USE_CASES[action](context.cases, case_id, context.actor(act), version, texts)
    except (CaseNotFoundError, StoreError):
        raise
    except RescueError as error:
        typed = {name: texts.get(name, "") for name in ("text", "until", "reason", "form", "verdict", "task")}
        draft = DraftText(action, **typed, answers=form_answers(texts))
        message = failure_message(error, draft.text, context.reader)
        return render_case(request, context, case_id, message=message, draft=draft, status=_status(error))
    visible = case is None or action in REMARKS_BY_FORM or context.squads is None or case.squad in context.squads
    away = f"/queue?case={case_id}" if action == Action.HAND_OVER else "/queue"
    back = local_path(texts.get("back", f"/case/{case_id}" if visible else away))
    return redirect_to(back, done=action)


def _status(error: RescueError) -> int:
    if isinstance(error, NotAllowedError):
        return 403
    return 409 if isinstance(error, StaleCaseError | IllegalActionError | AlreadyOpenError) else 422
