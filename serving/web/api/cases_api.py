"""Cases: list them, read one, take the next one, act on one, and comment on it."""

import json
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from features.errors import UsageError, suggest_name
from serving.cases.case_errors import CaseNotFoundError
from serving.cases.escalation.case_path import describe_case_path
from serving.cases.permissions import Act
from serving.cases.transitions import actions_from
from serving.store.case_states import State
from serving.store.queries import case_queries, queue_queries
from serving.web.api import response_models
from serving.web.api.action_models import CaseActionRequest, CommentRequest, TakeNextRequest
from serving.web.api.dependencies import CaseId, Commenter, UseCases, Viewer, Worker
from serving.web.api.text_fields import RequestModel, ShortText

cases_router = APIRouter(tags=["cases"])


class HandoffQuery(RequestModel):
    """Which hand-off of a case."""

    as_of: date | None = Field(None, description="The night; by default, the newest.")


class CaseFilter(RequestModel):
    """Which cases: every filter that is set narrows the list."""

    squad: ShortText = ""
    lane: Literal["", "at_risk", "leaving"] = ""
    mine: bool = False
    state: Literal["open", "closed"] | State = "open"
    risk: ShortText = ""
    segment: ShortText = ""
    owner: ShortText = Field("", description="The owner of the account.")
    renews: int | None = Field(
        None, ge=0, le=3660, description="Renews within this number of days after the newest night."
    )
    text: ShortText = Field("", description="In the account's name or id, or in the headline.")
    sort: ShortText = Field(
        "priority",
        description=f"One of {', '.join(queue_queries.SORTS)}, or the name of a risk: the highest risk first.",
    )
    page: int = Field(1, ge=1, le=100_000)


@cases_router.get("/cases")
def get_case_list(
    person: Viewer, cases: UseCases, query: Annotated[CaseFilter, Query()]
) -> response_models.CaseListResponse:
    """One page of the cases that you may see, in the requested order."""
    with cases.store.reading() as session:
        night = queue_queries.newest_night(session)
        risks = queue_queries.night_risks(session, night)
        if query.sort not in (orders := (*queue_queries.SORTS, *risks)):
            raise UsageError(f"There is no such sort order: {suggest_name(query.sort, orders)}")
        filters = query.model_dump(exclude={"sort", "page"})
        chosen = queue_queries.QueueFilter(
            person.visible_squads, person.name, night or cases.clock().date(), **filters | {"state": str(query.state)}
        )
        total = queue_queries.count_cases(session, chosen)
        rows = queue_queries.list_cases(session, chosen, sort=query.sort, page=query.page)
    return response_models.CaseListResponse(
        night=night,
        risks=list(risks),
        total=total,
        page=query.page,
        pages=-(-total // queue_queries.PAGE),
        items=[response_models.CaseListItem.model_validate(row) for row in rows],
    )


@cases_router.post("/take-next")
def take_next_case(request: TakeNextRequest, person: Worker, cases: UseCases) -> response_models.TakeNextResponse:
    """Claim the most urgent new case of your squads; no two people get the same one."""
    case = cases.take_next(request.squad or None, person.actor(Act.WORK))
    return response_models.TakeNextResponse(case=response_models.CaseResponse.model_validate(case) if case else None)


@cases_router.get("/cases/{case_id}")
def get_case(
    case_id: CaseId, person: Viewer, cases: UseCases, query: Annotated[HandoffQuery, Query()]
) -> response_models.CaseDetailResponse:
    """A case with its account, its history and the hand-off of one night (by default, the newest)."""
    with cases.store.reading() as session:
        file = case_queries.case_file(
            session, case_id, visible=person.visible_squads, as_of=query.as_of, reader=person.name
        )
        path = describe_case_path(session, file.case, cases.clock(), person.name) if file else None
        records = case_queries.external_records(session, case_id) if file else []
    if file is None:
        raise CaseNotFoundError(case_id)
    return response_models.CaseDetailResponse(
        case=response_models.CaseResponse.model_validate(file.case),
        account=response_models.AccountResponse.model_validate(file.account),
        actions=[] if file.read_only else list(actions_from(State(file.case.state), person.actor())),
        handoff_of=file.handoff_of,
        handoffs=list(file.handoffs),
        handoff=json.loads(file.handoff),
        scores=file.scores,
        path=response_models.PathResponse.model_validate(path),
        external_records=[response_models.ExternalRecordResponse.model_validate(record) for record in records],
        history=[response_models.CaseEventResponse.model_validate(event) for event in file.events],
    )


@cases_router.post("/cases/{case_id}/actions")
def act_on_case(
    case_id: CaseId, request: CaseActionRequest, person: Commenter, cases: UseCases
) -> response_models.CaseResponse:
    """Do something to a case; the response is the case afterwards, with the version for the next action."""
    actor = person.actor(request.needs)
    actor.require(request.needs)
    return response_models.CaseResponse.model_validate(request.run(cases, case_id, actor))


@cases_router.post("/cases/{case_id}/comments", status_code=201)
def comment_on_case(
    case_id: CaseId, request: CommentRequest, person: Commenter, cases: UseCases
) -> response_models.CaseResponse:
    """Add a comment to the history of a case."""
    case = cases.comment(case_id, person.actor(Act.COMMENT), text=request.text, private=request.private)
    return response_models.CaseResponse.model_validate(case)
