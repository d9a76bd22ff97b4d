"""Accounts: the list of all, one account over time, and a case that a person opens."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from features.errors import RescueError
from serving.cases.case_errors import AccountNotFoundError, AlreadyOpenError
from serving.cases.people import newest_rules
from serving.cases.permissions import Act, NotAllowedError
from serving.nights.person_case import case_risks, open_person_case
from serving.store import Session
from serving.store.database import StoreError
from serving.store.queries import account_queries
from serving.store.queries.account_queries import FOUND, AccountFilter
from serving.store.queries.case_queries import active_squads
from serving.store.queries.decision_queries import night_decisions
from serving.store.queries.queue_queries import newest_night, night_risks
from serving.store.tables import Account, Case
from serving.web.access import Permission
from serving.web.flash_messages import FlashMessage, failure_message, success_message
from serving.web.rendering import render_page
from serving.web.request_context import FormTexts, PageContext, ViewerContext, WorkerContext, redirect_to
from serving.web.views.account_view import account_view
from serving.web.views.work.account_list import AccountListView, AccountRow, account_rows, first_risk
from serving.web.views.work.queue_status import StatusContext

account_router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)


@account_router.get("/accounts")
def show_accounts(request: Request, context: ViewerContext) -> Response:
    """One page of all accounts, or of those that match a text, a segment or an owner."""
    with context.store.reading() as session:
        night = newest_night(session)
        risks = night_risks(session, night)
        segments, owners = _choices(request, session, night)
        view = AccountListView.of(request.query_params, risks, first_risk(newest_rules(session), risks))
        chosen = AccountFilter(
            context.squads,
            view.q,
            view.segment,
            view.owner,
            segments=_naming(segments, view.q),
            owners=_naming(owners, view.q) + _named(owners, view.q, context),
        )
        total = account_queries.count_listed_accounts(session, chosen)
        every = total
        if context.squads is not None and not view.narrowed:
            every = account_queries.count_listed_accounts(session, AccountFilter(None))
        pages = max(1, ceil(total / FOUND))
        view = replace(view, page=min(view.page, pages))
        accounts = account_queries.list_accounts(session, chosen, sort=view.sort, page=view.page)
        rows = _rows(session, context, accounts)
    shown = {
        "view": view,
        "rows": rows,
        "risks": risks,
        "total": total,
        "hidden": every - total,
        "first": min((view.page - 1) * FOUND + 1, total),
        "pages": pages,
        "segments": segments,
        "owners": owners,
    }
    return render_page(request, "accounts.html.j2", shown)


@account_router.get("/account/{account_id:path}")
def show_account(request: Request, account_id: str, context: ViewerContext) -> Response:
    """One account; its id may contain any character."""
    return _render_account(request, context, account_id, message=success_message(request.query_params.get("done", "")))


@account_router.post("/open-case/{account_id:path}")
def open_case(request: Request, account_id: str, texts: FormTexts, context: WorkerContext) -> Response:
    """Open a case of an account with a reason, and claim it where the person wants to work on it."""
    actor = context.actor(Act.WORK)
    try:
        case = open_person_case(
            context.store,
            account_id,
            actor,
            reason=texts.get("text", ""),
            squad=texts.get("squad") or None,
            risk=texts.get("risk") or None,
            channels=request.app.state.incidents.channels,
            clock=context.cases.clock,
        )
        if texts.get("claim"):
            context.cases.claim(case.id, actor, case.version)
    except (StoreError, AccountNotFoundError):
        raise
    except RescueError as error:
        message = failure_message(error, texts.get("text", ""), context.reader)
        return _render_account(request, context, account_id, message=message, draft=texts, status=_status(error))
    return redirect_to(f"/case/{quote(case.id)}", done="open_case")


def _status(error: RescueError) -> int:
    if isinstance(error, NotAllowedError):
        return 403
    return 409 if isinstance(error, AlreadyOpenError) else 422


def _render_account(
    request: Request,
    context: PageContext,
    account_id: str,
    *,
    message: FlashMessage | None = None,
    draft: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    with context.store.reading() as session:
        file = account_queries.account_file(session, account_id, context.squads)
        if file is None:
            raise AccountNotFoundError(account_id)
        view = account_view(file, context.now, _status_context(session, context))
        squads = [name for name in active_squads(session) if context.squads is None or name in context.squads]
        risks = _free_risks(session, view.open_cases)
    may_open = context.person.may(Permission.WORK) and bool(squads) and bool(risks) and file.night is not None
    shown = {
        "view": view,
        "notice": message,
        "draft": draft or {},
        "squads": squads,
        "case_risks": risks,
        "may_open": may_open,
        "sees_hold_out": context.person.may(Permission.HOLD_OUTS),
        "today": context.today,
        "may_exclude": context.person.may(Permission.POLICY),
        "is_excluded": account_id in _excluded_accounts(request),
    }
    return render_page(request, "account.html.j2", shown, status=status)


def _excluded_accounts(request: Request) -> tuple[str, ...]:
    """The single accounts that the policy in force excludes."""
    rules = request.app.state.policies.rules()
    return rules.exclude.accounts if rules else ()


def _free_risks(session: Session, open_cases: Sequence[Case]) -> tuple[str, ...]:
    """The risks that a case can be opened for: those that no open case covers."""
    rules = newest_rules(session)
    covered = {case.family for case in open_cases}
    return tuple(name for name in case_risks(session) if (rules.family(name) if rules else name) not in covered)


def _rows(session: Session, context: PageContext, accounts: list[Account]) -> list[AccountRow]:
    ids = [account.account_id for account in accounts]
    return account_rows(
        accounts,
        account_queries.open_cases_of(session, ids, context.squads),
        account_queries.risks_of(session, ids),
        night_decisions(session, newest_night(session), ids),
        _status_context(session, context),
    )


def _status_context(session: Session, context: PageContext) -> StatusContext:
    sees = context.person.may(Permission.HOLD_OUTS)
    return StatusContext(newest_rules(session), account_queries.scored_counts(session), sees, context.reader)


def _choices(request: Request, session: Session, night: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The segments and owners of all accounts, which change with a night only."""
    cache = request.app.state.choices
    if cache.get("accounts", (None,))[0] != (night,):
        cache["accounts"] = ((night,), account_queries.account_choices(session))
    found: tuple[tuple[str, ...], tuple[str, ...]] = cache["accounts"][1]
    return found


def _naming(names: tuple[str, ...], text: str) -> tuple[str, ...]:
    """The names that a text is a part of; none for a short text, which is a part of most."""
    return tuple(name for name in names if text.casefold() in name.casefold()) if len(text) > 1 else ()


def _named(owners: tuple[str, ...], text: str, context: PageContext) -> tuple[str, ...]:
    """The owners whose name, as people read it, the text is a part of."""
    shown = {owner: context.reader.name_of(owner) for owner in owners if len(text) > 1}
    return tuple(owner for owner, name in shown.items() if name != owner and text.casefold() in name.casefold())
