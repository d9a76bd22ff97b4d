"""People and their absences, and the forms of hand-overs with their figures."""

from datetime import date, datetime, time
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from serving.cases.absence.absence_entries import enter_absence, withdraw_absence
from serving.cases.absence.people_overview import PersonStatus, list_people
from serving.cases.case_errors import CaseNotFoundError
from serving.cases.handover.hand_over_choices import case_hand_overs
from serving.cases.permissions import Act
from serving.handoff.package import Handoff
from serving.store.queries.case_queries import case_file
from serving.store.queries.handover_queries import handover_figures
from serving.web.api import people_models
from serving.web.api.dependencies import CaseId, Lead, UseCases, Viewer
from serving.web.api.text_fields import RequestModel, ShortText

people_api_router = APIRouter()

AbsenceId = Annotated[int, Path(ge=1, lt=1 << 31)]


class AbsenceRequest(RequestModel):
    """A person is away from the first to the last day, both included, in their time zone."""

    person: ShortText | None = Field(None, description="By default, yourself.")
    first: date
    last: date
    reason: ShortText = Field("", description="Colleagues read it.")


class FiguresQuery(RequestModel):
    """Which hand-overs."""

    since: date | None = Field(None, description="Sent on this day or later.")


@people_api_router.get("/people", tags=["people"])
def get_people(person: Viewer, cases: UseCases) -> people_models.PeopleResponse:
    """The people of the squads that you see: duty, local time, open cases and absences."""
    with cases.store.reading() as session:
        people = list_people(session, cases.clock(), person.visible_squads)
    return people_models.PeopleResponse(items=[_person(row) for row in people])


@people_api_router.post("/absences", tags=["people"], status_code=201)
def add_absence_entry(request: AbsenceRequest, person: Viewer, cases: UseCases) -> people_models.AbsenceResponse:
    """Enter an absence: your own, or as a lead that of a member of your squads."""
    row = enter_absence(
        cases.store,
        person.actor(Act.ASSIGN),
        request.person or person.name,
        request.first,
        request.last,
        reason=request.reason,
        now=cases.clock(),
        source="app",
    )
    return people_models.AbsenceResponse.model_validate(row)


@people_api_router.delete("/absences/{absence}", tags=["people"])
def withdraw_absence_entry(absence: AbsenceId, person: Viewer, cases: UseCases) -> people_models.AbsenceResponse:
    """Remove an absence; the record of it stays."""
    row = withdraw_absence(cases.store, person.actor(Act.ASSIGN), absence, now=cases.clock())
    return people_models.AbsenceResponse.model_validate(row)


@people_api_router.get("/cases/{case_id}/hand-over-forms", tags=["cases"])
def get_hand_over_forms(case_id: CaseId, person: Viewer, cases: UseCases) -> people_models.HandOverFormsResponse:
    """The forms of the hand-overs that the policy asks for, filled in as far as it is known."""
    now = cases.clock()
    with cases.store.reading() as session:
        file = case_file(session, case_id, visible=person.visible_squads, reader=person.name)
        if file is None:
            raise CaseNotFoundError(case_id)
        found = case_hand_overs(session, file.case, Handoff.model_validate_json(file.handoff), now)
    return people_models.HandOverFormsResponse.model_validate(found)


@people_api_router.get("/hand-overs/figures", tags=["overview"])
def get_hand_over_figures(
    person: Lead, cases: UseCases, query: Annotated[FiguresQuery, Query()]
) -> people_models.HandOverFiguresResponse:
    """Hand-overs with forms by pair of squads: completeness, returns and the time that is lost."""
    since = datetime.combine(query.since, time()) if query.since else None
    with cases.store.reading() as session:
        figures = handover_figures(session, person.visible_squads, since)
    items = [people_models.HandOverPairResponse.model_validate(row) for row in figures]
    return people_models.HandOverFiguresResponse(items=items)


def _person(row: PersonStatus) -> people_models.PersonStatusResponse:
    return people_models.PersonStatusResponse.model_validate(row)
