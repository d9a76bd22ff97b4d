"""The escalation matrix at work: when a case has to be answered and closed, and whose turn it is when it was not.

Clocks run in calendar time from the case's opening, in UTC. The primary owner has the case first; when nobody has
contacted the customer after the first of ``hand_on_hours`` the secondary takes over, after the second the tertiary.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from serving.policy_schema import PolicyFile, Severity


@dataclass(frozen=True)
class Clocks:
    """The two moments of a case, and the moments at which it is handed on."""

    respond_by: datetime
    resolve_by: datetime
    hand_on: tuple[datetime, ...]


def row_of(rules: PolicyFile, severity: str) -> Severity:
    """The matrix row of a severity; the mildest where the policy no longer has that name."""
    return rules.severities[rules.rank_of(severity)]


def clocks(rules: PolicyFile, severity: str, opened: datetime) -> Clocks:
    """When a case of this severity, opened then, has to be answered, closed and handed on."""
    row = row_of(rules, severity)
    return Clocks(
        respond_by=opened + timedelta(hours=row.respond_hours),
        resolve_by=opened + timedelta(hours=row.resolve_hours),
        hand_on=tuple(opened + timedelta(hours=hours) for hours in row.hand_on_hours),
    )


def owner_at(rules: PolicyFile, squad: str, severity: str, opened: datetime, now: datetime) -> str | None:
    """Whose turn it is on an uncontacted case: primary, secondary or tertiary; None for a squad that is gone."""
    if squad not in rules.squads:
        return None
    ladder = rules.squads[squad].ladder
    passed = sum(moment <= now for moment in clocks(rules, severity, opened).hand_on)
    return ladder[min(passed, len(ladder) - 1)]
