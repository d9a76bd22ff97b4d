"""Does the team save accounts? Worked accounts compared with those that a salted hash held out.

Both groups were flagged and were separated by chance alone, so a difference between them afterwards is the effect of
the team. An account counts once, from the first night on which it was flagged, with its outcome in the risk's window
after it. Accounts that the policy exempts from the draw are left out. A held-out account might have had to wait for
capacity anyway, so where squads are full, the difference is a lower bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from math import sqrt
from typing import TYPE_CHECKING

from features.labels.labels import label
from serving.night_report.report_schema import DifferenceReport, EffectReport, GroupReport
from serving.store.queries.outcome_queries import first_worked_and_held_out

if TYPE_CHECKING:
    from collections.abc import Set

    from features.history.history import History
    from features.labels.label_rule import LabelRule
    from serving.store import Session

Outcomes = dict[tuple[str, date], tuple[bool, "datetime | None"]]
"""By account and night: whether the event happened, and when."""

MIN_SETTLED = 30
"""Settled accounts that each group needs before a difference is reported."""


@dataclass(frozen=True)
class Group:
    """Accounts of one group: how many, how many of them are settled, and how many of those had the event."""

    accounts: int
    settled: int
    happened: int

    @property
    def share(self) -> float:
        """The share of the settled accounts that had the event."""
        return self.happened / self.settled

    def report(self) -> GroupReport:
        """The group as a part of a report."""
        return GroupReport(accounts=self.accounts, settled=self.settled, events=self.happened)


@dataclass(frozen=True)
class Effect:
    """The two groups; ``saved`` is held out minus worked, with a 95% interval, once both are large enough."""

    worked: Group
    held_out: Group
    saved: tuple[float, float, float] | None

    def report(self) -> EffectReport:
        """The effect as a part of a report."""
        difference = None
        if self.saved is not None:
            value, low, high = self.saved
            difference = DifferenceReport(value=value, low=low, high=high)
        worked, held_out = self.worked.report(), self.held_out.report()
        return EffectReport(worked=worked, held_out=held_out, needed=MIN_SETTLED, difference=difference)


def effect(session: Session, history: History, rule: LabelRule) -> Effect:
    """The team's effect on one risk, by what the queue recorded and what happened since."""
    worked, held_out = first_worked_and_held_out(session, rule.risk)
    outcomes = outcomes_at(history, rule, worked.items() | held_out.items())
    groups = [_group(first, outcomes) for first in (worked, held_out)]
    enough = min(group.settled for group in groups) >= MIN_SETTLED
    return Effect(groups[0], groups[1], difference(groups[1], groups[0]) if enough else None)


def _group(first: dict[str, date], outcomes: Outcomes) -> Group:
    events = [outcomes[key][0] for key in first.items() if key in outcomes]
    return Group(len(first), len(events), sum(events))


def outcomes_at(history: History, rule: LabelRule, cases: Set[tuple[str, date]]) -> Outcomes:
    """For each account and night whose label has matured: whether the event happened, and when."""
    mature = {(account, day) for account, day in cases if rule.matures_on(day) < history.until}
    if not mature:
        return {}  # a young queue has many cases, none of them mature
    days, accounts = sorted({day for _, day in mature}), sorted({account for account, _ in mature})
    rows = label(history, days, rule, accounts=accounts).to_pylist()
    labels = {(row["account_id"], row["as_of"]): (row["event"], row["event_at"]) for row in rows}
    return {key: labels[key] for key in mature if key in labels and labels[key][0] is not None}


def difference(first: Group, second: Group) -> tuple[float, float, float]:
    """The difference of two shares with Newcombe's 95% interval: Wilson's for each, combined by squares."""
    from scipy.stats import binomtest

    bounds = [binomtest(group.happened, group.settled).proportion_ci(method="wilson") for group in (first, second)]
    value = first.share - second.share
    low = value - sqrt((first.share - bounds[0].low) ** 2 + (bounds[1].high - second.share) ** 2)
    high = value + sqrt((bounds[0].high - first.share) ** 2 + (second.share - bounds[1].low) ** 2)
    return value, low, high
