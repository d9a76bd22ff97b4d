"""Errors as pages that say what to do next and show again what was typed.

No page shows a stack trace: it is in the log, under a number that the page names. A case of another squad and one that
does not exist give the same answer. When the database does not answer, the page is rendered without it.
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
from serving.cases.case_errors import AccountNotFoundError, CaseNotFoundError
from serving.cases.casework.attachment_files import AttachmentNotFoundError
from serving.cases.permissions import NotAllowedError
from serving.incidents.incident_errors import IncidentNotFoundError
from serving.policy_versions.replay_jobs import ReplayNotFoundError
from serving.policy_versions.saved_policies import PolicyVersionNotFoundError
from serving.store.database import StoreError
from serving.web.access import csrf_token
from serving.web.rendering import render_page
from serving.web.request_context import TextTooLongError
from serving.web.security.form_input import kept_texts, page_of_form
from serving.web.security.problem_details import STORE_UNAVAILABLE, is_api_request, problem_response

LOG = logging.getLogger("rescue.web")

Links = tuple[tuple[str, str], ...]
QUEUE_LINK: Links = (("/queue", "Go to the queue"),)
SEARCH_LINK: Links = (("/accounts", "Search accounts"),)

ERROR_TITLES = {
    401: "Please sign in again",
    403: "You are not allowed to do this",
    404: "Not found",
    405: "This page cannot be opened directly",
    409: "The case has changed",
    413: "The text is too long",
    422: "Please check your input",
    429: "Too many attempts",
    503: "The queue is not available",
}

ADDRESS_TEXTS = {
    404: "There is no page at this address. It may be mistyped, or the case belongs to another squad.",
    405: "This address only receives forms. Go to the queue and start from there.",
}


@dataclass(frozen=True)
class ErrorText:
    """An error in words; ``links`` are where to go next, ``can_retry`` whether the same form can be sent again."""

    title: str
    text: str
    links: Links = QUEUE_LINK
    can_retry: bool = False


Handler = Callable[[Request, Exception], Awaitable[Response]]


def install_error_pages(app: FastAPI) -> None:
    """Answer every error: as a page to people, as problem details to programs."""
    app.state.error_page = error_page
    app.add_exception_handler(CaseNotFoundError, _handler(404, QUEUE_LINK + SEARCH_LINK))
    app.add_exception_handler(IncidentNotFoundError, _handler(404, (("/incidents", "Show all incidents"), *QUEUE_LINK)))
    for missing in (PolicyVersionNotFoundError, ReplayNotFoundError):
        app.add_exception_handler(missing, _handler(404, (("/policy", "Show the policy"), *QUEUE_LINK)))
    app.add_exception_handler(AccountNotFoundError, _handler(404, SEARCH_LINK + QUEUE_LINK))
    app.add_exception_handler(AttachmentNotFoundError, _handler(404, QUEUE_LINK))
    app.add_exception_handler(NotAllowedError, _handler(403, QUEUE_LINK))
    app.add_exception_handler(StoreError, _store_unavailable)
    app.add_exception_handler(TextTooLongError, _handler(422, QUEUE_LINK, can_retry=True))
    app.add_exception_handler(UsageError, _handler(422, QUEUE_LINK))
    app.add_exception_handler(RescueError, _handler(409, QUEUE_LINK))
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(Exception, _unexpected_error)


def error_page(request: Request, status: int, detail: str) -> Response:
    """The page of a request that was refused before it reached a route."""
    can_retry = getattr(request.state, "can_resend", False)
    title = "Not sent yet" if can_retry else ERROR_TITLES.get(status, "Something went wrong")
    return _answer(request, status, ErrorText(title, detail, can_retry=can_retry))


def _handler(status: int, links: Links, *, can_retry: bool = False) -> Handler:
    async def answer(request: Request, error: Exception) -> Response:
        return _answer(request, status, ErrorText(ERROR_TITLES[status], str(error), links, can_retry))

    return answer


async def _store_unavailable(request: Request, error: Exception) -> Response:
    """The database's address and its error are for the log alone."""
    LOG.warning("%s %s: %s", request.method, request.url.path, error)
    return _answer(request, 503, ErrorText(ERROR_TITLES[503], STORE_UNAVAILABLE, (), can_retry=True))


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    text = ADDRESS_TEXTS.get(status, "The request could not be answered: go back and try again.")
    return error_page(request, status, text)


async def _invalid_request(request: Request, error: Exception) -> Response:
    return error_page(request, 422, "The address or the form is incomplete: go back, load the page again and repeat.")


async def _unexpected_error(request: Request, error: Exception) -> Response:
    number = secrets.token_hex(4)
    LOG.error("%s: %s %s failed", number, request.method, request.url.path, exc_info=error)
    text = f"This is an error in Rescue. Try again. If it happens again, give an admin the log number {number}."
    return _answer(request, 500, ErrorText("Something went wrong", text, QUEUE_LINK, can_retry=True))


def _answer(request: Request, status: int, error: ErrorText) -> Response:
    if is_api_request(request):
        return problem_response(status, error.text)
    request.state.csrf = csrf_token(request)
    shown = {"error": error, "texts": kept_texts(request), "links": _links(request, error)}
    return render_page(request, "problem.html.j2", shown, status=status)


def _links(request: Request, error: ErrorText) -> Links:
    """Where to go next: back to the page of the form, or the page that failed to load, once more."""
    if request.method != "GET":
        form_page = page_of_form(request.url.path)
        if form_page in dict(error.links):
            return error.links
        return (*error.links, (form_page, "Back to the policy" if form_page == "/policy" else "Back to the case"))
    address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return ((address, "Reload the page"), *error.links) if error.can_retry else error.links
