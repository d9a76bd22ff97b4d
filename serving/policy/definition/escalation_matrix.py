"""The timeline of a case that nobody works on: what happens at which time, from the policy alone.

Durations count from the opening of the case, by the clock or in working time. The steps of the escalation path are
those that the executor takes (:func:`serving.paths.path_plan.plan_path`); the deadlines of the severity stand beside
them.
Reading the timeline before the first night shows, for example, a weekend without anybody on duty.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from serving.paths.calendars import WorkingCalendar, add_duration
from serving.paths.directory import Directory, Reader
from serving.paths.path_plan import PlannedStep, plan_path
from serving.paths.path_progress import PathState
from serving.paths.path_steps import EscalationPath
from serving.paths.subjects import Subject
from serving.policy.definition.policy_schema import PolicyFile, SeverityRule


class EscalationEvent(StrEnum):
    """What happens to a case that nobody works on."""

    OPENED = "opened"
    ESCALATED = "escalated"
    REPEATED = "repeated"
    INFORMED = "informed"
    ENDED = "ended"
    RESPONSE_OVERDUE = "response_overdue"
    RESOLUTION_DUE = "resolution_due"


class EscalationStep(NamedTuple):
    """One event of the timeline: when, what, who is responsible or accountable from then on, and who is informed.

    ``sent`` are the people whom a step of the path is sent to, each with the channels; ``skipped`` says which steps
    nobody gets, and why.
    """

    at: datetime
    event: EscalationEvent
    person: str = ""
    informed: tuple[str, ...] = ()
    sent: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


def severity_row(rules: PolicyFile, severity: str) -> SeverityRule:
    """The severity of this name; the least severe where the policy no longer has it."""
    return rules.severities[rules.rank_of(severity)]


def is_only_of_incidents(row: SeverityRule) -> bool:
    """Whether no case can have the severity: its condition is FALSE, as of one that only incidents name."""
    return row.when is not None and row.when.strip().casefold() == "false"


def case_severities(rules: PolicyFile) -> tuple[SeverityRule, ...]:
    """The severities that a case can have; a trigger or a contract may ask for one whose condition is FALSE."""
    asked = {trigger.severity for trigger in rules.triggers.values()}
    asked |= {rules.cancellations.severity, rules.partial_losses.severity}
    return tuple(row for row in rules.severities if row.name in asked or not is_only_of_incidents(row))


def policy_subject(rules: PolicyFile, squad: str, severity: str, opened: datetime) -> Subject:
    """A case of this squad and severity as the policy alone knows it."""
    row = severity_row(rules, severity)
    return Subject(
        id="",
        title="",
        squad=squad,
        severity=row.name,
        opened_at=opened,
        accountable=(row.accountable,),
        consulted=row.consulted,
        informed=row.informed,
    )


def path_timeline(
    rules: PolicyFile, squad: str, severity: str, opened: datetime, directory: Directory | None = None
) -> Iterator[PlannedStep]:
    """The steps of the path of such a case, as they are taken while nobody responds."""
    known = directory or Directory(rules.roster)

    def calendar_of(person: str | None) -> WorkingCalendar | None:
        return known.roster.calendar_of(person, squad)

    subject = policy_subject(rules, squad, severity, opened)
    path = rules.path_of(severity, squad)
    return plan_path(path, PathState(since=opened), subject, known, None, calendar_of=calendar_of)


def escalation_steps(
    rules: PolicyFile, squad: str, severity: str, opened: datetime, directory: Directory | None = None
) -> tuple[EscalationStep, ...]:
    """The events of a case of this squad and severity that is opened then and that nobody works on, by time."""
    row, known = severity_row(rules, severity), directory or Directory(rules.roster)
    path, steps = rules.path_of(severity, squad), list[EscalationStep]()
    first = ""
    for planned in path_timeline(rules, squad, severity, opened, known):
        step = _path_step(path, planned, known, started=bool(steps))
        steps.append(step._replace(informed=row.informed) if step.event is EscalationEvent.OPENED else step)
        first = first or planned.responsible or ""
    if not steps or steps[0].event is not EscalationEvent.OPENED:
        duty = known.on_duty(policy_subject(rules, squad, severity, opened), opened).readers
        first = duty[0].name if duty else "nobody"
        steps.insert(0, EscalationStep(opened, EscalationEvent.OPENED, first, row.informed))
    calendar = known.roster.calendar_of(first or None, squad)
    overdue = add_duration(opened, row.respond_hours, calendar)
    steps.append(EscalationStep(overdue, EscalationEvent.RESPONSE_OVERDUE, row.accountable))
    due = add_duration(opened, row.resolve_hours, calendar)
    steps.append(EscalationStep(due, EscalationEvent.RESOLUTION_DUE))
    return tuple(sorted(steps, key=lambda step: step.at))


def step_text(step: EscalationStep) -> str:
    """What happens in a step, as the clause of a sentence."""
    informed = ", ".join(step.informed) or "nobody"
    sent = " and ".join(step.sent)
    text = {
        EscalationEvent.OPENED: f"{sent or step.person} is responsible; informed: {informed}",
        EscalationEvent.ESCALATED: f"escalated to {sent or step.person}",
        EscalationEvent.REPEATED: f"sent again to {sent}",
        EscalationEvent.INFORMED: f"{sent} is informed",
        EscalationEvent.ENDED: "nobody is left to escalate to",
        EscalationEvent.RESPONSE_OVERDUE: f"the response is overdue; accountable: {step.person}",
        EscalationEvent.RESOLUTION_DUE: "the case is due to be closed",
    }[step.event]
    return "; ".join([text, *step.skipped])


def _path_step(path: EscalationPath, planned: PlannedStep, directory: Directory, *, started: bool) -> EscalationStep:
    skipped = tuple(
        f"step {step.step + 1} is skipped ({', '.join(f'{entry.name} {entry.reason}' for entry in step.left_out)})"
        for step in planned.skipped
        if path.name
    )
    if planned.sent is None:
        return EscalationStep(planned.at, EscalationEvent.ENDED, skipped=skipped)
    step = path.steps[planned.sent.step]
    sent = tuple(_with_channels(reader, directory, step.channels) for reader in planned.sent.readers)
    if planned.sent.repeat:
        event = EscalationEvent.REPEATED
    elif not step.acknowledge:
        event = EscalationEvent.INFORMED
    else:
        event = EscalationEvent.ESCALATED if started else EscalationEvent.OPENED
    return EscalationStep(planned.at, event, planned.responsible or "", sent=sent, skipped=skipped)


def _with_channels(reader: Reader, directory: Directory, channels: tuple[str, ...]) -> str:
    routes = ", ".join(channel for channel, _ in directory.routes(reader, channels))
    return f"{reader.shown} ({routes})" if routes else reader.shown
