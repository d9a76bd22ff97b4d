"""The policy: in words, its versions, an editor that checks, compares by a replay, saves and restores.

Every page works without script: each button sends the form, and the answer is the page with what was typed.
"""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from features.errors import RescueError, UsageError
from serving.cases.absence.away_people import away_texts
from serving.cases.case_errors import AccountNotFoundError
from serving.drawings.policy_cycle import CHANGED_RULE
from serving.policy.definition.policy_file import PolicyError
from serving.policy_versions.policy_difference import RESTORED_RULE, changed_lines, changes_in_words
from serving.policy_versions.policy_fields import exclude_account, without_hypothesis
from serving.policy_versions.policy_service import PolicyService
from serving.policy_versions.policy_state import FileState, PolicyInForce
from serving.policy_versions.replay_jobs import (
    REPLAY_NIGHTS,
    ReplayBusyError,
    recent_replays,
    replay_job,
    request_replay,
)
from serving.policy_versions.saved_policies import (
    LONGEST_POLICY,
    PolicyChange,
    PolicyConflictError,
    PolicyVersionNotFoundError,
    saved_policies,
    saved_policy,
)
from serving.store.database import StoreError
from serving.store.queries.account_queries import account_file
from serving.web.access import Permission
from serving.web.flash_messages import FlashMessage, failure_message, success_message
from serving.web.rendering import render_page
from serving.web.request_context import FormTexts, OverviewContext, PageContext, PolicyContext, redirect_to
from serving.web.security.form_input import form_texts
from serving.web.views.results.policy_view import (
    MOST_DIFFERENCES,
    DraftView,
    build_draft,
    build_replay,
    file_text,
    version_lines,
)
from serving.web.views.results.policy_words import page_sections

policy_router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

SHOWN_VERSIONS = 50
SHOWN_REPLAYS = 5
NEEDS_DECISION = frozenset({FileState.CONFLICT})


def get_policies(request: Request) -> PolicyService:
    """The saved policies of this app."""
    policies: PolicyService = request.app.state.policies
    return policies


async def read_policy_form(request: Request) -> dict[str, str]:
    """The fields of the editor; its text is longer than the comments that other forms have."""
    fields = dict(form_texts(await request.form()))
    if len(fields.get("policy", "")) > LONGEST_POLICY:
        raise UsageError(f"A policy can have at most {LONGEST_POLICY:,} characters: shorten it.")
    return fields


Policies = Annotated[PolicyService, Depends(get_policies)]
PolicyForm = Annotated[dict[str, str], Depends(read_policy_form)]
VersionNumber = Annotated[int, Path(ge=1, lt=1 << 31)]
ReplayId = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[0-9a-z]+$")]


@policy_router.get("/policy")
def show_policy(request: Request, context: OverviewContext, policies: Policies) -> Response:
    """The policy in force, in words, and how it became so."""
    return _policy_page(request, context, policies, success_message(request.query_params.get("done", "")))


def _policy_page(
    request: Request, context: PageContext, policies: PolicyService, notice: FlashMessage | None, status: int = 200
) -> Response:
    may_change = context.person.may(Permission.POLICY)
    try:
        state = policies.in_force()
    except PolicyError as error:
        problems = error.problems if may_change else ()
        return render_page(
            request, "policy_broken.html.j2", {"problems": problems, "may_change": may_change}, status=503
        )
    with context.store.reading() as session:
        rows = saved_policies(session)
        replays = recent_replays(session, SHOWN_REPLAYS)
        away = away_texts(session, state.policy.rules.roster.people, context.now)
    versions = version_lines(rows, state)
    shown = {
        "state": state,
        "current": next((row for row in versions if row.current), None),
        "sections": page_sections(state.policy, addresses=may_change, away=away),
        "versions": versions[:SHOWN_VERSIONS],
        "more": max(0, len(rows) - SHOWN_VERSIONS),
        "file": file_text(state),
        "conflict": state.file_state in NEEDS_DECISION,
        "file_changes": _file_changes(state) if may_change else [],
        "replays": replays,
        "may_change": may_change,
        "notice": notice,
    }
    return render_page(request, "policy.html.j2", shown, status=status)


