"""The API as an application of its own, mounted into the review app: its errors are problems, not pages."""

from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from serving.cases.cases import Cases
from serving.web.access import Identity
from serving.web.api import accounts_api, cases_api, problem_responses

PREFIX = "/api/v1"

_TOLD = """The rescue queue for programs. Send a token (`rescue users token NAME`) as `Authorization: Bearer …`; it sees
and does what its user may. Whoever changes a case sends the `version` they saw. Errors are `application/problem+json`
and say what to do next."""

_bearer = HTTPBearer(auto_error=False, description="A token of `rescue users token`.")


def _documented(_token: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
    """Put the token into the OpenAPI document; who it is, is found out by ``signed_in``."""


def create_api(use_cases: Cases, identity: Identity) -> FastAPI:
    """The API on these use cases, to be mounted at ``PREFIX``."""
    api = FastAPI(
        title="Rescue",
        version="1",
        description=_TOLD,
        docs_url=None,  # the usual page of documentation loads script from elsewhere
        redoc_url=None,
        responses=problem_responses.DOCUMENTED,
        dependencies=[Depends(_documented)],
    )
    api.state.cases, api.state.identity = use_cases, identity
    problem_responses.install(api)
    api.include_router(cases_api.router)
    api.include_router(accounts_api.router)
    return api
