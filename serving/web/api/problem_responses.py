"""What a program is told when something cannot be done: RFC 9457, one sentence with what to do next.

Nothing of what was sent is repeated, so that no text of a person ends in a caller's logs by way of our errors.
"""

import re
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from features.errors import RescueError, UsageError
from serving.cases.case_errors import AlreadyOpenError, CaseNotFoundError, IllegalMoveError, StaleCaseError
from serving.cases.permissions import NotAllowedError
from serving.store.database import StoreError
from serving.web.error_pages import AccountNotFoundError
from serving.web.identity.person import SignInNeededError
from serving.web.security.problem_details import AWAY, Problem, problem

STATUS: dict[type[Exception], int] = {
    SignInNeededError: 401,
    NotAllowedError: 403,
    CaseNotFoundError: 404,
    AccountNotFoundError: 404,
    StaleCaseError: 409,
    IllegalMoveError: 409,
    AlreadyOpenError: 409,
    UsageError: 422,
    StoreError: 503,
    RescueError: 400,
}
HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "30"}}

SAYS = {
    404: "There is no such address: /api/v1/openapi.json lists those there are.",
    405: "This address does not take that method: /api/v1/openapi.json says which it takes.",
}


class ProblemDetails(BaseModel):
    """What went wrong, and what to do next."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[dict[str, str]] = []


DOCUMENTED: dict[int | str, dict[str, Any]] = {
    status: {
        "description": meaning,
        "content": {"application/problem+json": {"schema": ProblemDetails.model_json_schema()}},
    }
    for status, meaning in {
        400: "The request cannot be read",
        401: "No token, or one that is over",
        403: "Your role does not include it",
        404: "It does not exist, or not for you",
        409: "The case changed, or its state does not allow it",
        422: "A value does not fit",
        503: "The queue's database does not answer",
    }.items()
}


def install(api: FastAPI) -> None:
    """Answer every error as a problem."""
    api.add_exception_handler(RescueError, _rescue)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(Exception, _unexpected)


async def _rescue(request: Request, error: Exception) -> Response:
    kind = next(kind for kind in type(error).__mro__ if kind in STATUS)
    detail = AWAY if kind is StoreError else str(error)
    return _problem(STATUS[kind], detail, _slug(type(error).__name__))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for this kind alone
    found = [{"field": ".".join(str(part) for part in one["loc"]), "says": one["msg"]} for one in error.errors()]
    first = f"{found[0]['field']}: {found[0]['says']}" if found else "a value does not fit"
    return _problem(422, f"{first}; correct it and send it again.", "invalid", errors=found)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for this kind alone
    answer = _problem(error.status_code, SAYS.get(error.status_code, "The request cannot be read: correct it."), "http")
    answer.headers.update(error.headers or {})
    return answer


async def _unexpected(request: Request, error: Exception) -> Response:
    return _problem(500, "Rescue failed at this; nothing was changed: try again, and tell an admin if it stays.", "bug")


def _problem(status: int, detail: str, code: str, **more: Any) -> Problem:
    return problem(status, detail, HEADERS.get(status), code=code, **more)


def _slug(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name.removesuffix("Error")).lower()
