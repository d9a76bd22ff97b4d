"""The page of a link in a mail: it shows the case and asks what to do; only the form on it changes anything."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from features.errors import RescueError, UsageError
from serving.cases.cases import Cases
from serving.cases.people import load_roster
from serving.cases.permissions import Act, Actor, NotAllowedError
from serving.cases.transitions import actions_from
from serving.operations.used_requests import forget_use, use_once
from serving.paths.references.answer_links import PATH, AnswerLink, AnswerLinkError, AnswerLinks
from serving.store.case_states import Action, State
from serving.store.database import StoreError
from serving.store.queries.case_queries import account_names
from serving.store.tables import Case
from serving.web.access import Identity, csrf_token
from serving.web.answers.case_reasons import disagreeable_reasons
from serving.web.answers.refusal_text import refusal_text
from serving.web.forms import SNOOZE_DAYS, form_version
from serving.web.identity.known_people import known_person
from serving.web.identity.person import SignInNeededError
from serving.web.reader import ZONE_COOKIE, PageReader
from serving.web.rendering import render_page
from serving.web.request_context import FormTexts
from serving.web.views.case_summary import without_account_name

answer_router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

VIA_MAIL = "mail"
DISAGREE = "disagree"
ANSWERED_TEXTS = {
    Action.ACKNOWLEDGE: "You have acknowledged the case.",
    Action.SNOOZE: "You have snoozed the case.",
    DISAGREE: "Your disagreement is recorded. The analyst reads it.",
}
OFF = "Links in mails are not used here: open the case in Rescue."


class Answering(NamedTuple):
    """Who answers about which case by a valid link."""

    link: AnswerLink
    actor: Actor
    case: Case
    name: str


@answer_router.get(PATH)
def show_answer(request: Request, token: str = "") -> Response:
    """The case and the forms; nothing changes."""
    try:
        return _page(request, token, _answering(request, token, Act.COMMENT))
    except StoreError:
        raise
    except RescueError as error:
        return _refusal(request, error)


@answer_router.post(PATH)
def send_answer(request: Request, texts: FormTexts) -> Response:
    """Do what was chosen, once for each link."""
    token, action = texts.get("token", ""), texts.get("action", "")
    try:
        answering = _answering(request, token, Act.COMMENT if action == DISAGREE else Act.WORK)
    except StoreError:
        raise
    except RescueError as error:
        return _refusal(request, error)
    cases: Cases = request.app.state.cases
    what, link = f"answer {action}", answering.link.key
    try:
        use_once(cases.store, what, link, expires_at=answering.link.expires_at, now=cases.clock())
    except RescueError as error:
        return _page(request, token, answering, problem=str(error), status=409)
    try:
        _act(cases, answering, action, texts)
    except StoreError:
        forget_use(cases.store, what, link)
        raise
    except RescueError as error:
        forget_use(cases.store, what, link)
        shown = _answering(request, token, Act.COMMENT)
        problem = refusal_text(cases.store, error)
        return _page(request, token, shown, problem=problem, texts=texts, status=_status(error))
    return _page(request, token, _answering(request, token, Act.COMMENT), done=ANSWERED_TEXTS.get(action, ""))


def _answering(request: Request, token: str, act: Act) -> Answering:
    """Who answers, and the case in its present state.

    Raises:
        RescueError: the link is not valid, belongs to somebody else than who is signed in, or the case is not theirs.
    """
    links: AnswerLinks | None = request.app.state.answers
    if links is None:
        raise AnswerLinkError(OFF)
    cases: Cases = request.app.state.cases
    link = links.read(token, cases.clock())
    identity: Identity = request.app.state.identity
    signed_in = _signed_in(request, identity)
    if signed_in is not None and signed_in != link.person:
        raise NotAllowedError(f"This link is for {link.person}, and you are signed in as {signed_in}: open the case.")
    person = known_person(cases.store, identity.settings, link.person)
    actor = replace(person.actor(act), via=VIA_MAIL)
    case = cases.get(link.case, actor)
    with cases.store.reading() as session:
        name = account_names(session, [case.id]).get(case.id, case.account_id)
    return Answering(link, actor, case, name)


def _signed_in(request: Request, identity: Identity) -> str | None:
    try:
        return identity.authenticate_request(request).name
    except (SignInNeededError, NotAllowedError):
        return None


def _act(cases: Cases, answering: Answering, action: str, texts: dict[str, str]) -> None:
    version, text = form_version(texts.get("version", "")), texts.get("text", "")
    case_id, actor = answering.case.id, answering.actor
    if action == Action.ACKNOWLEDGE:
        cases.acknowledge(case_id, actor, version)
    elif action == Action.SNOOZE:
        cases.snooze(case_id, actor, version, until=_until(cases, texts.get("days", "")), reason=text)
    elif action == DISAGREE:
        cases.disagree(case_id, actor, reason=texts.get("reason", ""), comment=text)
    else:
        raise UsageError("Choose what to do: acknowledge, snooze or disagree.")


def _until(cases: Cases, days: str) -> date:
    if days not in {str(known) for known in SNOOZE_DAYS}:
        raise UsageError("Choose how long to snooze the case.")
    return cases.clock().date() + timedelta(days=int(days))


def _page(
    request: Request,
    token: str,
    answering: Answering,
    *,
    problem: str = "",
    done: str = "",
    texts: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    request.state.csrf = csrf_token(request)
    case, cases = answering.case, request.app.state.cases
    with cases.store.reading() as session:
        roster = load_roster(session)
    request.state.reader = PageReader.of(roster, answering.link.person, request.cookies.get(ZONE_COOKIE, ""))
    allowed = actions_from(State(case.state), answering.actor)
    is_open = case.closed_at is None
    works = answering.actor.may(Act.WORK)
    runs = case.respond_by is not None and case.state != State.SNOOZED
    shown: dict[str, Any] = {
        "case": case,
        "name": answering.name,
        "headline": without_account_name(case.headline or "", answering.name),
        "answer": answering.link,
        "token": token,
        "problem": problem,
        "done": done,
        "texts": texts or {},
        "may_acknowledge": works and Action.ACKNOWLEDGE in allowed and case.acknowledged_at is None and runs,
        "may_snooze": works and Action.SNOOZE in allowed,
        "reasons": disagreeable_reasons(cases.store, case.id) if is_open else [],
        "days": SNOOZE_DAYS,
        "person": None,
    }
    return render_page(request, "answer.html.j2", shown, status=status)


def _refusal(request: Request, error: RescueError) -> Response:
    request.state.csrf = csrf_token(request)
    status = 403 if isinstance(error, NotAllowedError) else 404
    problem = refusal_text(request.app.state.cases.store, error)
    return render_page(request, "answer_refused.html.j2", {"problem": problem, "person": None}, status=status)


def _status(error: RescueError) -> int:
    if isinstance(error, NotAllowedError):
        return 403
    return 422 if isinstance(error, UsageError) else 409
