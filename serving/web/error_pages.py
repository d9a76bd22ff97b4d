"""What goes wrong, as a page that says what to do next and gives back what was typed.

Nobody sees a stack trace; it is in the log, under a number that the page names. A foreign id and one that never was
look alike. Where the database is away, the page is drawn without it.
"""

import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from features.errors import RescueError, UsageError
from serving.cases.case_errors import CaseNotFoundError
from serving.cases.permissions import NotAllowedError
from serving.store.database import StoreError
from serving.web.access import csrf_token
from serving.web.rendering import page
from serving.web.request_context import TextTooLongError
from serving.web.security.form_input import kept, page_of
from serving.web.security.problem_details import AWAY, for_program, problem

LOG = logging.getLogger("rescue.web")

Links = tuple[tuple[str, str], ...]
QUEUE: Links = (("/queue", "To the queue"),)
SEARCH: Links = (("/accounts", "Search accounts"),)

TITLES = {
    401: "Sign in again",
    403: "Not allowed",
    404: "Nothing here",
    405: "Not like this",
    409: "Somebody was quicker",
    413: "Too long",
    422: "That does not work",
    429: "Too many tries",
    503: "The queue cannot be reached",
}


class AccountNotFoundError(UsageError):
    """There is no such account, or not for this person; the two are told alike."""

    def __init__(self, account_id: str) -> None:
        super().__init__(f"There is no account {account_id!r}: search for it by its name.")


@dataclass(frozen=True)
class Told:
    """A problem in words; ``links`` are where to go next, ``can_retry`` whether the same form can be sent again."""

    title: str
    says: str
    links: Links = QUEUE
    can_retry: bool = False


Handler = Callable[[Request, Exception], Awaitable[Response]]


def install(app: FastAPI) -> None:
    """Tell every error: as a page to people, as problem details to programs."""
    app.state.error_page = error_page
    app.add_exception_handler(CaseNotFoundError, _handler(404, QUEUE + SEARCH))
    app.add_exception_handler(AccountNotFoundError, _handler(404, SEARCH + QUEUE))
    app.add_exception_handler(NotAllowedError, _handler(403, QUEUE))
    app.add_exception_handler(StoreError, _away)
    app.add_exception_handler(TextTooLongError, _handler(422, QUEUE, can_retry=True))
    app.add_exception_handler(UsageError, _handler(422, QUEUE))
    app.add_exception_handler(RescueError, _handler(409, QUEUE))
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _incomplete)
    app.add_exception_handler(Exception, _unforeseen)


def error_page(request: Request, status: int, detail: str) -> Response:
    """The page of a refusal that happened before any page was reached."""
    can_retry = getattr(request.state, "may_repeat", False)
    title = "Not sent yet" if can_retry else TITLES.get(status, "Something went wrong")
    return _answer(request, status, Told(title, detail, can_retry=can_retry))


def _handler(status: int, links: Links, *, can_retry: bool = False) -> Handler:
    async def tell(request: Request, error: Exception) -> Response:
        return _answer(request, status, Told(TITLES[status], str(error), links, can_retry))

    return tell


async def _away(request: Request, error: Exception) -> Response:
    """Where the database is, and what it said, is for the log alone."""
    LOG.warning("%s %s: %s", request.method, request.url.path, error)
    return _answer(request, 503, Told(TITLES[503], AWAY, (), can_retry=True))


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    says = {
        404: "There is no page at this address: it may have been mistyped, or the case is not one of yours.",
        405: "This address answers to forms only: go to the queue and try from there.",
    }
    return error_page(request, status, says.get(status, "The request could not be answered: go back and try again."))


async def _incomplete(request: Request, error: Exception) -> Response:
    return error_page(request, 422, "The address or the form is not whole: go back, load the page again and repeat.")


async def _unforeseen(request: Request, error: Exception) -> Response:
    number = secrets.token_hex(4)
    LOG.error("%s: %s %s failed", number, request.method, request.url.path, exc_info=error)
    says = f"Rescue made a mistake, not you; it is in the log as {number}. Try again, or tell whoever runs it."
    return _answer(request, 500, Told("Something went wrong", says, QUEUE, can_retry=True))


def _answer(request: Request, status: int, told: Told) -> Response:
    if for_program(request):
        return problem(status, told.says)
    request.state.csrf = csrf_token(request)
    shown = {"problem": told, "typed": kept(request), "links": _links(request, told)}
    return page(request, "problem.html.j2", shown, status=status)


def _links(request: Request, told: Told) -> Links:
    """Where to go next: back to the page that the form was on, or once more to the page that did not come."""
    if request.method != "GET":
        came_from = page_of(request.url.path)
        return (*told.links, (came_from, "Back to the case")) if came_from not in dict(told.links) else told.links
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return ((here, "Load it again"), *told.links) if told.can_retry else told.links
