"""The overview for leads and analysts."""

from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from serving.store import Session
from serving.store.queries import overview_queries as queries
from serving.store.queries.monitor_queries import newest_monitor_report
from serving.store.queries.path_queries import recent_path_report
from serving.store.queries.policy_queries import version_numbers
from serving.web.rendering import render_page
from serving.web.request_context import OverviewContext
from serving.web.views.night_age import night_age
from serving.web.views.results.overview_view import build_overview
from serving.web.views.results.path_view import build_path_section
from serving.weekly.result_sections import left_section, losses_section
from serving.weekly.weekly_figures import measure_week
from serving.weekly.weekly_sections import WeeklySection
from serving.weekly.weekly_sending import loss_titles
from serving.weekly.work_sections import flow_section, money_section, months_section

overview_router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

LATE_CASES = 25
"""Overdue cases that are listed; all of them are counted."""

RECENT_NIGHTS = 14

PATH_WEEKS = 26
"""Weeks whose cases are measured by the section on escalation paths."""


def result_sections(session: Session, context: OverviewContext, titles: dict[str, str]) -> list[WeeklySection]:
    """The results of the week that goes on, as the weekly report shows them."""
    today = context.now.date()
    monday = today - timedelta(days=today.weekday())
    figures = measure_week(session, monday, context.now, context.squads, titles, times=False)
    return [
        money_section(figures),
        months_section(figures),
        flow_section(figures),
        losses_section(figures),
        left_section(figures),
    ]


@overview_router.get("/overview")
def show_overview(request: Request, context: OverviewContext) -> Response:
    """How the work goes, and what needs a lead today."""
    today, squads = context.now.date(), context.squads
    titles = loss_titles(request.app.state.policies.rules())
    with context.store.reading() as session:
        age = night_age(session, today, context.reader)
        realised = queries.realised_outcomes(session)
        horizons = {risk: outcomes.horizon_days for risk, outcomes in realised.items()}
        view = build_overview(
            squads=squads,
            results=result_sections(session, context, titles),
            late=queries.late_cases(session, context.now, squads, LATE_CASES),
            renewed=queries.renewed_cases(session, context.now, squads, LATE_CASES),
            late_counts=queries.count_late(session, context.now, squads),
            judged=queries.team_outcomes(session, today, squads, horizons),
            realised=realised,
            nights=queries.recent_nights(session, RECENT_NIGHTS),
            monitor=newest_monitor_report(session),
            now=context.now,
            paths=build_path_section(
                recent_path_report(session, context.now, squads, PATH_WEEKS), PATH_WEEKS, version_numbers(session)
            ),
        )
    return render_page(request, "overview.html.j2", {"view": view, "age": age})
