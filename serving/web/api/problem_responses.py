"""Errors of the API as problem details (RFC 9457): one sentence with what to do next.

No error repeats a value that was sent, so that personal texts do not end up in the logs of a caller.
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
from serving.cases.absence.absence_entries import AbsenceNotFoundError
from serving.cases.case_errors import (
    AccountNotFoundError,
    AlreadyOpenError,
    CaseNotFoundError,
    IllegalActionError,
    StaleCaseError,
)
from serving.cases.casework.attachment_files import AttachmentNotFoundError
from serving.cases.casework.case_work import TaskNotFoundError
from serving.cases.permissions import NotAllowedError
from serving.incidents.incident_errors import IncidentNotFoundError, IncidentStateError, StaleIncidentError
from serving.policy_versions.replay_jobs import ReplayBusyError, ReplayNotFoundError
from serving.policy_versions.saved_policies import PolicyConflictError, PolicyVersionNotFoundError
from serving.signals.cloud_events import TooManySignalsError, UnreadableBodyError
from serving.signals.intake_budget import TooManyRequestsError
from serving.signals.receive_signals import ContentTypeError, UnknownAdapterError
from serving.signals.sender_check import IntakeClosedError, UnsignedError
from serving.store.database import StoreError
from serving.web.identity.person import SignInNeededError
from serving.web.security.problem_details import STORE_UNAVAILABLE, ProblemResponse, problem_response

STATUS: dict[type[Exception], int] = {
    SignInNeededError: 401,
    NotAllowedError: 403,
    CaseNotFoundError: 404,
    AccountNotFoundError: 404,
    AbsenceNotFoundError: 404,
    AttachmentNotFoundError: 404,
    TaskNotFoundError: 404,
    StaleCaseError: 409,
    IllegalActionError: 409,
    AlreadyOpenError: 409,
    IncidentNotFoundError: 404,
    StaleIncidentError: 409,
    IncidentStateError: 409,
    PolicyConflictError: 409,
    ReplayBusyError: 409,
    PolicyVersionNotFoundError: 404,
    ReplayNotFoundError: 404,
    UnsignedError: 401,
    IntakeClosedError: 403,
    UnreadableBodyError: 400,
    UnknownAdapterError: 404,
    TooManySignalsError: 413,
    ContentTypeError: 415,
    TooManyRequestsError: 429,
    UsageError: 422,
    StoreError: 503,
    RescueError: 400,
}
STATUS_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "30"}}

HTTP_ERROR_TEXTS = {
    404: "There is no such address: /api/v1/openapi.json lists all addresses.",
    405: "This address does not accept that method: /api/v1/openapi.json lists the methods.",
}


class ProblemDetails(BaseModel):
    """An error, and what to do next."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[dict[str, str]] = []


DOCUMENTED_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": meaning,
        "content": {"application/problem+json": {"schema": ProblemDetails.model_json_schema()}},
    }
    for status, meaning in {
        400: "The request cannot be read",
        401: "There is no valid token",
        403: "Your role does not allow it",
        404: "It does not exist, or you may not see it",
        409: "The case has changed, or its state does not allow it",
        413: "The request is too large",
        415: "The content type is not one of those above",
        422: "A value is not valid",
        429: "Too many requests or signals in a minute",
        503: "The queue's database does not answer",
    }.items()
}


def install_problem_responses(api: FastAPI) -> None:
    """Answer every error with problem details."""
    api.add_exception_handler(RescueError, _rescue)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(Exception, _unexpected)


async def _rescue(request: Request, error: Exception) -> Response:
    kind = next(kind for kind in type(error).__mro__ if kind in STATUS)
    detail = STORE_UNAVAILABLE if kind is StoreError else str(error)
    named = NotAllowedError if isinstance(error, NotAllowedError) else type(error)  # the documented code, whatever why
    answer = _problem(STATUS[kind], detail, _slug(named.__name__))
    if isinstance(error, TooManyRequestsError):
        answer.headers["Retry-After"] = str(error.seconds)
    return answer


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for this class only
    errors = [{"field": ".".join(map(str, entry["loc"])), "message": entry["msg"]} for entry in error.errors()]
    first = f"{errors[0]['field']}: {errors[0]['message']}" if errors else "a value is not valid"
    return _problem(422, f"{first}; correct it and send it again.", "invalid", errors=errors)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for this class only
    answer = _problem(
        error.status_code, HTTP_ERROR_TEXTS.get(error.status_code, "The request cannot be read: correct it."), "http"
    )
    answer.headers.update(error.headers or {})
    return answer


async def _unexpected(request: Request, error: Exception) -> Response:
    return _problem(
        500,
        "An error in Rescue; nothing was changed: try again, and ask an admin if it happens again.",
        "internal-error",
    )


def _problem(status: int, detail: str, code: str, **more: Any) -> ProblemResponse:
    return problem_response(status, detail, STATUS_HEADERS.get(status), code=code, **more)


def _slug(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name.removesuffix("Error")).lower()
