"""The API as an application of its own, mounted into the review app: its errors are problem details, not pages."""

from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from serving.cases.cases import Cases
from serving.incidents.incident_actions import Incidents
from serving.policy_versions.policy_service import PolicyService
from serving.signals.receive_signals import SignalReceiver
from serving.web.access import Identity
from serving.web.api import (
    accounts_api,
    cases_api,
    incidents_api,
    paths_api,
    people_api,
    problem_responses,
    signals_api,
)
from serving.web.api.casework.casework_api import casework_router
from serving.web.api.policies.policy_api import policy_api_router
from serving.web.api.policies.weekly_api import weekly_api_router

PREFIX = "/api/v1"

_DESCRIPTION = """The rescue queue for programs. Send a token (create it with `rescue users token NAME`) as
`Authorization: Bearer …`; it has the permissions of its user. Send the `version` that you read with every action on a
case. Errors are `application/problem+json` and say what to do next."""

_bearer = HTTPBearer(auto_error=False, description="A token of `rescue users token`.")


def _documented(_token: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
    """Add the token to the OpenAPI document; ``require_sign_in`` checks it."""


def create_api(
    use_cases: Cases, identity: Identity, incidents: Incidents, receiver: SignalReceiver, policies: PolicyService
) -> FastAPI:
    """The API on these use cases, to be mounted at ``PREFIX``."""
    api = FastAPI(
        title="Rescue",
        version="1",
        description=_DESCRIPTION,
        docs_url=None,  # the default documentation page loads scripts from another host
        redoc_url=None,
        responses=problem_responses.DOCUMENTED_RESPONSES,
        dependencies=[Depends(_documented)],
    )
    api.state.cases, api.state.identity, api.state.policies = use_cases, identity, policies
    api.state.incidents, api.state.receiver = incidents, receiver
    problem_responses.install_problem_responses(api)
    api.include_router(cases_api.cases_router)
    api.include_router(casework_router)
    api.include_router(people_api.people_api_router)
    api.include_router(accounts_api.accounts_router)
    api.include_router(incidents_api.incidents_router)
    api.include_router(signals_api.signals_router)
    api.include_router(paths_api.paths_router)
    api.include_router(policy_api_router)
    api.include_router(weekly_api_router)
    return api