def _file_changes(state: PolicyInForce) -> list[str]:
    """What the file would change, where somebody has to decide about it."""
    if state.file_state not in NEEDS_DECISION or state.file_text is None:
        return []
    return changes_in_words(state.policy, state.source.parse(state.file_text, state.source.name))


@policy_router.get("/policy/policy.toml")
def download_policy(context: PolicyContext, policies: Policies) -> Response:
    """The text of the policy in force, as a file."""
    headers = {"Content-Disposition": 'attachment; filename="policy.toml"'}
    return PlainTextResponse(policies.in_force().text, headers=headers)


@policy_router.get("/policy/edit")
def show_editor(
    request: Request, context: PolicyContext, policies: Policies, version: int | None = None, replay: str = ""
) -> Response:
    """The editor, with the policy in force, an earlier version, or the draft of a replay.

    A hypothesis is about the version that it was written for, so only a draft keeps its own.
    """
    state = policies.in_force()
    text = without_hypothesis(state.text)
    with context.store.reading() as session:
        if replay:
            text = replay_job(session, replay).draft
        elif version is not None:
            text = without_hypothesis(saved_policy(session, version).text)
    draft = build_draft(state, text, typed={} if replay or version else None)
    return _editor(request, state, draft, None)


@policy_router.post("/policy/edit")
def send_editor(request: Request, form: PolicyForm, context: PolicyContext, policies: Policies) -> Response:
    """Check the draft, compare it, or save it: what the pressed button says."""
    state = policies.in_force()
    draft = build_draft(
        state,
        form.get("policy", "").rstrip() + "\n",
        base=form.get("base", ""),
        reason=form.get("reason", ""),
        typed=form,
    )
    action = form.get("do", "check")
    if draft.policy is None:
        text = "The draft has a mistake, so nothing was done with it: see the list below."
        return _editor(request, state, draft, FlashMessage(text, "bad") if action != "check" else None, 422)
    if action not in {"save", "replay"}:
        return _editor(request, state, draft, None)
    try:
        return _save_draft(context, policies, draft) if action == "save" else _start_replay(context, policies, draft)
    except StoreError:
        raise
    except ReplayBusyError as error:
        return redirect_to(f"/policy/replay/{error.job}", done="replay_busy")
    except RescueError as error:
        status = 409 if isinstance(error, PolicyConflictError) else 422
        return _editor(request, policies.in_force(), draft, failure_message(error, reader=context.reader), status)


def _save_draft(context: PageContext, policies: PolicyService, draft: DraftView) -> Response:
    policies.save(PolicyChange(draft.text, context.person.name, draft.reason, "app", base=draft.base))
    return redirect_to("/policy", done="policy_saved")


def _start_replay(context: PageContext, policies: PolicyService, draft: DraftView) -> Response:
    if policies.start_replay is None:
        raise UsageError("This app cannot compute replays; `rescue replay` compares two policy files.")
    version = draft.policy.version if draft.policy else ""
    job = request_replay(context.store, policies.in_force(), draft.text, version, context.person.name, context.now)
    policies.continue_replays()
    return redirect_to(f"/policy/replay/{job}")


def _editor(
    request: Request, state: PolicyInForce, draft: DraftView, notice: FlashMessage | None, status: int = 200
) -> Response:
    shown = {
        "state": state,
        "draft": draft,
        "notice": notice,
        "nights": REPLAY_NIGHTS,
        "can_replay": request.app.state.policies.start_replay is not None,
        "outdated": draft.base != state.base,
        "most_lines": MOST_DIFFERENCES,
    }
    return render_page(request, "policy_edit.html.j2", shown, status=status)


@policy_router.get("/policy/version/{number}")
def show_version(request: Request, number: VersionNumber, context: PolicyContext, policies: Policies) -> Response:
    """A saved version: what it changed, its text, and the form that restores it."""
    state = policies.in_force()
    with context.store.reading() as session:
        row = saved_policy(session, number)
        before = saved_policy(session, number - 1) if number > 1 else None
    shown = {
        "row": version_lines([row], state)[0],
        "text": row.text,
        "changes": _changes(state, before.text, row.text) if before else [],
        "restored": _changes(state, state.text, row.text, RESTORED_RULE),
        "lines": list(changed_lines(before.text, row.text))[:MOST_DIFFERENCES] if before else [],
        "state": state,
        "notice": None,
    }
    return render_page(request, "policy_version.html.j2", shown)


