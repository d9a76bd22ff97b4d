"""A case as a page to read, and its hand-off as a file."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from serving.cases.absence.away_people import away_texts
from serving.cases.case_errors import CaseNotFoundError
from serving.cases.casework.attachment_files import ALLOWED_TEXT
from serving.cases.casework.outcome_details import default_amount
from serving.cases.escalation.case_path import describe_case_path
from serving.cases.handover.hand_over_choices import case_hand_overs
from serving.cases.people import newest_rules
from serving.cases.permissions import Act
from serving.handoff.package import Handoff
from serving.handoff.render import markdown
from serving.store import Session
from serving.store.case_states import Action
from serving.store.casework.case_work_file import case_work_file
from serving.store.casework.casework_queries import task_lines
from serving.store.casework.casework_tables import AccountContact
from serving.store.queries.case_queries import CaseFile, case_file
from serving.store.queries.incident_queries import incidents_of_account
from serving.store.queries.policy_queries import saved_number
from serving.store.queries.results.weekly_queries import counted_revenue
from serving.web.access import Permission
from serving.web.flash_messages import FlashMessage
from serving.web.pages.case_messages import message_after
from serving.web.reader import PageReader
from serving.web.rendering import render_page
from serving.web.request_context import PageContext, ViewerContext, redirect_to
from serving.web.views.case_view import CaseReading, DraftText, case_view
from serving.web.work_forms import OutcomeChoices, WorkChoices

case_router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

RECENT_INCIDENTS = timedelta(days=7)
"""So long after its end the page of a case names an incident that affected the account."""


@case_router.get("/case/{case_id}")
def show_case(request: Request, case_id: str, context: ViewerContext, handoff: str = "") -> Response:
    """The case with the hand-off of the requested night; by default, the newest."""
    message = message_after(context, case_id, request.query_params.get("done", ""))
    return render_case(request, context, case_id, message=message, as_of=handoff)


@case_router.post("/case/{case_id}/read")
def mark_as_read(case_id: str, context: ViewerContext) -> Response:
    """Mark what the reader was mentioned in as read."""
    read_case(context, case_id)
    context.cases.work.read_mentions(case_id, context.person.name)
    return redirect_to(f"/case/{case_id}", done="read")


@case_router.get("/case/{case_id}/handoff.md")
def download_handoff(case_id: str, context: ViewerContext, handoff: str = "") -> Response:
    """The hand-off of the requested night as Markdown (by default, the newest), with the tasks of the case now."""
    file = read_case(context, case_id, _day(handoff))
    with context.store.reading() as session:
        tasks = task_lines(session, file.case)
    text = markdown(Handoff.model_validate_json(file.handoff), tasks)
    headers = {"Content-Disposition": f'attachment; filename="handoff-{case_id}.md"'}
    return PlainTextResponse(text, headers=headers, media_type="text/markdown")


def read_case(context: PageContext, case_id: str, as_of: date | None = None) -> CaseFile:
    """The case with everything around it.

    Raises:
        CaseNotFoundError: there is no such case, or this person may not see it.
    """
    with context.store.reading() as session:
        return _read_case(session, context, case_id, as_of)


def _read_case(session: Session, context: PageContext, case_id: str, as_of: date | None) -> CaseFile:
    file = case_file(session, case_id, visible=context.squads, as_of=as_of, reader=context.person.name)
    if file is None:
        raise CaseNotFoundError(case_id)
    return file


def render_case(
    request: Request,
    context: PageContext,
    case_id: str,
    *,
    message: FlashMessage | None = None,
    draft: DraftText | None = None,
    status: int = 200,
    as_of: str = "",
) -> Response:
    """The page of a case; ``draft`` is what was typed into a form whose action failed."""
    query = request.query_params if request.method == "GET" else {}
    reading = CaseReading(
        context.actor(Act.WORK),
        context.reader,
        context.now,
        shown=query.get("show", ""),
        complete=query.get("entries") == "all",
    )
    with context.store.reading() as session:
        file = _read_case(session, context, case_id, _day(as_of))
        handoff = Handoff.model_validate_json(file.handoff)
        rules, made_by = newest_rules(session), handoff.binding
        policy_number = saved_number(session, made_by.policy_version, made_by.as_of)
        work = case_work_file(session, file.case, file.account, reader=context.person.name, visible=context.squads)
        choices = work_choices(session, file, work.contacts, context.reader)
        assigns = context.person.may(Permission.ASSIGN)
        hand_overs = case_hand_overs(session, file.case, handoff, context.now, with_notes=assigns)
        incidents = incidents_of_account(session, file.account.account_id, context.now - RECENT_INCIDENTS)
        path = describe_case_path(session, file.case, context.now, context.person.name)
        counted = counted_revenue(session, [case_id]) if file.case.closed_at is not None else {}
        away = away_texts(session, [file.case.responsible], context.now) if file.case.closed_at is None else {}
    view = case_view(
        file,
        reading,
        handoff,
        draft=draft,
        hand_overs=hand_overs,
        work=work,
        choices=choices,
        rules=rules,
        counted=counted.get(case_id),
    )
    if message is not None and view.undo is not None and request.query_params.get("done") in set(Action):
        message = replace(message, link=("Undo it", "#undo"))
    limits = context.cases.work.limits
    shown: dict[str, Any] = {"view": view, "notice": message, "open_incidents": incidents, "case_path": path}
    shown |= {"away": away, "most_megabytes": limits.megabytes if limits.largest else 0, "file_types": ALLOWED_TEXT}
    shown["policy_number"] = policy_number
    shown["keeps_records"] = bool(context.store.messages.recording)
    return render_page(request, "case.html.j2", shown, status=status)


def work_choices(
    session: Session, file: CaseFile, contacts: Sequence[AccountContact], reader: PageReader
) -> WorkChoices:
    """What the forms about the work offer: contacts, reasons of outcomes, and colleagues of the squad."""
    rules = newest_rules(session)
    outcomes = rules.outcomes if rules is not None else {}
    people = {name: reader.name_of(name) for name in file.members}
    return WorkChoices(
        contacts=contacts,
        outcomes=OutcomeChoices(
            reasons={name: rule.reasons for name, rule in outcomes.items()},
            required=frozenset(name for name, rule in outcomes.items() if rule.required),
            amount=default_amount(file.case),
            currency=file.account.currency or "",
        ),
        people=people,
        zone=reader.zone,
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
