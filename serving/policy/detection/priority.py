"""The priority of a case: probability × capped revenue × save rate × urgency − cost.

Where the policy asks for it and an uplift model has proved its worth, the product of probability and save rate is
replaced by the *uplift*: by how much a rescue lowers the probability of this account.

It is an amount of money, so that risks, segments and squads share one order. Revenue is capped so that no single
account takes all the capacity, and a nearer renewal increases the priority. Ties are broken by the probability, the
model's finer ranking score, the nearer renewal, and the account's id, in that order: the order is always the same.

A received cancellation has no probability: its revenue ends, and its urgency depends on the day on which it does.
"""

from collections.abc import Sequence

import numpy as np

from serving.policy.definition.policy_schema import PriorityRule, RiskRule
from serving.policy.definition.policy_section import Urgency
from serving.policy.detection.account_table import AccountTable, Numbers, Places
from serving.policy.detection.revenue import Revenue


def revenue_at_stake(estimated: Numbers, rule: PriorityRule) -> Numbers:
    """Recurring revenue per year, capped: float64[n]."""
    return np.minimum(estimated, rule.revenue_cap)


def urgency_factor(days: Numbers, bands: Sequence[Urgency]) -> Numbers:
    """The factor of the first band that contains the days; 1 outside all bands, or where they are unknown."""
    factor = np.ones(len(days))
    for band in reversed(bands):
        factor = np.where(days <= band.within_days, band.factor, factor)
    return factor


def expected_effect(probability: Numbers, uplift: Numbers, risk: RiskRule) -> Numbers:
    """By how much a rescue is expected to lower the probability: float64[n].

    This is the uplift where it is known, at most the probability itself, and else probability × save rate.
    """
    return np.where(np.isnan(uplift), probability * risk.save_rate, np.clip(uplift, 0, probability))


def compute_priority(
    accounts: AccountTable,
    revenue: Revenue,
    probability: Numbers,
    risk: RiskRule,
    rule: PriorityRule,
    uplift: Numbers | None = None,
) -> Numbers:
    """The expected value of a rescue, in the currency of ``arr``, rounded to the cent: float64[n].

    ``uplift`` is by how much a rescue lowers the probability, NaN where that is not known.
    """
    at_stake = revenue_at_stake(revenue.estimated, rule)
    saved = probability * at_stake * risk.save_rate
    if uplift is not None:
        saved = np.where(np.isnan(uplift), saved, expected_effect(probability, uplift, risk) * at_stake)
    urgency = urgency_factor(accounts.numbers("renews_in"), rule.urgency)
    return np.round(saved * urgency - risk.cost, 2)


def value_of_ending(
    ending: Numbers, days: Numbers, save_rate: float, cost: float, bands: Sequence[Urgency], rule: PriorityRule
) -> Numbers:
    """The value of winning back revenue that ends in these days, rounded to the cent: float64[n]."""
    return np.round(revenue_at_stake(ending, rule) * save_rate * urgency_factor(days, bands) - cost, 2)


def order_of_work(priority: Numbers, probability: Numbers, rank_score: Numbers, days: Numbers, place: Places) -> Places:
    """The order of work, as indices into these arrays of one length: int64[n]; ``place`` is ascending by account."""
    nearest = np.nan_to_num(days, nan=np.inf)
    score = np.nan_to_num(rank_score, nan=-np.inf)
    return np.lexsort((place, nearest, -score, -np.nan_to_num(probability), -priority))
