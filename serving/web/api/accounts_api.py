"""Accounts, the overview, and the signed-in user."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from features.errors import UsageError, suggest_name
from serving.cases.case_errors import AccountNotFoundError
from serving.cases.people import newest_rules
from serving.cases.permissions import Act
from serving.nights.person_case import open_person_case
from serving.store.queries import account_queries, overview_queries
from serving.store.queries.queue_queries import newest_night, night_risks
from serving.web.api import response_models
from serving.web.api.dependencies import AccountId, Lead, SignedInPerson, UseCases, Viewer, Worker, sees_hold_outs
from serving.web.api.text_fields import RequestModel, RequiredText, ShortText
from serving.web.views.work.queue_status import AccountStatus, StatusContext, status_lines

accounts_router = APIRouter()


class AccountSearch(RequestModel):
    """Which accounts; without a text all of them."""

    text: ShortText = Field("", description="In the name or the id.")
    segment: ShortText = ""
    owner: ShortText = Field("", description="The owner of the account.")
    sort: ShortText = Field("name", description="`name`, `revenue`, `renewal`, or a risk: the highest risk first.")
    page: int = Field(1, ge=1, le=100_000)


class OpenCaseRequest(RequestModel):
    """A case that a person opens."""

    reason: RequiredText
    squad: ShortText | None = Field(None, description="By default your squad, if you have only one.")
    risk: ShortText | None = Field(None, description="By default the risk whose case is worth most.")


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
    """One page of the accounts that you may see, fifty on each."""
    chosen = account_queries.AccountFilter(person.visible_squads, query.text, query.segment, query.owner)
    with cases.store.reading() as session:
        risks = night_risks(session, newest_night(session))
        if query.sort not in (orders := (*account_queries.ACCOUNT_SORTS, *risks)):
            raise UsageError(f"There is no such sort order: {suggest_name(query.sort, orders)}")
        accounts = account_queries.list_accounts(session, chosen, sort=query.sort, page=query.page)
        total = account_queries.count_listed_accounts(session, chosen)
    return response_models.AccountListResponse(
        total=total,
        page=query.page,
        pages=-(-total // account_queries.FOUND),
        items=[response_models.AccountResponse.model_validate(account) for account in accounts],
    )


@accounts_router.post("/accounts/{account_id:path}/cases", tags=["accounts"], status_code=201)
def open_case_of_account(
    account_id: AccountId, wanted: OpenCaseRequest, person: Worker, cases: UseCases, request: Request
) -> response_models.CaseResponse:
    """Open a case of an account that no night selected; it is priced and ordered like every other case."""
    case = open_person_case(
        cases.store,
        account_id,
        person.actor(Act.WORK),
        reason=wanted.reason,
        squad=wanted.squad or None,
        risk=wanted.risk or None,
        channels=request.app.state.incidents.channels,
        clock=cases.clock,
    )
    return response_models.CaseResponse.model_validate(case)


@accounts_router.get("/accounts/{account_id:path}", tags=["accounts"])
def get_account(account_id: AccountId, person: Viewer, cases: UseCases) -> response_models.AccountDetailResponse:
    """An account over time: scores by night, cases, and adjustments of its health score."""
    with cases.store.reading() as session:
        file = account_queries.account_file(session, account_id, person.visible_squads)
        context = StatusContext(newest_rules(session), account_queries.scored_counts(session), sees_hold_outs(person))
    if file is None:
        raise AccountNotFoundError(account_id)
    status = status_lines(
        AccountStatus(
            file.account,
            file.cases,
            file.risks,
            file.decisions.waiting.get(account_id, ()),
            file.decisions.set_aside.get(account_id, ()),
            file.decisions.held_out.get(account_id, ()),
        ),
        context,
    )
    return response_models.AccountDetailResponse(
        account=response_models.AccountResponse.model_validate(file.account),
        night=file.night,
        status=[line.text for line in status],
        risks=[response_models.AccountRiskResponse.model_validate(row) for row in file.risks],
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
