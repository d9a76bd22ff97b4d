"""How escalation paths work: times, missed deadlines, returns and rescues."""

from datetime import date, datetime, time
from typing import Annotated

from fastapi import APIRouter, Query

from serving.store.queries.path_queries import path_report
from serving.web.api.dependencies import Lead, UseCases
from serving.web.api.path_models import PathMetricsResponse

paths_router = APIRouter()


@paths_router.get("/paths/metrics", tags=["overview"])
def get_path_metrics(
    person: Lead,
    cases: UseCases,
    since: Annotated[date | None, Query(description="Only the cases that were opened from this day on.")] = None,
) -> PathMetricsResponse:
    """Times to accept, contact and resolve, missed deadlines, returns and rescues, with 95% intervals."""
    begin = datetime.combine(since, time()) if since else None
    with cases.store.reading() as session:
        report = path_report(session, cases.clock(), person.visible_squads, begin)
    return PathMetricsResponse.model_validate(report.to_json())
