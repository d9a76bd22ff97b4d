"""Accounts, the overview, and the signed-in user."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from serving.store.queries import account_queries, overview_queries
from serving.web.api import response_models
from serving.web.api.dependencies import AccountId, Lead, SignedInPerson, UseCases, Viewer
from serving.web.api.text_fields import RequestModel, ShortText
from serving.web.error_pages import AccountNotFoundError

accounts_router = APIRouter()


class AccountSearch(RequestModel):
    """Which accounts."""

    text: ShortText = Field(min_length=1)


@accounts_router.get("/me", tags=["people"])
def get_me(person: SignedInPerson) -> response_models.PersonResponse:
    """The signed-in user, and the squads that they see."""
    visible = person.visible_squads
    return response_models.PersonResponse(
        name=person.name, roles=sorted(person.roles), squads=None if visible is None else sorted(visible)
    )


@accounts_router.get("/accounts", tags=["accounts"])
def search_accounts(
    person: Viewer, cases: UseCases, query: Annotated[AccountSearch, Query()]
) -> response_models.AccountListResponse:
    """The accounts whose name or id contains the text; at most fifty."""
    with cases.store.reading() as session:
        accounts = account_queries.search(session, query.text, person.visible_squads)
    return response_models.AccountListResponse(
        items=[response_models.AccountResponse.model_validate(account) for account in accounts]
    )


@accounts_router.get("/accounts/{account_id:path}", tags=["accounts"])
def get_account(account_id: AccountId, person: Viewer, cases: UseCases) -> response_models.AccountDetailResponse:
    """An account over time: scores by night, cases, and adjustments of its health score."""
    with cases.store.reading() as session:
        file = account_queries.account_file(session, account_id, person.visible_squads)
    if file is None:
        raise AccountNotFoundError(account_id)
    return response_models.AccountDetailResponse(
        account=response_models.AccountResponse.model_validate(file.account),
        night=file.night,
        scores={
            risk: [response_models.ScorePoint(as_of=as_of, probability=probability) for as_of, probability in points]
            for risk, points in file.scores.items()
        },
        cases=[response_models.CaseResponse.model_validate(case) for case in file.cases],
        adjustments=[response_models.AdjustmentResponse.model_validate(entry) for entry in file.adjustments],
    )


@accounts_router.get("/overview", tags=["overview"])
def get_overview(person: Lead, cases: UseCases) -> response_models.OverviewResponse:
    """How the work goes, week by week, and what is late."""
    now, squads = cases.clock(), person.visible_squads
    with cases.store.reading() as session:
        responses, resolutions = overview_queries.count_late(session, now, squads)
        realised = overview_queries.realised_outcomes(session)
        horizons = {risk: outcomes.horizon_days for risk, outcomes in realised.items()}
        judged = overview_queries.team_outcomes(session, now.date(), squads, horizons)
        weeks = overview_queries.count_by_week(session, now.date(), squads)
    return response_models.OverviewResponse(
        weeks=[response_models.WeekResponse.model_validate(week) for week in weeks],
        judged=[response_models.TeamOutcomesResponse.model_validate(team) for team in judged],
        late_responses=responses,
        late_resolutions=resolutions,
        realised_outcomes=list(realised.values()),
    )
