"""What the queue looks like when a night begins, and what the policy wants changed in it when the night is decided.

The policy is pure: it is handed the state of the queue as data and hands back a decision as data. The store fills
:class:`QueueState` before the night and writes :class:`Decision` in the night's one transaction. ``risk`` is the name
of a risk ("churn"); a *family* is what one open case covers, and is the risk's own name unless the policy joins two.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from serving.contracts import Flag


class OpenCase(NamedTuple):
    """A case that is not finished: ``probability`` and ``severity`` are those of the last time it was raised."""

    case_id: str
    account_id: str
    risk: str
    severity: str
    probability: float
    opened: date
    state: str = "new"
    squad: str = ""


class Streak(NamedTuple):
    """Where an account stands in a risk's hysteresis: nights in a row above ``enter`` and below ``leave``.

    ``inside`` says that it has entered and not left yet. Accounts with neither count nor ``inside`` have no streak.
    """

    account_id: str
    risk: str
    above: int
    below: int
    inside: bool


class Cooldown(NamedTuple):
    """A case that was closed: no new one for the account and family until the risk's ``cooldown_days`` are over."""

    account_id: str
    risk: str
    closed_on: date
    state: str = ""


@dataclass(frozen=True)
class QueueState:
    """The queue as the night finds it; ``load`` counts the open cases of each squad (counted here where absent)."""

    open_cases: tuple[OpenCase, ...] = ()
    streaks: tuple[Streak, ...] = ()
    cooldowns: tuple[Cooldown, ...] = ()
    load: Mapping[str, int] = field(default_factory=dict)

    def squad_load(self) -> dict[str, int]:
        """Open cases by squad: what the store says, else counted from the open cases themselves."""
        if self.load:
            return dict(self.load)
        counted: dict[str, int] = {}
        for case in self.open_cases:
            counted[case.squad] = counted.get(case.squad, 0) + 1
        return counted


class Why(StrEnum):
    """Why an account that the policy noticed gets no new case tonight."""

    OPEN_CASE = "has an open case that is not worse"
    COOLDOWN = "is cooling down after its last case"
    NOT_WORTH_IT = "a rescue would cost more than it can save"
    TOO_NEW = "has not been above the threshold for enough nights"


class RaisedAgain(NamedTuple):
    """An open case whose account got worse: it is raised again in its case, and ``why`` says by how much."""

    case_id: str
    flag: Flag
    why: str


class Suppressed(NamedTuple):
    """An account that was noticed and gets no case: the kind of reason, and the particulars in words."""

    account_id: str
    risk: str
    why: Why
    detail: str


class HeldOut(NamedTuple):
    """An account kept from the team so that the team's effect can be measured; it would have been raised tonight."""

    account_id: str
    unit: str
    risk: str
    stratum: str
    probability: float
    priority: float


class Exemption(NamedTuple):
    """An account that the draw would have held out, had the policy not exempted it, by which rule."""

    account_id: str
    risk: str
    rule: str


@dataclass(frozen=True)
class Decision:
    """A night's decision. ``flags`` become cases; ``waiting`` did not fit, ranked on from 1 within each squad.

    ``calmed`` are open cases whose account has left every risk of its family and fires no trigger any more.
    ``streaks`` replace those of the queue's state. ``counts`` are for the report.
    """

    as_of: date
    policy_version: str
    flags: tuple[Flag, ...] = ()
    raised_again: tuple[RaisedAgain, ...] = ()
    waiting: tuple[Flag, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    held_out: tuple[HeldOut, ...] = ()
    exempted: tuple[Exemption, ...] = ()
    calmed: tuple[str, ...] = ()
    streaks: tuple[Streak, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