def _changes(state: PolicyInForce, before: str, after: str, form: str = CHANGED_RULE) -> list[str]:
    """The rules that differ; none where one of the texts is no valid policy any more."""
    try:
        first, second = (state.source.parse(text, "policy") for text in (before, after))
    except PolicyError:
        return []
    return changes_in_words(first, second, form)


@policy_router.post("/policy/version/{number}/restore")
def restore_version(
    request: Request, number: VersionNumber, texts: FormTexts, context: PolicyContext, policies: Policies
) -> Response:
    """Make the text of an earlier version the next version."""
    with context.store.reading() as session:
        row = saved_policy(session, number)
    reason = texts.get("text", "").strip() or f"Back to version {number}."
    change = PolicyChange(
        row.text, context.person.name, reason, "rollback", base=texts.get("base") or None, restores=number
    )
    return _saved(request, context, policies, change, "policy_restored")


@policy_router.post("/policy/file")
def decide_file(request: Request, texts: FormTexts, context: PolicyContext, policies: Policies) -> Response:
    """Decide a conflict: take the changed policy file over, or keep the saved version."""
    state = policies.in_force()
    take = texts.get("do") == "take"
    if state.file_state not in NEEDS_DECISION or state.file_text is None:
        return _policy_page(
            request, context, policies, FlashMessage("There is nothing to decide: somebody has done it.", "bad"), 409
        )
    reason = texts.get("text", "").strip() or (
        "The changed policy file was taken over." if take else "The change of the policy file is not used."
    )
    change = PolicyChange(
        state.file_text if take else state.text,
        context.person.name,
        reason,
        "import" if take else "app",
        base=texts.get("base") or state.base,
        decides_file=True,
    )
    return _saved(request, context, policies, change, "policy_saved")


@policy_router.post("/exclude-account/{account_id:path}")
def exclude_one_account(
    request: Request, account_id: str, texts: FormTexts, context: PolicyContext, policies: Policies
) -> Response:
    """Exclude one account from the queue, or let it get cases again: a version of the policy, with its reason."""
    excluded = texts.get("do") != "include"
    with context.store.reading() as session:
        file = account_file(session, account_id, context.squads)
    if file is None:
        raise AccountNotFoundError(account_id)
    state, name = policies.in_force(), file.account.name or account_id
    reason = texts.get("text", "").strip()
    if excluded and not reason:
        error = UsageError(f"{name} was not excluded: say why in one sentence.")
        return _policy_page(request, context, policies, failure_message(error), 422)
    what = f"{name} is excluded" if excluded else f"{name} can get cases again"
    change = PolicyChange(
        exclude_account(without_hypothesis(state.text), account_id, excluded=excluded),
        context.person.name,
        f"{what}: {reason}" if reason else f"{what}.",
        "app",
        base=state.base,
    )
    done = "account_excluded" if excluded else "account_included"
    return _saved(request, context, policies, change, done, f"/account/{quote(account_id)}")


def _saved(
    request: Request,
    context: PageContext,
    policies: PolicyService,
    change: PolicyChange,
    done: str,
    page: str = "/policy",
) -> Response:
    """Save, and go on to a page with the result, or show the policy page with the error."""
    try:
        policies.save(change)
    except (StoreError, PolicyVersionNotFoundError):
        raise
    except RescueError as error:
        status = 409 if isinstance(error, PolicyConflictError) else 422
        return _policy_page(request, context, policies, failure_message(error, reader=context.reader), status)
    return redirect_to(page, done=done)


@policy_router.get("/policy/replay/{replay}")
def show_replay(request: Request, replay: ReplayId, context: OverviewContext, policies: Policies) -> Response:
    """A replay: how far it is, or its figures beside those of the policy in force."""
    policies.continue_replays()
    state = policies.in_force()
    with context.store.reading() as session:
        view = build_replay(replay_job(session, replay), state)
    shown = {
        "view": view,
        "may_change": context.person.may(Permission.POLICY),
        "notice": success_message(request.query_params.get("done", "")),
    }
    return render_page(request, "policy_replay.html.j2", shown)
