"""Does the team save accounts? Worked accounts compared with held-out accounts that would have been selected.

Nights enrol the accounts that a squad had a place for (:mod:`serving.policy.decision.enrolment`): chance alone decided
which of them were worked. A unit counts by the outcome in the risk's window after the night of its enrolment, an event
inside the lead included: what happens after the draw never decides whether a unit counts. Only the newest salt counts,
because a new one begins another measurement. The interval is valid on every night
(:mod:`models.evaluation.treatment_effect`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from features.labels.labels import label
from models.evaluation.treatment_effect import AssignedUnits, Precision, contributions, mean_effect
from serving.night_report.effect_report import DifferenceReport, EffectReport, GroupReport
from serving.store.queries.outcome_queries import enrolled_units

if TYPE_CHECKING:
    from collections.abc import Sequence, Set

    from features.history.history import History
    from features.labels.label_rule import LabelRule
    from models.evaluation.bootstrap import Estimate
    from serving.store import Session
    from serving.store.queries.outcome_queries import EnrolledUnit


class Outcome(NamedTuple):
    """What happened after a night: whether there was the event, and when it was.

    An event inside the lead, too late to act on, has a time, and ``event`` is None.
    """

    event: bool | None
    at: datetime | None

    @property
    def happened(self) -> bool:
        """Whether there was an event, however early."""
        return self.event is not False


Outcomes = dict[tuple[str, date], Outcome]
"""By account and night."""

MIN_SETTLED = 30
"""Settled accounts that each group needs before a difference is reported."""
FLOW_DAYS = 56
FIRST_FLOW_DAYS = 7
"""Days after the first night before a flow can be distinguished from its backlog."""
LONGEST_WAIT = timedelta(days=3653)
"""An answer that is further away than ten years has no date."""


def effect(session: Session, history: History, rule: LabelRule) -> EffectReport:
    """The team's effect on one risk, by what the nights recorded and what happened since."""
    enrolled = enrolled_units(session, rule.risk)
    mature = outcomes_at(history, rule, {(unit.account_id, unit.as_of) for unit in enrolled})
    return effect_of(enrolled, mature, rule, history.until)


def effect_of(enrolled: Sequence[EnrolledUnit], mature: Outcomes, rule: LabelRule, until: date) -> EffectReport:
    """The effect by these units and the outcomes of those whose window is over; the data end before ``until``."""
    settled = [unit for unit in enrolled if (unit.account_id, unit.as_of) in mature]
    events = np.array([mature[unit.account_id, unit.as_of].happened for unit in settled], dtype=np.bool_)
    report = EffectReport(
        worked=_group(enrolled, settled, events, held_out=False),
        held_out=_group(enrolled, settled, events, held_out=True),
        needed=MIN_SETTLED,
        difference=None,
        valid="every_night",
    )
    if not enrolled:
        return report
    precision = _precision(enrolled, settled, events)
    report = report.model_copy(update=_outlook(report, enrolled, precision, rule, until))
    return report.model_copy(update=_measured(report, settled, events, precision))


def _group(
    enrolled: Sequence[EnrolledUnit], settled: Sequence[EnrolledUnit], events: np.ndarray, *, held_out: bool
) -> GroupReport:
    return GroupReport(
        accounts=sum(unit.held_out == held_out for unit in enrolled),
        settled=sum(unit.held_out == held_out for unit in settled),
        events=sum(bool(event) for unit, event in zip(settled, events, strict=True) if unit.held_out == held_out),
    )


def _assigned(units: Sequence[EnrolledUnit], events: np.ndarray, *, revenue: bool = False) -> AssignedUnits:
    """The units as arrays; the outcome is the event, or the revenue of an account to which it happened."""
    worth = np.array([unit.revenue if revenue else 1.0 for unit in units])
    return AssignedUnits(
        control=np.array([unit.held_out for unit in units], dtype=np.bool_),
        share=np.array([unit.share for unit in units], dtype=np.float64),
        outcome=events * worth,
        predicted=np.array([unit.probability for unit in units]) * worth,
    )


