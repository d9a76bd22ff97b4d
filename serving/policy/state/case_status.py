"""What a night finds out about the open cases: live figures, resolved cases, closures, and settled losses, as data.

A case's hand-off is frozen, but the account goes on. So each night compares every open case with the account of that
night (:mod:`serving.policy.decision.reconciliation`), and the store writes the result in the night's one transaction.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from models.contracts import Reason
from serving.contracts import Lane


class ContractStatus(StrEnum):
    """What the contracts of an account say tonight; the values of the column ``contract_status``."""

    RUNNING = "running"
    LEAVING = "leaving"
    LEFT = "left"
    NONE = "none"


class ClosureCode(StrEnum):
    """Why the night closes a case."""

    LEFT = "left"
    ENDED_BEFORE = "ended_before"
    PART_ENDED = "part_ended"
    EXCLUDED = "excluded"
    ACCOUNT_MISSING = "account_missing"
    CONTINUED = "continued"
    WITHDRAWN = "withdrawn"
    RENEWED = "renewed"
    RISK_FALLEN = "risk_fallen"


SETTLING_CODES = (ClosureCode.LEFT, ClosureCode.PART_ENDED)
"""The closures after which there is nothing left to settle: the contract has ended."""


class ClosureOutcome(StrEnum):
    """The state in which a case is closed."""

    SAVED = "saved"
    LOST = "lost"
    NO_ACTION = "no_action"
    EXPIRED = "expired"


class Closure(NamedTuple):
    """An open case that the night closes, and why.

    ``on`` is the day of the fact: when the contract or the part of it ended, or since when the case was marked as
    resolved. ``rule`` is the name of the exclusion. ``state`` is that of the case when the night read it.
    """

    case_id: str
    account_id: str
    outcome: ClosureOutcome
    code: ClosureCode
    on: date
    rule: str = ""
    state: str = "new"


class LiveFigures(NamedTuple):
    """The figures of an open case tonight, next to the frozen ones of its hand-off; None is unknown.

    ``probabilities`` are of the risks that were scored tonight. ``revenue`` is the account's recurring revenue.
    ``priority`` orders the queue. ``ends_on`` is the day on which the contract, or the part that is lost, ends, else
    the renewal date; ``days_left`` are the days until then, negative where it has passed. ``alarms`` are the codes that
    hold tonight; ``ended_alarms`` are those of the case that are over for certain: they are no longer part of it, and
    raise it again when they come back. ``resolved`` marks a case whose cause is gone, since ``resolved_on``; the night
    of ``closes_on`` closes it. ``members`` are the other accounts of its group that are at risk tonight.
    """

    case_id: str
    account_id: str
    lane: Lane = Lane.AT_RISK
    status: str | None = None
    probabilities: Mapping[str, float] = MappingProxyType({})
    priority: float | None = None
    revenue: float | None = None
    ends_on: date | None = None
    days_left: int | None = None
    alarms: tuple[str, ...] = ()
    ended_alarms: tuple[str, ...] = ()
    resolved: ClosureCode | None = None
    resolved_on: date | None = None
    closes_on: date | None = None
    members: tuple[str, ...] = ()
    first_reason: Reason | None = None


class Settlement(NamedTuple):
    """A case that was closed as lost while the contract was running, and whose contract has ended now."""

    case_id: str
    account_id: str
    ended_on: date | None
