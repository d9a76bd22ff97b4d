"""The weekly report as a page that can be printed, for leads, analysts and whoever pays for the team."""

from datetime import date, timedelta

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from features.errors import UsageError
from serving.cases.people import newest_rules
from serving.web.flash_messages import FlashMessage
from serving.web.rendering import render_page
from serving.web.request_context import OverviewContext
from serving.web.views.night_age import night_age
from serving.weekly.weekly_figures import last_complete_week, measure_week, parse_week
from serving.weekly.weekly_sending import loss_titles, mail_channel_of, recipients_text
from serving.weekly.weekly_text import write_week

weekly_router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)


@weekly_router.get("/weekly")
def show_week(request: Request, context: OverviewContext, week: str = "") -> Response:
    """The report of a week, by default of the one that ended last."""
    notice, today = None, context.now.date()
    monday = last_complete_week(today)
    try:
        monday = parse_week(week) if week else monday
    except UsageError as error:
        notice = FlashMessage(str(error), "bad")
    if monday > today:
        monday, notice = last_complete_week(today), FlashMessage("That week has not begun.", "bad")
    rules = request.app.state.policies.rules()
    with context.store.reading() as session:
        titles = loss_titles(newest_rules(session)) | loss_titles(rules)
        age = night_age(session, today, context.reader)
        figures = measure_week(session, monday, context.now, context.squads, titles)
    following = monday + timedelta(weeks=1)
    sent = recipients_text(rules)
    if sent and mail_channel_of(context.store) is None:
        sent += " No channel for mail is configured yet."
    shown = {
        "text": write_week(figures, today),
        "figures": figures,
        "age": age,
        "earlier": _code(monday - timedelta(weeks=1)),
        "later": _code(following) if following <= today else "",
        "sent": sent,
        "notice": notice,
    }
    return render_page(request, "weekly.html.j2", shown, status=422 if notice else 200)


def _code(monday: date) -> str:
    year, number, _ = monday.isocalendar()
    return f"{year}-W{number:02d}"
