"""What a change of a case does to its escalation path: it begins, starts again, goes on or stops."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from serving.cases.escalation.path_context import (
    PathContext,
    path_context,
    path_state,
    reached_by,
    responsible_of,
    runs,
)
from serving.paths.path_progress import Advance, PathState, SentStep, SkippedStep, advance, next_due
from serving.paths.path_steps import EscalationPath
from serving.store.tables import Case

RESTARTS = ("opened", "hand_over", "return")
"""The kinds of changes after which the path begins at its first step; a new owner in the same squad is none of them."""


def update_path(session: Session, case: Case, kind: str, at: datetime) -> SentStep | None:
    """Begin or restart the path where the change asks for it, and compute when it is due; the step that is sent now."""
    context = path_context(session, at)
    sent = None
    if kind in RESTARTS:
        sent = _restart(session, case, context, at)
    elif kind == "reopen":
        _hold(case, 0, context.path_of(case))
    schedule_path(case, context)
    return sent


def schedule_path(case: Case, context: PathContext) -> None:
    """Store when the path is due next."""
    due = next_due(context.path_of(case), path_state(case), context.calendar_of(case)) if runs(case) else None
    case.path_due = due


def advance_path(session: Session, case: Case, context: PathContext, at: datetime) -> Advance:
    """What the path of a case does at this instant; the case has its new progress afterwards."""
    before = responsible_of(case)
    result = advance(
        context.path_of(case),
        path_state(case),
        context.path_subject_of(session, case),
        context.directory,
        context.calendar_of(case),
        at,
    )
    _apply(case, result)
    if responsible_of(case) != before:
        context.staff.count_case(responsible_of(case), before=before)
    return result


def advance_text(path: EscalationPath, result: Advance, titles: Mapping[str, str]) -> str:
    """What the path did, as sentences for the record; ``titles`` are the names of people as others read them."""
    return " ".join([_sent_text(path, result, titles), *skipped_texts(path, result, titles)])


def skipped_texts(path: EscalationPath, result: Advance, titles: Mapping[str, str]) -> list[str]:
    """Which steps were skipped and who was left out, each with the reason."""
    left_out = {entry.name: entry for step in result.skipped for entry in step.left_out}
    left_out |= {entry.name: entry for entry in (result.sent.left_out if result.sent else ())}
    reasons = []
    for entry in left_out.values():
        if not entry.person:
            reasons += [f"{entry.name} {entry.reason}."] if path.name else []
        elif entry.reason == "is responsible already":
            reasons.append(f"{titles.get(entry.name, entry.name)} is responsible already.")
        else:
            reasons.append(f"{titles.get(entry.name, entry.name)} {entry.reason} and was left out.")
    return [*_skipped_text(path, result.skipped), *reasons]


def _sent_text(path: EscalationPath, result: Advance, titles: Mapping[str, str]) -> str:
    sent = result.sent
    if sent is None and not result.ended:
        return f"Step {result.state.step + 1} of the path {path.name} was not sent again: nobody can act at the moment."
    if sent is None:
        return "No contact in time, and there is nobody else to escalate to."
    names = " and ".join(reader.shown for reader in sent.readers)
    if sent.repeat:
        return f"No answer yet: step {sent.step + 1} of the path {path.name} was sent again to {names}."
    if not path.steps[sent.step].acknowledge:
        return f"Step {sent.step + 1} of the path {path.name}: {names} was informed."
    person = result.state.responsible or "nobody"
    text = f"No contact in time: {titles.get(person, person)} is responsible now."
    others = [reader.shown for reader in sent.readers if reader.name != result.state.responsible]
    if not others:
        return text
    return f"{text} Step {sent.step + 1} of the path {path.name} was sent to {' and '.join(others)}."


def _skipped_text(path: EscalationPath, skipped: tuple[SkippedStep, ...]) -> list[str]:
    numbers = " and ".join(str(step.step + 1) for step in skipped)
    return [f"Step {numbers} of the path {path.name} was skipped."] if skipped and path.name else []


def _restart(session: Session, case: Case, context: PathContext, at: datetime) -> SentStep | None:
    """The first step, taken at once where it has no time before it; a case that already has an owner waits for them."""
    path = context.path_of(case)
    if case.owner is not None or case.tier > 0:
        _hold(case, min(case.tier, len(path.steps) - 1), path)
        return None
    _hold(case, -1, path)
    case.reached = []
    case.tier_since = at
    state = PathState(since=at)
    subject = context.path_subject_of(session, case)
    result = advance(path, state, subject, context.directory, context.calendar_of(case), at)
    _apply(case, result)
    return result.sent


def _hold(case: Case, step: int, path: EscalationPath) -> None:
    """The path is at this step, which is not sent and so not sent again, and nobody has acknowledged it."""
    repeat = path.steps[step].repeat if step >= 0 else None
    case.path_step, case.path_repeats = step, repeat.count if repeat else 0
    case.acknowledged_at = case.acknowledged_by = None
    case.reached = [case.owner] if case.owner else []


def _apply(case: Case, result: Advance) -> None:
    """Give the case the progress of its path; the person of the step is responsible, and owns a claimed case."""
    state, before, begins = result.state, responsible_of(case), case.path_step < 0
    kept = [] if begins and case.owner is None else reached_by(case)
    case.path_step, case.path_repeats, case.tier_since = state.step, state.repeats, state.since
    case.reached = list(state.reached)
    out = {entry.name for step in result.skipped for entry in step.left_out if entry.person}
    out |= {entry.name for entry in (result.sent.left_out if result.sent else ())}
    rest = [name for name in case.escalation_path[len(kept) :] if name not in out]
    person = state.responsible
    if result.sent is None or not result.sent.repeat:
        changed = person is not None and person != before
        if changed or begins:
            rest = [name for name in rest if name != person] if person else []
            case.escalation_path = [*kept, *([person] if person else []), *rest]
            case.tier = len(kept) if person else 0
            case.owner = person if case.owner is not None else None
        elif result.sent is not None or result.skipped:
            case.escalation_path = [*kept, *rest]
