"""A priority in words: what the queue is sorted by, with its parts, so that everybody can check why a case is first."""

from dataclasses import dataclass

from serving.handoff.render import amount
from serving.policy.definition.policy_schema import PolicyFile
from serving.policy.detection.price_parts import PricedFigures, PriceParts, explain_priority
from serving.store.tables import Account, Case

UNEXPLAINED = "As the night calculated it; the policy or the figures have changed since."


@dataclass(frozen=True)
class PriceText:
    """A priority: ``value`` with its currency, ``formula`` as figures, ``words`` with what each part is."""

    value: str
    formula: str
    words: str


def price_text(case: Case, account: Account, rules: PolicyFile | None) -> PriceText:
    """What the priority of a case is made of; ``rules`` are those of the newest night's policy."""
    value = amount(case.priority, account.currency or "")
    parts = explain_priority(case.priority, priced_figures(case, account, rules), rules) if rules else None
    if parts is None:
        return PriceText(value, "", f"{value}. {UNEXPLAINED}")
    return PriceText(value, _formula(parts), f"{_words(parts, account.currency or '')} = {value}")


def priced_figures(case: Case, account: Account, rules: PolicyFile | None) -> PricedFigures:
    """The figures of a case on the night of its live figures."""
    until = case.ends_on if case.lane == "leaving" or case.loss_share is not None else account.renews_on
    days = (until - case.live_on).days if until is not None and until >= case.live_on else None
    return PricedFigures(
        lane=case.lane,
        family=rules.family(case.risk) if rules else case.family,
        probabilities=case.probabilities,
        revenue=case.revenue,
        estimated=case.estimated_revenue,
        days=days,
        at_stake=case.at_stake,
    )


def _formula(parts: PriceParts) -> str:
    factors = [f"{parts.revenue:,.0f}"]
    factors += [_share(share) for share in (parts.probability, parts.share) if share is not None]
    factors += [f"{parts.urgency:g}"] if parts.urgency != 1 else []
    return " × ".join(factors) + (f" − {parts.cost:,.0f}" if parts.cost else "")


def _words(parts: PriceParts, currency: str) -> str:
    kind = "estimated revenue a year" if parts.is_estimate else "revenue a year"
    if parts.capped:
        kind += ", the most that counts"
    words = [f"{amount(parts.revenue, currency)} ({kind})"]
    if parts.probability is not None and parts.risk is not None:
        words.append(f"{_share(parts.probability)} ({parts.risk.replace('_', ' ')} risk)")
    share = "points by which a rescue lowers the risk" if parts.uplift else "share that a rescue saves"
    words.append(f"{_share(parts.share)} ({share})")
    if parts.urgency != 1 and parts.within_days is not None:
        event = "ends or renews" if parts.probability is None else "renews"
        words.append(f"{parts.urgency:g} ({event} within {parts.within_days:g} days)")
    cost = f" − {amount(parts.cost, currency)} (cost of the work)" if parts.cost else ""
    return " × ".join(words) + cost


def _share(value: float) -> str:
    """A share as a percentage, a small one with a decimal: the product of the figures has to be near the priority."""
    return f"{value:.0%}" if value >= 0.1 else f"{value:.1%}"
