"""Accounts, the overview, and who you are."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from serving.store import account_queries, overview_queries
from serving.web.access import Permission, Person, require, signed_in
from serving.web.api import response_models
from serving.web.api.cases_api import See, UseCases
from serving.web.api.text_fields import Sent, Word
from serving.web.error_pages import AccountNotFoundError

router = APIRouter()

AnyId = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
"""An account's id is the source's own, and may hold any sign."""

Lead = Annotated[Person, Depends(require(Permission.OVERVIEW))]


class Search(Sent):
    """Which accounts."""

    text: Word = Field(min_length=1)


@router.get("/me", tags=["people"])
def me(person: Annotated[Person, Depends(signed_in)]) -> response_models.Me:
    """Who you are to Rescue, and what you see."""
    visible = person.visible_squads
    return response_models.Me(
        name=person.name, roles=sorted(person.roles), squads=None if visible is None else sorted(visible)
    )


@router.get("/accounts", tags=["accounts"])
def search_accounts(person: See, cases: UseCases, wanted: Annotated[Search, Query()]) -> response_models.Accounts:
    """The accounts whose name or id contains the text; at most fifty."""
    with cases.store.reading() as session:
        found = account_queries.search(session, wanted.text, person.visible_squads)
    return response_models.Accounts(items=[response_models.Account.model_validate(account) for account in found])


@router.get("/accounts/{account_id:path}", tags=["accounts"])
def get_account(account_id: AnyId, person: See, cases: UseCases) -> response_models.AccountFile:
    """An account over time: scores by night, cases, and what verdicts said about its health."""
    with cases.store.reading() as session:
        found = account_queries.account_file(session, account_id, person.visible_squads)
    if found is None:
        raise AccountNotFoundError(account_id)
    return response_models.AccountFile(
        account=response_models.Account.model_validate(found.account),
        night=found.night,
        scores={
            risk: [response_models.Score(as_of=as_of, probability=probability) for as_of, probability in points]
            for risk, points in found.scores.items()
        },
        cases=[response_models.Case.model_validate(case) for case in found.cases],
        adjustments=[response_models.Adjustment.model_validate(one) for one in found.adjustments],
    )


@router.get("/overview", tags=["overview"])
def overview(person: Lead, cases: UseCases) -> response_models.Overview:
    """How the work goes, week by week, and what is late."""
    now, squads = cases.clock(), person.visible_squads
    with cases.store.reading() as session:
        responses, resolutions = overview_queries.late_counts(session, now, squads)
        came_of = overview_queries.came_of(session)
        horizons = {risk: came.horizon for risk, came in came_of.items()}
        judged = overview_queries.judged(session, now.date(), squads, horizons)
        return response_models.Overview(
            weeks=[
                response_models.Week.model_validate(week)
                for week in overview_queries.weeks(session, now.date(), squads)
            ],
            judged=[response_models.Judged.model_validate(one) for one in judged],
            late_responses=responses,
            late_resolutions=resolutions,
            came_of={risk: response_models.CameOf.model_validate(came) for risk, came in came_of.items()},
        )
