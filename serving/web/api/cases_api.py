"""Cases: listed, read whole, worked and commented on."""

import json
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field

from serving.cases.case_errors import CaseNotFoundError
from serving.cases.cases import Cases
from serving.cases.permissions import Act
from serving.cases.transitions import moves_from
from serving.store import case_queries, queue_queries
from serving.store.case_states import State
from serving.web.access import Permission, Person, require
from serving.web.api import response_models
from serving.web.api.action_models import ActOnCase, Comment
from serving.web.api.text_fields import Sent, Word

router = APIRouter(tags=["cases"])

See = Annotated[Person, Depends(require(Permission.SEE))]
Say = Annotated[Person, Depends(require(Permission.COMMENT))]
Id = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[^\x00/]+$")]


def the_cases(request: Request) -> Cases:
    """The use cases, as ``create_api`` was given them."""
    found: Cases = request.app.state.cases
    return found


UseCases = Annotated[Cases, Depends(the_cases)]


class Handoff(Sent):
    """Which of a case's hand-offs."""

    as_of: date | None = Field(None, description="The night; the newest by default.")


class Filter(Sent):
    """Which cases: every filter that is set narrows the list."""

    squad: Word = ""
    mine: bool = False
    state: Literal["open", "closed"] | State = "open"
    risk: Word = ""
    segment: Word = ""
    owner: Word = Field("", description="The account's owner.")
    renews: int | None = Field(None, ge=0, le=3660, description="Renews within so many days after the newest night.")
    text: Word = Field("", description="In the account's name or id, or in the headline.")
    sort: Literal["priority", "account", "revenue", "churn", "escalation", "renewal", "clock"] = "priority"
    page: int = Field(1, ge=1, le=100_000)


@router.get("/cases")
def list_cases(person: See, cases: UseCases, wanted: Annotated[Filter, Query()]) -> response_models.CasePage:
    """One page of the cases that you may see, in the order asked for."""
    with cases.store.reading() as session:
        night = queue_queries.newest_night(session)
        asked = wanted.model_dump(exclude={"sort", "page"})
        chosen = queue_queries.Chosen(
            person.visible_squads, person.name, night or cases.clock().date(), **asked | {"state": str(wanted.state)}
        )
        total = queue_queries.count(session, chosen)
        rows = queue_queries.listed(session, chosen, sort=wanted.sort, page=wanted.page)
    return response_models.CasePage(
        night=night,
        total=total,
        page=wanted.page,
        pages=-(-total // queue_queries.PAGE),
        items=[response_models.ListedCase.model_validate(row) for row in rows],
    )


@router.get("/cases/{case_id}")
def get_case(
    case_id: Id, person: See, cases: UseCases, wanted: Annotated[Handoff, Query()]
) -> response_models.CaseFile:
    """A case with its account, its record and its hand-off of a night (default: the newest)."""
    with cases.store.reading() as session:
        found = case_queries.case_file(session, case_id, visible=person.visible_squads, as_of=wanted.as_of)
    if found is None:
        raise CaseNotFoundError(case_id)
    return response_models.CaseFile(
        case=response_models.Case.model_validate(found.case),
        account=response_models.Account.model_validate(found.account),
        moves=list(moves_from(State(found.case.state))),
        handoff_of=found.handoff_of,
        handoffs=list(found.handoffs),
        handoff=json.loads(found.handoff),
        scores=found.scores,
        record=[response_models.Event.model_validate(event) for event in found.events],
    )


@router.post("/cases/{case_id}/acts")
def act_on_case(case_id: Id, wish: ActOnCase, person: Say, cases: UseCases) -> response_models.Case:
    """Do something to a case; the answer is the case afterwards, with the version for the next act."""
    actor = person.actor(wish.needs)
    actor.require(wish.needs)
    return response_models.Case.model_validate(wish.do(cases, case_id, actor))


@router.post("/cases/{case_id}/comments", status_code=201)
def comment_on_case(case_id: Id, said: Comment, person: Say, cases: UseCases) -> response_models.Case:
    """Put something on the record of a case."""
    return response_models.Case.model_validate(cases.comment(case_id, person.actor(Act.COMMENT), text=said.text))
