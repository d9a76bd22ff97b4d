"""The parts of a priority, so that people can check it: which revenue, probability, shares and costs it is made of.

The night stores the result only. The parts follow from the figures of the case and from the policy, and they are shown
only where their product is the stored priority: an explanation that does not add up is worse than none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from serving.contracts import Lane
from serving.policy.definition.policy_schema import PolicyFile, RiskRule
from serving.policy.definition.policy_section import Urgency
from serving.policy.detection.priority import urgency_factor

TOLERANCE = 0.011
"""Priorities are rounded to the cent."""


@dataclass(frozen=True)
class PricedFigures:
    """The figures of a case that its priority was computed with; ``days`` are those to the renewal or to the end.

    ``revenue`` is what is at stake, None where it is unknown and ``estimated`` was used. ``family`` is that of the
    case's risk, ``probabilities`` are by risk.
    """

    lane: str
    family: str
    probabilities: Mapping[str, float]
    revenue: float | None
    estimated: float | None
    days: float | None
    at_stake: float | None = None


@dataclass(frozen=True)
class PriceParts:
    """revenue × probability × share × urgency − cost = value.

    ``probability`` and ``risk`` are None for the end of a contract. ``share`` is the part of the revenue at risk that a
    rescue saves; with ``uplift`` it is by how much a rescue lowers the probability, which then is no factor.
    ``within_days`` is the band of the urgency, None where the factor is 1.
    """

    value: float
    revenue: float
    share: float
    risk: str | None = None
    probability: float | None = None
    urgency: float = 1.0
    within_days: float | None = None
    cost: float = 0.0
    capped: bool = False
    is_estimate: bool = False
    uplift: bool = False


def explain_priority(priority: float, figures: PricedFigures, rules: PolicyFile) -> PriceParts | None:
    """The parts whose product is the priority; None where the policy or the figures have changed since."""
    for parts in _candidates(figures, rules):
        if abs(parts.value - priority) <= max(TOLERANCE, 1e-9 * abs(priority)):
            return parts
    return _by_uplift(priority, figures, rules) if rules.priority.uplift else None


def price_risk(risk: str, probability: float, figures: PricedFigures, rules: PolicyFile) -> PriceParts | None:
    """The parts of the priority of a risk with this probability; None without rules or any revenue."""
    rule, revenue = rules.risks.get(risk), _revenue(figures.revenue, figures, rules)
    if rule is None or revenue is None:
        return None
    band = _band(figures.days, rules.priority.urgency)
    return _priced(rule, risk, probability, revenue, figures, band, rules)


def _candidates(figures: PricedFigures, rules: PolicyFile) -> Iterator[PriceParts]:
    if figures.lane == Lane.LEAVING:
        yield from _ending(figures, rules, rules.cancellations.save_rate, rules.cancellations.cost)
    for risk, probability in figures.probabilities.items():
        rule = rules.risks.get(risk)
        if rule is not None and rules.family(risk) == figures.family:
            for effective in dict.fromkeys((probability, max(probability, rule.enter))):
                if parts := price_risk(risk, effective, figures, rules):
                    yield parts
    part = rules.partial_losses
    cost = rules.risks[rules.contract_risk].cost if part.cost is None else part.cost
    yield from _ending(figures, rules, part.save_rate, cost)


def _ending(figures: PricedFigures, rules: PolicyFile, share: float, cost: float) -> Iterator[PriceParts]:
    """The end of a contract or of a part of it; what ends is recorded with the case, else it is all of the revenue."""
    band = _band(figures.days, rules.cancellations.urgency or rules.priority.urgency)
    for known in dict.fromkeys((figures.at_stake, figures.revenue)):
        revenue = _revenue(known, figures, rules)
        if revenue is not None:
            capped = min(revenue, rules.priority.revenue_cap)
            value = round(capped * share * band[0] - cost, 2)
            yield PriceParts(
                value,
                capped,
                share,
                urgency=band[0],
                within_days=band[1],
                cost=cost,
                capped=capped < revenue,
                is_estimate=known is None,
            )


def _priced(
    rule: RiskRule,
    risk: str,
    probability: float,
    revenue: float,
    figures: PricedFigures,
    band: tuple[float, float | None],
    rules: PolicyFile,
) -> PriceParts:
    capped = min(revenue, rules.priority.revenue_cap)
    return PriceParts(
        value=round(probability * capped * rule.save_rate * band[0] - rule.cost, 2),
        revenue=capped,
        share=rule.save_rate,
        risk=risk,
        probability=probability,
        urgency=band[0],
        within_days=band[1],
        cost=rule.cost,
        capped=capped < revenue,
        is_estimate=figures.revenue is None,
    )


def _by_uplift(priority: float, figures: PricedFigures, rules: PolicyFile) -> PriceParts | None:
    """By how much a rescue lowers the probability, as it follows from the priority."""
    revenue = _revenue(figures.revenue, figures, rules)
    factor, within = _band(figures.days, rules.priority.urgency)
    capped = min(revenue or 0.0, rules.priority.revenue_cap)
    for risk, probability in figures.probabilities.items():
        rule = rules.risks.get(risk)
        if rule is None or rules.family(risk) != figures.family or not capped or not factor:
            continue
        lowers = (priority + rule.cost) / (capped * factor)
        if 0 <= lowers <= probability + 1e-9:
            return PriceParts(
                priority,
                capped,
                lowers,
                risk,
                None,
                factor,
                within,
                rule.cost,
                capped < (revenue or 0.0),
                figures.revenue is None,
                uplift=True,
            )
    return None


def _revenue(known: float | None, figures: PricedFigures, rules: PolicyFile) -> float | None:
    if known is not None:
        return known
    return figures.estimated if figures.estimated is not None else rules.priority.unknown_revenue


def _band(days: float | None, bands: tuple[Urgency, ...]) -> tuple[float, float | None]:
    """The factor of the band that contains the days, and its number of days; (1, None) outside all bands."""
    if days is None:
        return 1.0, None
    factor = float(urgency_factor(np.array([days]), bands)[0])
    return factor, next((band.within_days for band in bands if days <= band.within_days), None)
