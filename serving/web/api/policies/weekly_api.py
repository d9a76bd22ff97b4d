"""The weekly report for programs."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import Field

from serving.cases.people import newest_rules
from serving.policy_versions.policy_service import PolicyService
from serving.web.api.dependencies import Lead, UseCases
from serving.web.api.text_fields import RequestModel, ShortText
from serving.weekly.weekly_figures import last_complete_week, measure_week, parse_week
from serving.weekly.weekly_json import week_json
from serving.weekly.weekly_sending import loss_titles

weekly_api_router = APIRouter()


class WeekQuery(RequestModel):
    """Which week."""

    week: ShortText = Field("", description="`2026-W27`, or any day in it; by default the week that ended last.")


@weekly_api_router.get("/weekly", tags=["overview"])
def get_week(request: Request, person: Lead, cases: UseCases, query: Annotated[WeekQuery, Query()]) -> dict[str, Any]:
    """A week of the squads that you see: money, flow, time to contact, losses, the model and the effect of rescues."""
    now = cases.clock()
    today: date = now.date()
    monday = parse_week(query.week) if query.week else last_complete_week(today)
    policies: PolicyService = request.app.state.policies
    with cases.store.reading() as session:
        titles = loss_titles(newest_rules(session)) | loss_titles(policies.rules())
        return week_json(measure_week(session, monday, now, person.visible_squads, titles))
