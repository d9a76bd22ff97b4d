"""The escalation matrix walked through at the table: what happens, and whose turn it is, when nobody answers.

Clocks run in calendar time from the case's opening. The primary owner has the case first; while nobody has spoken
to the customer, the secondary takes over after the first of ``hand_on_hours``, the tertiary after the second. A
team that walks through its matrix before the first night finds the weekend that nobody covers.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from serving.policy.definition.policy_schema import PolicyFile, Severity


class Step(NamedTuple):
    """One moment of a case that nobody touches: when, and what happens."""

    at: datetime
    what: str


def row_of(rules: PolicyFile, severity: str) -> Severity:
    """The matrix row of a severity; the mildest where the policy no longer has that name."""
    return rules.severities[rules.rank_of(severity)]


def walk(rules: PolicyFile, squad: str, severity: str, opened: datetime) -> tuple[Step, ...]:
    """Everything that happens to a case of this squad and severity that is opened then and never answered."""
    row, ladder = row_of(rules, severity), rules.squads[squad].ladder
    steps = [Step(opened, f"{ladder[0]} has it; {_told(row.informed)}")]
    for hours, owner in zip(row.hand_on_hours, ladder[1:], strict=False):
        steps.append(Step(opened + timedelta(hours=hours), f"{owner} takes over"))
    late = f"the promised answer is late, and {row.accountable} answers for it"
    steps.append(Step(opened + timedelta(hours=row.respond_hours), late))
    steps.append(Step(opened + timedelta(hours=row.resolve_hours), "it should be closed"))
    return tuple(sorted(steps, key=lambda step: step.at))


def _told(informed: Sequence[str]) -> str:
    *others, last = informed or ("nobody else",)
    return f"{', '.join(others)} and {last} are told" if others else f"{last} is told"
