"""The states of a case and the actions that change them, as the queue stores them.

Which action is allowed in which state is decided by ``serving.cases.transitions``.
"""

from collections.abc import Sequence
from enum import StrEnum


class State(StrEnum):
    """The state of a case."""

    NEW = "new"
    HANDED_OVER = "handed_over"
    CLAIMED = "claimed"
    CONTACTED = "contacted"
    IN_PLAN = "in_plan"
    SNOOZED = "snoozed"
    SAVED = "saved"
    LOST = "lost"
    FALSE_ALARM = "false_alarm"
    NO_ACTION = "no_action"
    EXPIRED = "expired"


class Action(StrEnum):
    """An action on a case that changes its state, its owner or its squad."""

    CLAIM = "claim"
    ASSIGN = "assign"
    REASSIGN = "reassign"
    HAND_OVER = "hand_over"
    ACCEPT = "accept"
    RETURN = "return"
    ACKNOWLEDGE = "acknowledge"
    RELEASE = "release"
    CONTACT = "contact"
    PLAN = "plan"
    SNOOZE = "snooze"
    WAKE = "wake"
    RESOLVE = "resolve"
    EXPIRE = "expire"
    CLOSE = "close"
    REOPEN = "reopen"


WORKED = (State.CLAIMED, State.CONTACTED, State.IN_PLAN)
OUTCOMES = (State.SAVED, State.LOST, State.FALSE_ALARM, State.NO_ACTION)
CLOSED = (*OUTCOMES, State.EXPIRED)
OPEN = (State.NEW, State.HANDED_OVER, *WORKED, State.SNOOZED)


def responsible_person(
    owner: str | None, escalation_path: Sequence[str], tier: int, path_step: int | None, reached: Sequence[str] | None
) -> str | None:
    """Who has to act on a case now: its owner, else the person of its tier; nobody before its path has reached one.

    Every page, message, figure and export asks this function, so that all of them name the same person.
    """
    if owner is not None:
        return owner
    has_begun = path_step is None or path_step >= 0 or bool(reached)
    return escalation_path[tier] if has_begun and tier < len(escalation_path) else None
