"""What people do to a case: one route for every form, each a use case of ``serving.cases.cases``.

Whatever cannot be done leads back to the case as it is now, with the reason on top and what was typed still in its
form: somebody who reads that a colleague was quicker can send the same text again with one click. Whoever hands a case
over to a squad that is not theirs sees it no more, and is led to the queue.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from features.errors import RescueError
from serving.cases.case_errors import AlreadyOpenError, CaseNotFoundError, IllegalMoveError, StaleCaseError
from serving.cases.permissions import Act, NotAllowedError
from serving.store.case_states import Move
from serving.store.database import StoreError
from serving.web.access import Permission
from serving.web.flash_messages import refused
from serving.web.forms import DOES
from serving.web.pages.case_page import case_page
from serving.web.request_context import Desk, Typed, desk, to
from serving.web.sign_in.sign_in import local_path
from serving.web.views.case_view import Kept

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

NEEDS: dict[str, tuple[Permission, Act]] = {
    "comment": (Permission.COMMENT, Act.COMMENT),
    "disagree": (Permission.COMMENT, Act.COMMENT),
    Move.ASSIGN: (Permission.ASSIGN, Act.ASSIGN),
    Move.REASSIGN: (Permission.ASSIGN, Act.ASSIGN),
}
"""What a form needs, where it is not to work cases."""


def _route(move: str) -> Callable[..., Response]:
    """The route of one form."""
    permission, act = NEEDS.get(move, (Permission.WORK, Act.WORK))
    able = Annotated[Desk, Depends(desk(permission))]

    def do(request: Request, case_id: str, typed: Typed, desk: able) -> Response:
        return _do(request, desk, case_id, move, act, typed)

    return do


for _move in DOES:
    router.post("/case/{case_id}/" + _move, name=f"case_{_move}")(_route(_move))


def _do(request: Request, desk: Desk, case_id: str, move: str, act: Act, typed: dict[str, str]) -> Response:
    version = typed.get("version", "")
    try:
        case = DOES[move](desk.cases, case_id, desk.actor(act), int(version) if version.isdecimal() else None, typed)
    except (CaseNotFoundError, StoreError):
        raise
    except RescueError as error:
        kept = Kept(move, typed.get("text", ""), typed.get("until", ""), typed.get("reason", ""))
        return case_page(request, desk, case_id, notice=refused(error, kept.text), kept=kept, status=_status(error))
    seen = desk.squads is None or case.squad in desk.squads
    back = local_path(typed.get("back", f"/case/{case_id}" if seen else "/queue"))
    return to(back, done=move)


def _status(error: RescueError) -> int:
    if isinstance(error, NotAllowedError):
        return 403
    return 409 if isinstance(error, StaleCaseError | IllegalMoveError | AlreadyOpenError) else 422
