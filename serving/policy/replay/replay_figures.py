"""The figures of a replay, and two policies side by side.

Precision counts only cases whose window is over: what is not known yet is neither right nor wrong. An event counts
once, however many nights saw it coming; it is *caught* when a case of its risk's family was opened before it, in its
window.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from statistics import fmean, median
from typing import NamedTuple

from serving.contracts import Flag


class Event(NamedTuple):
    """Something that happened to an account; the same event is seen from several nights."""

    account_id: str
    risk: str
    event_at: datetime


@dataclass(frozen=True)
class Opened:
    """A case of the replay: its flag, and what happened (``event`` None: not known yet, or not eligible).

    ``caught`` are the events ahead of the account that night, of every risk that the case covers.
    """

    flag: Flag
    event: bool | None
    event_at: datetime | None
    caught: tuple[Event, ...] = ()

    @property
    def lead_days(self) -> float | None:
        """Days from the night to the event."""
        if not self.event or self.event_at is None:
            return None
        return (self.event_at - datetime.combine(self.flag.as_of, datetime.min.time())).total_seconds() / 86_400


class NightFigures(NamedTuple):
    """How one night went; ``open_cases`` after it."""

    as_of: date
    opened: int
    raised_again: int
    waiting: int
    suppressed: int
    held_out: int
    open_cases: int


@dataclass
class Replayed:
    """What one policy did over all the nights; ``events`` carry the revenue of their account."""

    policy_version: str
    nights: list[NightFigures] = field(default_factory=list)
    opened: list[Opened] = field(default_factory=list)
    events: dict[Event, float] = field(default_factory=dict)
    squads: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()

    def figures(self) -> "Figures":
        """The figures an analyst compares."""
        caught = {event for one in self.opened for event in one.caught}
        return Figures(
            policy_version=self.policy_version,
            nights=len(self.nights),
            all_cases=Share.of(self.opened),
            opened_a_night=_mean(night.opened for night in self.nights),
            raised_again=sum(night.raised_again for night in self.nights),
            waiting_a_night=_mean(night.waiting for night in self.nights),
            suppressed_a_night=_mean(night.suppressed for night in self.nights),
            held_out_a_night=_mean(night.held_out for night in self.nights),
            open_at_most=max((night.open_cases for night in self.nights), default=0),
            events=len(self.events),
            caught=len(caught & self.events.keys()),
            revenue=sum(self.events.values()),
            revenue_caught=sum(stake for event, stake in self.events.items() if event in caught),
            by_risk=self._by(sorted({one.flag.risk for one in self.opened}), lambda flag: (flag.risk,)),
            by_squad=self._by(self.squads, lambda flag: (flag.squad,)),
            by_trigger=self._by(self.triggers, lambda flag: flag.triggers),
        )

    def _by(self, names: Iterable[str], of: Callable[[Flag], Sequence[str]]) -> "dict[str, Share]":
        return {name: Share.of([one for one in self.opened if name in of(one.flag)]) for name in names}


@dataclass(frozen=True)
class Share:
    """Some of the cases: how many, of how many it is known how they ended, how many were right, and how early."""

    opened: int
    known: int
    right: int
    lead_days: float | None

    @classmethod
    def of(cls, cases: Sequence[Opened]) -> "Share":
        """Count them; the lead is the median of those that were right."""
        leads = [one.lead_days for one in cases if one.lead_days is not None]
        known = [one.event for one in cases if one.event is not None]
        return cls(len(cases), len(known), sum(known), median(leads) if leads else None)

    @property
    def precision(self) -> float | None:
        """The share that was right, of those of which it is known; None where none is."""
        return self.right / self.known if self.known else None

    def told(self) -> str:
        """In words: ``31 cases, 40% of 25 right, 34 days ahead``."""
        cases = f"{self.opened} case" if self.opened == 1 else f"{self.opened} cases"
        if self.precision is None:
            return f"{cases}, none over yet" if self.opened else "no cases"
        ahead = f", {self.lead_days:.0f} days ahead" if self.lead_days is not None else ""
        return f"{cases}, {self.precision:.0%} of {self.known} right{ahead}"


@dataclass(frozen=True)
class Figures:
    """One policy over all nights; the revenue of an event is its account's yearly one, counted once an event."""

    policy_version: str
    nights: int
    all_cases: Share
    opened_a_night: float
    raised_again: int
    waiting_a_night: float
    suppressed_a_night: float
    held_out_a_night: float
    open_at_most: int
    events: int
    caught: int
    revenue: float
    revenue_caught: float
    by_risk: Mapping[str, Share]
    by_squad: Mapping[str, Share]
    by_trigger: Mapping[str, Share]

    def lines(self) -> dict[str, str]:
        """Every figure as a label and its words, in the order of a printed table."""
        lines = {
            "policy": self.policy_version,
            "nights": f"{self.nights}",
            "cases": self.all_cases.told(),
            "cases a night": f"{self.opened_a_night:.1f}",
            "raised again": f"{self.raised_again}",
            "waiting, a night": f"{self.waiting_a_night:.1f}",
            "left alone, a night": f"{self.suppressed_a_night:.1f}",
            "held out, a night": f"{self.held_out_a_night:.1f}",
            "open at most": f"{self.open_at_most}",
            "events caught": _of(self.caught, self.events),
            "revenue caught": _of(self.revenue_caught, self.revenue),
        }
        for kind, groups in (("risk", self.by_risk), ("squad", self.by_squad), ("trigger", self.by_trigger)):
            lines |= {f"{kind} {name}": share.told() for name, share in groups.items()}
        return lines


def side_by_side(columns: Mapping[str, Figures]) -> list[tuple[str, ...]]:
    """A row a figure: its label, then each policy's words; a dash where a policy has no such squad or trigger."""
    told = [figures.lines() for figures in columns.values()]
    labels = dict.fromkeys(label for lines in told for label in lines)
    return [(label, *(lines.get(label, "–") for lines in told)) for label in labels]


def _of(part: float, whole: float) -> str:
    return f"{part:,.0f} of {whole:,.0f}" + (f" ({part / whole:.0%})" if whole else "")


def _mean(values: Iterable[int]) -> float:
    known = list(values)
    return fmean(known) if known else 0.0
