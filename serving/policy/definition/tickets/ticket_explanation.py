"""The kinds of tickets of a policy in words, for `rescue policy explain`."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from serving.policy.definition.tickets.adoption import adopting_triggers
from serving.policy.definition.tickets.ticket_rules import ISSUES, LAUNCH, IssueTypeRule, LaunchRule

if TYPE_CHECKING:
    from serving.policy.definition.policy_schema import PolicyFile


def explain_tickets(file: "PolicyFile") -> Iterator[str]:
    """One line an issue type, and for each launch what its broad path takes and when that ends."""
    for name, rule in file.issue_types.items():
        yield _issue_type(name, rule)
    for name, launch in file.launches.items():
        yield from _launch(file, name, launch)


def _issue_type(name: str, rule: IssueTypeRule) -> str:
    about = f" about the launch {rule.launch}" if rule.launch else ""
    days = f"{rule.opened_within_days} day{'' if rule.opened_within_days == 1 else 's'}"
    tickets = f"an account's unresolved tickets{about} of the last {days}"
    return f"{ISSUES}{name}: {tickets} {_criteria(rule)}, as they were opened."


def _criteria(rule: IssueTypeRule | LaunchRule) -> str:
    parts = []
    if rule.when:
        parts.append(f"where {' '.join(rule.when.split())}")
    if rule.terms:
        parts.append(f"that contain {' or '.join(repr(term) for term in rule.terms)}")
    return " and ".join(parts)


def _launch(file: "PolicyFile", name: str, rule: LaunchRule) -> Iterator[str]:
    squads = [squad for squad, it in file.squads.items() if rule.skill in it.skills]
    yield (
        f"Launch {name}, from {_instant(rule.start)}: unresolved tickets {_criteria(rule)} raise a case for "
        f"{squads[0] if squads else file.routing.fallback} (skill {rule.skill}, trigger {LAUNCH}{name}). "
        "They are never held out."
    )
    adopted = adopting_triggers(file, name)
    if not adopted:
        yield (
            f"Launch {name}: no trigger is adopted yet, so this broad path goes on after {_instant(rule.ends)} too. "
            f"`rescue paths launch {name}` proposes triggers."
        )
        return
    for kind, triggers in adopted.items():
        yield f"Launch {name}: tickets of {ISSUES}{kind} are left to the trigger {' and '.join(triggers)}."
    yield f"Launch {name}: the broad path ends at {_instant(rule.ends)}; from then on only these triggers apply."


def _instant(at: datetime) -> str:
    return f"{at.day} {at:%b %Y, %H:%M} UTC"
