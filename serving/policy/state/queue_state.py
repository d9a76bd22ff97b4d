"""The state of the queue when a night begins, and the night's decision about it: both as data.

The policy is pure. The store fills :class:`QueueState` before the night and writes :class:`Decision` in the night's one
transaction. ``risk`` is the name of a risk; a *family* is what one open case covers, and is the risk itself unless the
policy joins several. Reasons are codes with parameters; their sentences are in
:mod:`serving.policy.state.reason_texts`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from serving.contracts import Flag
from serving.policy.state.case_status import Closure, ClosureCode, LiveFigures, Settlement


class OpenCase(NamedTuple):
    """A case that is not closed: ``probability`` and ``severity`` are those of the last time it was raised.

    ``alarms`` are the codes of all alarms that it contains; None where an early version did not store them, and then it
    contains every risk and trigger. ``renews_on`` is the renewal date when it was last raised.
    ``ends_on`` is that of its newest live figures. ``resolved`` and ``resolved_on`` are the mark of an earlier night.
    ``alarm_nights`` are the nights that raised the ends of contracts among the alarms, by code. ``acted_on`` is whether
    the customer was contacted or a plan was made, whoever has the case now.
    """

    case_id: str
    account_id: str
    risk: str
    severity: str
    probability: float | None
    opened: date
    state: str = "new"
    squad: str = ""
    alarms: tuple[str, ...] | None = None
    renews_on: date | None = None
    ends_on: date | None = None
    resolved: ClosureCode | None = None
    resolved_on: date | None = None
    alarm_nights: Mapping[str, date] = MappingProxyType({})
    acted_on: bool = False


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
    """A closed case: its ``alarms`` raise no new one until the days of its outcome (``state``) are over.

    Where the ``alarms`` are None, not known, every risk and trigger of its family cools down. ``ends_on`` is that of
    the last live figures: after a loss the account rests until then. ``settled`` is whether an earlier night has
    recorded the end. ``alarm_nights`` are those of :class:`OpenCase`.
    """

    account_id: str
    risk: str
    closed_on: date
    state: str = ""
    alarms: tuple[str, ...] | None = None
    case_id: str = ""
    ends_on: date | None = None
    settled: bool = False
    alarm_nights: Mapping[str, date] = MappingProxyType({})


HoldoutUnits = Mapping[str, tuple[str, str]]
"""By account: the unit in which it is drawn for the hold-out, and its stratum, as first known.

A night has one for each account, so they are plain tuples.
"""


@dataclass(frozen=True)
class QueueState:
    """The queue when the night begins; ``load`` is the open cases by squad (counted from the cases when empty).

    ``holdout_units`` are those of earlier nights: an account keeps its unit when its group changes. ``enrolled`` has
    the salt and unit of every earlier :class:`Enrolment`.
    """

    open_cases: tuple[OpenCase, ...] = ()
    streaks: tuple[Streak, ...] = ()
    cooldowns: tuple[Cooldown, ...] = ()
    load: Mapping[str, int] = field(default_factory=dict)
    holdout_units: HoldoutUnits = field(default_factory=dict)
    enrolled: frozenset[tuple[str, str]] = frozenset()

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
    LOST = "lost"
    EXCLUDED = "excluded"
    GROUP_CASE = "group_case"


class RaiseCode(StrEnum):
    """Why an open case is raised again."""

    ALARM = "alarm"
    SEVERITY = "severity"
    PROBABILITY = "probability"


class RaiseReason(NamedTuple):
    """Why an open case is raised again: a code, and severity and probability when it was last raised and now.

    ``alarms`` are the codes of the alarms that the case did not contain.
    """

    code: RaiseCode
    severity_before: str
    severity: str
    probability_before: float | None
    probability: float | None
    alarms: tuple[str, ...] = ()


class RaisedAgain(NamedTuple):
    """An open case of an account whose risk rose: tonight's flag goes into this case."""

    case_id: str
    flag: Flag
    reason: RaiseReason


class Suppressed(NamedTuple):
    """A candidate that gets no case, with the parameters of its ``code``.

    ``case_id``: its open case, or that of its group. ``until``: the day on which its cool-down ends, or None while it
    rests after a loss without a known end. ``priority`` and ``minimum``: what its case would be worth, and the policy's
    minimum. ``nights`` and ``nights_required``: above the threshold so far. ``rule``: the exclusion. ``alarms``: the
    alarms that raise no case.
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
    rule: str = ""
    alarms: tuple[str, ...] = ()


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


class Enrolment(NamedTuple):
    """A unit of the measurement of the effect: worked or held out, on the first night on which it was selected.

    A held-out account counts as selected where a squad that could take it still had a place when it was its turn. Who
    comes before it decides that, and not its own draw; so the two groups differ by chance alone. ``account_id`` is the
    account of the unit that was selected first, ``risk`` the one that led it. ``share`` is the probability of being
    held out. ``probability``, ``revenue`` (per year, capped as in the priority) and ``expected_value`` (what a rescue
    is expected to save) are those of this night, before anybody acted.
    """

    salt: str
    unit: str
    risk: str
    account_id: str
    stratum: str
    share: float
    held_out: bool
    probability: float
    revenue: float
    expected_value: float


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
    cancellations: int = 0
    partial_losses: int = 0
    excluded: Mapping[str, int] = field(default_factory=dict)
    closed: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values under the names of the fields."""
        return asdict(self)


@dataclass(frozen=True)
class Decision:
    """A night's decision. ``flags`` become cases; ``waiting`` exceeded the capacity, ranked from 1 within each squad.

    ``closures`` are open cases that the night closes, and ``live`` are tonight's figures of all other open cases.
    ``settlements`` are earlier losses whose contract has ended. ``streaks`` replace those of the queue's state;
    ``holdout_units`` and ``enrolments`` are added to it.
    """

    as_of: date
    policy_version: str
    flags: tuple[Flag, ...] = ()
    raised_again: tuple[RaisedAgain, ...] = ()
    waiting: tuple[Flag, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    held_out: tuple[HeldOut, ...] = ()
    exempted: tuple[Exemption, ...] = ()
    closures: tuple[Closure, ...] = ()
    live: tuple[LiveFigures, ...] = ()
    settlements: tuple[Settlement, ...] = ()
    holdout_units: HoldoutUnits = field(default_factory=dict)
    enrolments: tuple[Enrolment, ...] = ()
    streaks: tuple[Streak, ...] = ()
    counts: DecisionCounts = DecisionCounts()
