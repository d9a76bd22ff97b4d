"""Incidents: list them, read one with its accounts, acknowledge, comment and resolve."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field

from serving.cases.permissions import Act
from serving.incidents.incident_actions import Incidents
from serving.incidents.incident_errors import IncidentNotFoundError
from serving.store.queries.incident_queries import incident_file, list_incidents
from serving.web.api.dependencies import Commenter, Viewer
from serving.web.api.response_models import CaseEventResponse, ResponseModel, UtcTime
from serving.web.api.text_fields import OptionalText, RequestModel, RequiredText

incidents_router = APIRouter(tags=["incidents"])

IncidentId = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[^\x00/]+$")]
IncidentVersion = Annotated[int, Field(ge=1, lt=1 << 31, description="The version of the incident that you read.")]


def get_incidents(request: Request) -> Incidents:
    """The use cases of incidents."""
    incidents: Incidents = request.app.state.incidents
    return incidents


IncidentUseCases = Annotated[Incidents, Depends(get_incidents)]


class IncidentResponse(ResponseModel):
    """An incident; times are UTC."""

    id: str
    name: str
    title: str
    grouping: dict[str, Any]
    squad: str
    severity: str
    state: str
    started_at: UtcTime
    last_signal_at: UtcTime
    detected_at: UtcTime
    closed_at: UtcTime | None
    respond_by: UtcTime | None
    resolve_by: UtcTime | None
    acknowledged_at: UtcTime | None
    acknowledged_by: str | None
    responsible: str | None
    signals: int
    users: int
    users_total: int | None
    accounts: int
    accounts_total: int | None
    reopened: int
    version: int


class IncidentListResponse(ResponseModel):
    """The incidents: open ones first, then the newest first."""

    items: list[IncidentResponse]


class AffectedAccountResponse(ResponseModel):
    """An affected account with its open cases that you may see."""

    account_id: str
    name: str
    revenue: float | None
    currency: str | None
    signals: int
    first_at: UtcTime
    last_at: UtcTime
    cases: tuple[str, ...]


class RevenueResponse(ResponseModel):
    """The yearly revenue of the affected accounts in one currency."""

    currency: str
    amount: float
    accounts: int


class IncidentEventResponse(CaseEventResponse):
    """An entry of the timeline."""


class IncidentDetailResponse(ResponseModel):
    """An incident with the accounts that you may see; ``hidden_accounts`` is the number of the others."""

    incident: IncidentResponse
    accounts: list[AffectedAccountResponse]
    hidden_accounts: int
    revenue: list[RevenueResponse]
    accounts_without_revenue: int
    timeline: list[IncidentEventResponse]


class IncidentFilter(RequestModel):
    """Which incidents."""

    state: Literal["", "open", "over", "resolved"] = ""


class AcknowledgeIncidentRequest(RequestModel):
    """Take the incident on: its path escalates no further."""

    action: Literal["acknowledge"]
    version: IncidentVersion


class ResolveIncidentRequest(RequestModel):
    """End the incident."""

    action: Literal["resolve"]
    version: IncidentVersion
    comment: OptionalText = ""


class IncidentRemarkRequest(RequestModel):
    """Add a comment to the timeline."""

    action: Literal["comment"]
    text: RequiredText


IncidentActionRequest = Annotated[
    AcknowledgeIncidentRequest | ResolveIncidentRequest | IncidentRemarkRequest, Field(discriminator="action")
]


@incidents_router.get("/incidents")
def get_incident_list(
    person: Viewer, incidents: IncidentUseCases, query: Annotated[IncidentFilter, Query()]
) -> IncidentListResponse:
    """The incidents, open ones first."""
    with incidents.store.reading() as session:
        rows = list_incidents(session, state=query.state)
    return IncidentListResponse(items=[IncidentResponse.model_validate(row) for row in rows])


@incidents_router.get("/incidents/{incident_id}")
def get_incident(incident_id: IncidentId, person: Viewer, incidents: IncidentUseCases) -> IncidentDetailResponse:
    """An incident with its timeline, its affected accounts and their revenue."""
    with incidents.store.reading() as session:
        file = incident_file(session, incident_id, person.visible_squads)
    if file is None:
        raise IncidentNotFoundError(incident_id)
    return IncidentDetailResponse(
        incident=IncidentResponse.model_validate(file.incident),
        accounts=[AffectedAccountResponse.model_validate(account) for account in file.accounts],
        hidden_accounts=file.hidden,
        revenue=[RevenueResponse.model_validate(part) for part in file.revenue],
        accounts_without_revenue=file.unknown,
        timeline=[IncidentEventResponse.model_validate(event) for event in file.events],
    )


@incidents_router.post("/incidents/{incident_id}/actions")
def act_on_incident(
    incident_id: IncidentId, request: IncidentActionRequest, person: Commenter, incidents: IncidentUseCases
) -> IncidentResponse:
    """Do something to an incident; the response is the incident afterwards, with the version for the next action."""
    if isinstance(request, IncidentRemarkRequest):
        row = incidents.comment(incident_id, person.actor(Act.COMMENT), text=request.text)
    elif isinstance(request, ResolveIncidentRequest):
        row = incidents.resolve(incident_id, person.actor(Act.WORK), request.version, comment=request.comment)
    else:
        row = incidents.acknowledge(incident_id, person.actor(Act.WORK), request.version)
    return IncidentResponse.model_validate(row)
