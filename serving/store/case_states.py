"""The states of a case and the actions that change them, as the queue stores them.

Which action is allowed in which state is decided by ``serving.cases.transitions``.
"""

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
