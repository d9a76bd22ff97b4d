"""The figures of a replay, and two policies side by side.

Precision counts only cases whose window is over: an open window is neither correct nor wrong. An event counts once, on
however many nights it was ahead. It is *caught* when a case of its risk's family was opened before it, within its
window. Cases of received cancellations and of lost parts are facts and not predictions: they are counted apart.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from statistics import fmean, median
from typing import NamedTuple

from serving.contracts import Flag, Lane, is_predicted


class ReplayEvent(NamedTuple):
    """An event of an account; the same event is ahead of several nights."""

    account_id: str
    risk: str
    event_at: datetime


@dataclass(frozen=True)
class ReplayedCase:
    """A case of the replay: its flag, and whether the event occurred (None: not known yet, or not eligible).

    ``caught`` are the events ahead of the account that night, of every risk that the case covers.
    """

    flag: Flag
    event: bool | None
    event_at: datetime | None
    caught: tuple[ReplayEvent, ...] = ()

    @property
    def predicted(self) -> bool:
        """Whether a risk or a trigger led the case, and not the known end of a contract."""
        return is_predicted(self.flag.alarms)

    @property
    def lead_days(self) -> float | None:
        """Days from the night to the event."""
        if not self.event or self.event_at is None:
            return None
        return (self.event_at - datetime.combine(self.flag.as_of, datetime.min.time())).total_seconds() / 86_400


class NightFigures(NamedTuple):
    """The counts of one night; ``open_cases`` are those after it."""

    as_of: date
    opened: int
    raised_again: int
    waiting: int
    suppressed: int
    held_out: int
    open_cases: int


@dataclass
class ReplayResult:
    """The result of one policy over all the nights; ``events`` have the revenue of their account as values."""

    policy_version: str
    nights: list[NightFigures] = field(default_factory=list)
    opened: list[ReplayedCase] = field(default_factory=list)
    events: dict[ReplayEvent, float] = field(default_factory=dict)
    squads: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()

    def figures(self) -> "ReplayFigures":
        """The figures to compare policies by."""
        predicted = [case for case in self.opened if case.predicted]
        caught = {event for case in predicted for event in case.caught}
        return ReplayFigures(
            policy_version=self.policy_version,
            nights=len(self.nights),
            all_cases=CaseFigures.of(predicted),
            cancellations=sum(case.flag.lane is Lane.LEAVING for case in self.opened),
            partial_losses=sum(not case.predicted and case.flag.lane is not Lane.LEAVING for case in self.opened),
            opened_per_night=_mean(night.opened for night in self.nights),
            raised_again=sum(night.raised_again for night in self.nights),
            waiting_per_night=_mean(night.waiting for night in self.nights),
            suppressed_per_night=_mean(night.suppressed for night in self.nights),
            held_out_per_night=_mean(night.held_out for night in self.nights),
            most_open_cases=max((night.open_cases for night in self.nights), default=0),
            events=len(self.events),
            caught=len(caught & self.events.keys()),
            revenue=sum(self.events.values()),
            revenue_caught=sum(stake for event, stake in self.events.items() if event in caught),
            by_risk=self._by(sorted({case.flag.risk for case in predicted}), lambda flag: (flag.risk,)),
            by_squad=self._by(self.squads, lambda flag: (flag.squad,)),
            by_trigger=self._by(self.triggers, lambda flag: flag.triggers),
        )

    def _by(self, names: Iterable[str], of: Callable[[Flag], Sequence[str]]) -> "dict[str, CaseFigures]":
        predicted = [case for case in self.opened if case.predicted]
        return {name: CaseFigures.of([case for case in predicted if name in of(case.flag)]) for name in names}


@dataclass(frozen=True)
class CaseFigures:
    """Figures of some of the cases: how many, of how many the window is over, how many were correct, and how early."""

    opened: int
    known: int
    correct: int
    lead_days: float | None

    @classmethod
    def of(cls, cases: Sequence[ReplayedCase]) -> "CaseFigures":
        """Count the cases; ``lead_days`` is the median of those that were correct."""
        leads = [case.lead_days for case in cases if case.lead_days is not None]
        known = [case.event for case in cases if case.event is not None]
        return cls(len(cases), len(known), sum(known), median(leads) if leads else None)

    @property
    def precision(self) -> float | None:
        """The share of correct cases among those whose window is over; None where there are none."""
        return self.correct / self.known if self.known else None

    def text(self) -> str:
        """In words: ``31 cases, 10 of 25 with a known outcome correct (40%), 34 days ahead``."""
        cases = f"{self.opened} case" if self.opened == 1 else f"{self.opened} cases"
        if self.precision is None:
            return f"{cases}, none over yet" if self.opened else "no cases"
        ahead = f", {self.lead_days:.0f} days ahead" if self.lead_days is not None else ""
        return f"{cases}, {self.correct} of {self.known} with a known outcome correct ({self.precision:.0%}){ahead}"


@dataclass(frozen=True)
class ReplayFigures:
    """One policy over all nights; the revenue of an event is that of its account per year, counted once per event."""

    policy_version: str
    nights: int
    all_cases: CaseFigures
    cancellations: int
    partial_losses: int
    opened_per_night: float
    raised_again: int
    waiting_per_night: float
    suppressed_per_night: float
    held_out_per_night: float
    most_open_cases: int
    events: int
    caught: int
    revenue: float
    revenue_caught: float
    by_risk: Mapping[str, CaseFigures]
    by_squad: Mapping[str, CaseFigures]
    by_trigger: Mapping[str, CaseFigures]

    def lines(self, currency: str = "") -> dict[str, str]:
        """Every figure as a label and its text, in the order of the printed table; ``currency`` is that of revenue."""
        lines = {
            "policy": self.policy_version,
            "nights": f"{self.nights}",
            "cases": self.all_cases.text(),
            "cancellations": f"{self.cancellations}",
            "partial losses": f"{self.partial_losses}",
            "cases per night": f"{self.opened_per_night:.1f}",
            "raised again": f"{self.raised_again}",
            "waiting, per night": f"{self.waiting_per_night:.1f}",
            "suppressed, per night": f"{self.suppressed_per_night:.1f}",
            "held out, per night": f"{self.held_out_per_night:.1f}",
            "most open cases": f"{self.most_open_cases}",
            "events caught": _of(self.caught, self.events),
            "revenue caught": _of(self.revenue_caught, self.revenue, currency),
        }
        for kind, groups in (("risk", self.by_risk), ("squad", self.by_squad), ("trigger", self.by_trigger)):
            lines |= {f"{kind} {name}": share.text() for name, share in groups.items()}
        return lines


def comparison_table(policies: Mapping[str, ReplayFigures], currency: str = "") -> list[tuple[str, ...]]:
    """One row per figure: its label, then its text per policy; a dash where a policy has no such squad or trigger."""
    columns = [figures.lines(currency) for figures in policies.values()]
    labels = dict.fromkeys(label for lines in columns for label in lines)
    return [(label, *(lines.get(label, "–") for lines in columns)) for label in labels]


def _of(part: float, whole: float, unit: str = "") -> str:
    return f"{part:,.0f} of {whole:,.0f} {unit}".rstrip() + (f" ({part / whole:.0%})" if whole else "")


def _mean(values: Iterable[int]) -> float:
    known = list(values)
    return fmean(known) if known else 0.0
