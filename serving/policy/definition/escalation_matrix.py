"""The escalation path of a case that nobody works on: what happens at which time, from the policy alone.

Durations count from the opening of the case, by the clock or in the working time of the squad's calendar. The primary
is responsible first; as long as the customer has not been contacted, the case escalates to the secondary after the
first of ``escalate_after_hours`` and to the tertiary after the second. Reading the path before the first night shows,
for example, a weekend without anybody on duty.
"""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from serving.paths.calendars import add_duration
from serving.policy.definition.policy_schema import PolicyFile, SeverityRule


class EscalationEvent(StrEnum):
    """What happens to a case that nobody works on."""

    OPENED = "opened"
    ESCALATED = "escalated"
    RESPONSE_OVERDUE = "response_overdue"
    RESOLUTION_DUE = "resolution_due"


class EscalationStep(NamedTuple):
    """One event of the path: when, what, who is responsible or accountable from then on, and who is informed."""

    at: datetime
    event: EscalationEvent
    person: str = ""
    informed: tuple[str, ...] = ()


def severity_row(rules: PolicyFile, severity: str) -> SeverityRule:
    """The severity of this name; the least severe where the policy no longer has it."""
    return rules.severities[rules.rank_of(severity)]


def escalation_steps(rules: PolicyFile, squad: str, severity: str, opened: datetime) -> tuple[EscalationStep, ...]:
    """The events of a case of this squad and severity that is opened then and that nobody works on, by time."""
    row, tiers, calendar = severity_row(rules, severity), rules.squads[squad].tiers, rules.calendar_of(squad)
    steps = [EscalationStep(opened, EscalationEvent.OPENED, tiers[0], row.informed)]
    for after, person in zip(row.escalate_after_hours, tiers[1:], strict=False):
        steps.append(EscalationStep(add_duration(opened, after, calendar), EscalationEvent.ESCALATED, person))
    overdue = add_duration(opened, row.respond_hours, calendar)
    steps.append(EscalationStep(overdue, EscalationEvent.RESPONSE_OVERDUE, row.accountable))
    due = add_duration(opened, row.resolve_hours, calendar)
    steps.append(EscalationStep(due, EscalationEvent.RESOLUTION_DUE))
    return tuple(sorted(steps, key=lambda step: step.at))


def step_text(step: EscalationStep) -> str:
    """What happens in a step, as the clause of a sentence."""
    informed = ", ".join(step.informed) or "nobody"
    return {
        EscalationEvent.OPENED: f"{step.person} is responsible; informed: {informed}",
        EscalationEvent.ESCALATED: f"escalated to {step.person}",
        EscalationEvent.RESPONSE_OVERDUE: f"the response is overdue; accountable: {step.person}",
        EscalationEvent.RESOLUTION_DUE: "the case is due to be closed",
    }[step.event]
