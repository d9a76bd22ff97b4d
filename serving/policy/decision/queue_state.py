"""The state of the queue when a night begins, and the night's decision about it: both as data.

The policy is pure. The store fills :class:`QueueState` before the night and writes :class:`Decision` in the night's one
transaction. ``risk`` is the name of a risk; a *family* is what one open case covers, and is the risk itself unless the
policy joins several. Reasons are codes with parameters; their sentences are in
:mod:`serving.policy.decision.reason_texts`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from serving.contracts import Flag


class OpenCase(NamedTuple):
    """A case that is not closed: ``probability`` and ``severity`` are those of the last time it was raised."""

    case_id: str
    account_id: str
    risk: str
    severity: str
    probability: float
    opened: date
    state: str = "new"
    squad: str = ""


class Streak(NamedTuple):
    """The hysteresis state of an account for a risk: consecutive nights above ``enter`` and below ``leave``.

    ``inside`` means that it has entered and not left yet. Accounts with no count and not ``inside`` have no streak.
    """

    account_id: str
    risk: str
    above: int
    below: int
    inside: bool


class Cooldown(NamedTuple):
    """A closed case: no new one for the account and family until the risk's ``cooldown_days`` are over."""

    account_id: str
    risk: str
    closed_on: date
    state: str = ""


@dataclass(frozen=True)
class QueueState:
    """The queue when the night begins; ``load`` is the open cases by squad (counted from the cases when empty)."""

    open_cases: tuple[OpenCase, ...] = ()
    streaks: tuple[Streak, ...] = ()
    cooldowns: tuple[Cooldown, ...] = ()
    load: Mapping[str, int] = field(default_factory=dict)

    def squad_load(self) -> dict[str, int]:
        """Open cases by squad."""
        if self.load:
            return dict(self.load)
        counted: dict[str, int] = {}
        for case in self.open_cases:
            counted[case.squad] = counted.get(case.squad, 0) + 1
        return counted


class SuppressionCode(StrEnum):
    """Why a candidate gets no case tonight."""

    OPEN_CASE = "open_case"
    COOLING_DOWN = "cooling_down"
    BELOW_MINIMUM = "below_minimum"
    TOO_FEW_NIGHTS = "too_few_nights"


class RaiseCode(StrEnum):
    """Why an open case is raised again."""

    SEVERITY = "severity"
    PROBABILITY = "probability"


class RaiseReason(NamedTuple):
    """Why an open case is raised again: a code, and severity and probability when it was last raised and now."""

    code: RaiseCode
    severity_before: str
    severity: str
    probability_before: float
    probability: float


class RaisedAgain(NamedTuple):
    """An open case of an account whose risk rose: tonight's flag goes into this case."""

    case_id: str
    flag: Flag
    reason: RaiseReason


class Suppressed(NamedTuple):
    """A candidate that gets no case, with the parameters of its ``code``.

    ``case_id``: its open case. ``until``: the day on which its cool-down ends. ``priority`` and ``minimum``: what its
    case would be worth, and the policy's minimum. ``nights`` and ``nights_required``: above the threshold so far.
    """

    account_id: str
    risk: str
    code: SuppressionCode
    case_id: str | None = None
    until: date | None = None
    priority: float | None = None
    minimum: float | None = None
    nights: int | None = None
    nights_required: int | None = None


class HeldOut(NamedTuple):
    """An account of the hold-out that would have become a case tonight or waited for one."""

    account_id: str
    unit: str
    risk: str
    stratum: str
    probability: float
    priority: float


class Exemption(NamedTuple):
    """An account that was drawn for the hold-out but is exempted from it, and by which rule of the policy."""

    account_id: str
    risk: str
    rule: str


@dataclass(frozen=True)
class DecisionCounts:
    """The counts of a decision for the night's report: by risk, by trigger, by what became of the candidates."""

    accounts: int = 0
    scored: Mapping[str, int] = field(default_factory=dict)
    detected: Mapping[str, int] = field(default_factory=dict)
    triggers: Mapping[str, int] = field(default_factory=dict)
    flagged: int = 0
    raised_again: int = 0
    waiting: int = 0
    held_out: int = 0
    exempted: int = 0
    suppressed: int = 0
    suppressed_by_code: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values under the names of the fields."""
        return asdict(self)


@dataclass(frozen=True)
class Decision:
    """A night's decision. ``flags`` become cases; ``waiting`` exceeded the capacity, ranked from 1 within each squad.

    ``no_longer_at_risk`` are open cases whose account has left every risk of its family and fires no trigger any more.
    ``streaks`` replace those of the queue's state.
    """

    as_of: date
    policy_version: str
    flags: tuple[Flag, ...] = ()
    raised_again: tuple[RaisedAgain, ...] = ()
    waiting: tuple[Flag, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    held_out: tuple[HeldOut, ...] = ()
    exempted: tuple[Exemption, ...] = ()
    no_longer_at_risk: tuple[str, ...] = ()
    streaks: tuple[Streak, ...] = ()
    counts: DecisionCounts = DecisionCounts()
