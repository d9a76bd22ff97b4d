"""Does the team save anybody? Accounts that were worked against those that a salted hash kept from the team.

Both groups were flagged; chance alone parted them, so what differs between them afterwards is the team's doing. An
account counts once, from the first night on which it was flagged, with what happened in the risk's window after it.
Accounts that the policy exempts from the draw were not parted by chance and are left out. An account that was held out
might have waited for want of capacity, so where squads are full, the difference is a lower bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from math import sqrt
from typing import TYPE_CHECKING

from features.labels.labels import label
from serving.night_report.report_schema import DifferenceReport, EffectReport, GroupReport
from serving.store.outcome_queries import first_worked_and_held_out

if TYPE_CHECKING:
    from collections.abc import Set

    from features.history.history import History
    from features.labels.label_rule import LabelRule
    from serving.store import Session

Outcomes = dict[tuple[str, date], tuple[bool, "datetime | None"]]
"""By account and night: whether it happened, and when."""

LEAST = 30
"""Settled accounts that each group needs before a difference is told."""


@dataclass(frozen=True)
class Group:
    """Accounts of one group: how many, how many of them are settled, and to how many of those it happened."""

    accounts: int
    settled: int
    happened: int

    @property
    def share(self) -> float:
        """The share of the settled to whom it happened."""
        return self.happened / self.settled


@dataclass(frozen=True)
class Effect:
    """The two groups; ``saved`` is held out minus worked, with a 95% interval, once both are large enough."""

    worked: Group
    held_out: Group
    saved: tuple[float, float, float] | None

    def report(self) -> EffectReport:
        """The effect as a part of a report."""
        difference = DifferenceReport(**dict(zip(("value", "low", "high"), self.saved, strict=True))) if self.saved else None
        groups = (
            GroupReport(accounts=group.accounts, settled=group.settled, events=group.happened)
            for group in (self.worked, self.held_out)
        )
        return EffectReport(worked=next(groups), held_out=next(groups), needed=LEAST, difference=difference)


def effect(session: Session, history: History, rule: LabelRule) -> Effect:
    """The team's effect on one risk, by what the queue recorded and what happened since."""
    worked, held_out = first_worked_and_held_out(session, rule.risk)
    told = outcomes_at(history, rule, worked.items() | held_out.items())
    groups = [_group(first, told) for first in (worked, held_out)]
    enough = min(group.settled for group in groups) >= LEAST
    return Effect(groups[0], groups[1], difference(groups[1], groups[0]) if enough else None)


def _group(first: dict[str, date], told: Outcomes) -> Group:
    events = [told[key][0] for key in first.items() if key in told]
    return Group(len(first), len(events), sum(events))


def outcomes_at(history: History, rule: LabelRule, asked: Set[tuple[str, date]]) -> Outcomes:
    """For each account and night that is settled: whether it happened, and when."""
    ripe = {(account, day) for account, day in asked if rule.matures_on(day) < history.until}
    if not ripe:
        return {}  # young queues ask for much of which nothing can be known yet
    days, accounts = sorted({day for _, day in ripe}), sorted({account for account, _ in ripe})
    rows = label(history, days, rule, accounts=accounts).to_pylist()
    told = {(row["account_id"], row["as_of"]): (row["event"], row["event_at"]) for row in rows}
    return {key: told[key] for key in ripe if key in told and told[key][0] is not None}


def difference(one: Group, other: Group) -> tuple[float, float, float]:
    """The difference of two shares with Newcombe's 95% interval: Wilson's for each, joined by squares."""
    from scipy.stats import binomtest

    bounds = [binomtest(group.happened, group.settled).proportion_ci(method="wilson") for group in (one, other)]
    found = one.share - other.share
    low = found - sqrt((one.share - bounds[0].low) ** 2 + (bounds[1].high - other.share) ** 2)
    high = found + sqrt((bounds[0].high - one.share) ** 2 + (other.share - bounds[1].low) ** 2)
    return found, low, high
