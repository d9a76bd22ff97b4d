"""A priority in words: what the queue is sorted by, with its parts, so that everybody can check why a case is first."""

from dataclasses import dataclass

from serving.handoff.render import amount
from serving.policy.definition.policy_schema import PolicyFile
from serving.policy.detection.price_parts import PricedFigures, PriceParts, explain_priority
from serving.store.tables import Account, Case

BELOW_COST = "Below its cost"
"""In place of a negative priority: an open case whose rescue costs more, as things are now, than it can save."""

DECIMALS = 1
"""Decimals of a percentage: with whole percentages the product is far from the priority, more are hard to read."""

UNEXPLAINED = "As the night calculated it; the policy or the figures have changed since."


@dataclass(frozen=True)
class PriceText:
    """A priority: ``value`` with its currency, ``formula`` as figures, ``words`` with what each part is.

    Percentages have one decimal, so the product of the shown figures is the priority but for a few units. ``words``
    have "≈" in place of "=" where it is not the same in whole units.
    """

    value: str
    formula: str
    words: str


def price_text(case: Case, account: Account, rules: PolicyFile | None, currency: str = "") -> PriceText:
    """What the priority of a case is made of; ``rules`` are those of the newest night's policy.

    ``currency`` is that of the amounts, by default the account's.
    """
    currency = currency or account.currency or ""
    value = priority_text(case.priority, currency)
    parts = explain_priority(case.priority, priced_figures(case, account, rules), rules) if rules else None
    if parts is None:
        return PriceText(value, "", f"{value}. {UNEXPLAINED}")
    result = f" {'=' if _is_exact(parts) else '≈'} {value}" if case.priority >= 0 else " is less than a rescue costs"
    return PriceText(value, _formula(parts), f"{_words(parts, currency, case.priority >= 0)}{result}")


def priority_text(priority: float, currency: str) -> str:
    """A priority as every page writes it."""
    return amount(priority, currency) if priority >= 0 else BELOW_COST


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
    if parts.probability is not None:
        factors.append(f"{_share(parts.probability)} {_risk_name(parts)}".rstrip())
    factors.append(_share(parts.share))
    factors += [f"{parts.urgency:g}"] if parts.urgency != 1 else []
    return " × ".join(factors) + (f" − {parts.cost:,.0f}" if parts.cost else "")


def _words(parts: PriceParts, currency: str, with_cost: bool) -> str:
    """The parts with what each of them is; ``with_cost`` subtracts the cost of the work."""
    kind = " a year" + (", estimated" if parts.is_estimate else "") + (", the most that counts" if parts.capped else "")
    words = [f"{amount(parts.revenue, currency)}{kind}"]
    if parts.probability is not None and parts.risk is not None:
        words.append(f"{_share(parts.probability)} {_risk_name(parts)} risk")
    words.append(f"{_share(parts.share)} {'less risk after a rescue' if parts.uplift else 'saved by a rescue'}")
    if parts.urgency != 1 and parts.within_days is not None:
        event = "ends" if parts.probability is None else "renews"
        words.append(f"{parts.urgency:g} ({event} within {parts.within_days:g} days)")
    cost = f" − {amount(parts.cost, currency)} cost" if parts.cost and with_cost else ""
    return " × ".join(words) + cost


def _risk_name(parts: PriceParts) -> str:
    return (parts.risk or "").replace("_", " ")


def _is_exact(parts: PriceParts) -> bool:
    """Whether the product of the shown figures is the shown priority."""
    probability = 1.0 if parts.probability is None else round(parts.probability, DECIMALS + 2)
    product = round(parts.revenue) * probability * round(parts.share, DECIMALS + 2) * parts.urgency
    return round(product - round(parts.cost)) == round(parts.value)


def _share(value: float) -> str:
    """A share as a percentage, without zeros at its end."""
    return f"{value:.{DECIMALS}%}".replace(".0%", "%")
