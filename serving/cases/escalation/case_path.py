"""The escalation path of one case as a person reads it: what was done, what comes next and when, what is skipped."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from serving.cases.escalation.path_context import PathContext, path_context, path_state, runs
from serving.paths.calendars import WorkingCalendar
from serving.paths.directory import LeftOut, Reader
from serving.paths.path_plan import PlannedStep, plan_path
from serving.paths.path_steps import EscalationPath
from serving.store.queries.case_queries import case_history
from serving.store.tables import Case

DONE = ("opened", "hand_over", "return", "escalated", "path_repeated", "path_ended", "acknowledge", "reopen", "contact")
"""The kinds of entries in the record of a case that are part of its path."""


@dataclass(frozen=True)
class PathEntry:
    """One thing that the path did or will do; ``step`` is its number from 1, and None for what people did."""

    at: datetime
    text: str
    step: int | None = None


@dataclass(frozen=True)
class CasePath:
    """The path of a case: its name (empty for the tiers of the squad), what was done, and what comes next.

    ``next_people`` are those who will be asked to act, in their order. ``stopped`` says why nothing comes any more.
    """

    name: str
    done: tuple[PathEntry, ...]
    next: tuple[PathEntry, ...]
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    may_acknowledge: bool
    stopped: str
    timezone: str
    next_people: tuple[str, ...] = ()


def describe_case_path(session: Session, case: Case, now: datetime, reader: str = "") -> CasePath:
    """The path of a case as of now; times are UTC, and ``timezone`` is that of the reader."""
    context = path_context(session, now)
    path = context.path_of(case)
    planned = tuple(_planned(session, case, context, path)) if runs(case) else ()
    coming = tuple(_entry(step, path, context) for step in planned)
    return CasePath(
        name=path.name,
        done=tuple(_done(session, case, context)),
        next=coming,
        acknowledged_by=case.acknowledged_by,
        acknowledged_at=case.acknowledged_at,
        may_acknowledge=runs(case) and case.acknowledged_at is None and bool(path.name),
        stopped="" if coming else _stopped(case, context),
        timezone=context.staff.roster.timezone_of(reader, case.squad),
        next_people=tuple(dict.fromkeys(_next_people(planned, path, case))),
    )


def _done(session: Session, case: Case, context: PathContext) -> Iterator[PathEntry]:
    for event in case_history(session, case.id):
        if event.kind not in DONE:
            continue
        text = event.comment if event.kind in {"escalated", "path_repeated", "path_ended"} else None
        shown = text or _PEOPLE_TEXTS.get(event.kind, event.kind).format(actor=_name(event.actor, context))
        yield PathEntry(event.at, shown, event.after.get("path_step", -1) + 1 or None)


_PEOPLE_TEXTS = {
    "opened": "The case was opened.",
    "hand_over": "{actor} handed the case over; the path began again.",
    "return": "{actor} returned the case; the path began again.",
    "reopen": "{actor} opened the case again.",
    "acknowledge": "{actor} acknowledged the case.",
    "contact": "{actor} contacted the customer.",
}


def _planned(session: Session, case: Case, context: PathContext, path: EscalationPath) -> Iterator[PlannedStep]:
    def calendar_of(person: str | None) -> WorkingCalendar | None:
        return context.staff.roster.calendar_of(person, case.squad) or context.calendars.get(case.squad)

    state, subject = path_state(case), context.subject_of(session, case)
    yield from plan_path(path, state, subject, context.directory, None, calendar_of=calendar_of)


def _entry(planned: PlannedStep, path: EscalationPath, context: PathContext) -> PathEntry:
    number = planned.sent.step + 1 if planned.sent else None
    return PathEntry(planned.at, _planned_text(planned, path, context), number)


def _next_people(planned: tuple[PlannedStep, ...], path: EscalationPath, case: Case) -> Iterator[str]:
    """Whom the steps that ask somebody to act go to, without who has the case already."""
    for step in planned:
        if step.sent is not None and not step.sent.repeat and path.steps[step.sent.step].acknowledge:
            yield from (reader.shown for reader in step.sent.readers if reader.name != case.owner)


def _planned_text(planned: PlannedStep, path: EscalationPath, context: PathContext) -> str:
    skipped = [
        f"Step {step.step + 1} is skipped: {', '.join(_left_out_text(entry, context) for entry in step.left_out)}."
        for step in planned.skipped
        if path.name or any(entry.person for entry in step.left_out)
    ]
    if planned.sent is None:
        return " ".join(["Nobody is left to escalate to.", *skipped])
    step = path.steps[planned.sent.step]
    names = " and ".join(_reader_text(reader, step.channels, context) for reader in planned.sent.readers)
    if planned.sent.repeat:
        text = f"Sent again to {names}."
    else:
        text = f"Escalates to {names}." if step.acknowledge else f"{names} is informed."
    return " ".join([text, *skipped])


def _reader_text(reader: Reader, channels: tuple[str, ...], context: PathContext) -> str:
    routes = ", ".join(channel for channel, _ in context.directory.routes(reader, channels))
    return f"{reader.shown} ({routes})" if routes else reader.shown


def _left_out_text(entry: LeftOut, context: PathContext) -> str:
    return f"{_name(entry.name, context)} {entry.reason}"


def _name(person: str, context: PathContext) -> str:
    """The name of a person as others read it."""
    return context.titles.get(person, person)


def _stopped(case: Case, context: PathContext) -> str:
    if case.closed_at is not None:
        return "The case is closed."
    if case.snoozed_until is not None:
        return "The case is snoozed; the path goes on afterwards."
    if case.respond_by is None:
        return "The customer was contacted, so nothing escalates any more."
    if case.acknowledged_at is not None:
        who = _name(case.acknowledged_by or "", context)
        return f"{who} has acknowledged the case, so nothing escalates any more."
    return "No further step."