def _precision(enrolled: Sequence[EnrolledUnit], settled: Sequence[EnrolledUnit], events: np.ndarray) -> Precision:
    """By what the settled units showed, or by the probabilities while they are few."""
    share = np.array([unit.share for unit in enrolled])
    first = ceil(MIN_SETTLED / float(np.minimum(share, 1 - share).mean()))
    if len(settled) >= first:
        return Precision(float(contributions(_assigned(settled, events)).std()), first)
    risk = np.clip([unit.probability for unit in enrolled], 0.01, 0.99)
    return Precision(float(np.sqrt((risk * (1 - risk) / (share * (1 - share))).mean())), first)


def _outlook(
    report: EffectReport, enrolled: Sequence[EnrolledUnit], precision: Precision, rule: LabelRule, until: date
) -> dict[str, object]:
    """What the policy assumes, when that would be seen, how many come a week, and what the hold-out costs."""
    revenue = sum(unit.revenue for unit in enrolled)
    assumed = sum(unit.expected_value for unit in enrolled) / revenue if revenue else None
    per_day = _per_day(enrolled, until)
    needed = precision.units_needed(assumed) if assumed else None
    currencies = {unit.currency for unit in enrolled if unit.currency}  # customers who have left have none any more
    return {
        "assumed": assumed,
        "detectable_of": needed,
        "answer_on": _answer_on(needed, enrolled, per_day, rule, until),
        "per_week": None if per_day is None else round(7 * per_day, 1),
        "holdout_cost": round(sum(unit.expected_value for unit in enrolled if unit.held_out), 2),
        "currency": next(iter(currencies)) if len(currencies) == 1 else None,
    }


def _per_day(enrolled: Sequence[EnrolledUnit], until: date) -> float | None:
    """Units enrolled a day over the last weeks; None in the first week.

    The first night enrols everybody who is at risk already, which is no flow.
    """
    first = enrolled[0].as_of
    days = min(FLOW_DAYS, (until - first).days)
    if days < FIRST_FLOW_DAYS:
        return None
    return sum(unit.as_of > first and (until - unit.as_of).days <= FLOW_DAYS for unit in enrolled) / days


def _answer_on(
    needed: int | None, enrolled: Sequence[EnrolledUnit], per_day: float | None, rule: LabelRule, until: date
) -> date | None:
    """When the unit of that number is settled: one that is enrolled already, or one that comes at the present flow."""
    if needed is None:
        return None
    if needed <= len(enrolled):
        return rule.matures_on(enrolled[needed - 1].as_of) + timedelta(days=1)
    missing = needed - len(enrolled)
    if per_day is None or missing > per_day * LONGEST_WAIT.days:
        return None
    return rule.matures_on(until + timedelta(days=ceil(missing / per_day))) + timedelta(days=1)


def _measured(
    report: EffectReport, settled: Sequence[EnrolledUnit], events: np.ndarray, precision: Precision
) -> dict[str, object]:
    """The difference, what else could be seen, and the revenue that was saved, once both groups are large enough."""
    if min(report.worked.settled, report.held_out.settled) < MIN_SETTLED:
        return {}
    effect_of_unit = contributions(_assigned(settled, events))
    amounts = contributions(_assigned(settled, events, revenue=True)) * [1 - unit.share for unit in settled]
    mean, count = mean_effect(np.asarray(amounts)), len(settled)
    total = replace(mean, value=mean.value * count, low=mean.low * count, high=mean.high * count)
    return {
        "difference": _difference(mean_effect(effect_of_unit)),
        "detectable": precision.detectable(len(settled)),
        "revenue": _difference(total),
    }


def _difference(estimate: Estimate) -> DifferenceReport:
    return DifferenceReport(value=estimate.value, low=estimate.low, high=estimate.high)


def outcomes_at(history: History, rule: LabelRule, cases: Set[tuple[str, date]]) -> Outcomes:
    """For each account and night whose label has matured and which was eligible: what happened."""
    mature = {(account, day) for account, day in cases if rule.matures_on(day) < history.until}
    if not mature:
        return {}  # a young queue has many cases, none of them mature
    days, accounts = sorted({day for _, day in mature}), sorted({account for account, _ in mature})
    outcomes: Outcomes = {}
    for row in label(history, days, rule, accounts=accounts).to_pylist():
        key, event = (row["account_id"], row["as_of"]), row["event"]
        if key in mature and (event is not None or row["event_at"] is not None):
            outcomes[key] = Outcome(event, row["event_at"])
    return outcomes
