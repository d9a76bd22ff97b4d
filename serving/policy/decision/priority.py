"""The priority of a case: probability × capped revenue × save rate × urgency − cost.

It is an amount of money, so that risks, segments and squads share one order. Revenue is capped so that no single
account takes all the capacity, and a nearer renewal increases the priority. Ties are broken by the probability, the
model's finer ranking score, the nearer renewal, and the account's id, in that order: the order is always the same.
"""

import numpy as np

from serving.policy.decision.account_table import AccountTable, Numbers, Places
from serving.policy.definition.policy_schema import PriorityRule, RiskRule


def revenue_at_stake(accounts: AccountTable, rule: PriorityRule) -> Numbers:
    """Recurring revenue per year: float64[n], capped, ``unknown_revenue`` where it is unknown."""
    revenue = accounts.numbers("arr")
    return np.minimum(np.where(np.isnan(revenue), rule.unknown_revenue, revenue), rule.revenue_cap)


def renewal_urgency(accounts: AccountTable, rule: PriorityRule) -> Numbers:
    """The factor of the first band that contains the days to renewal; 1 outside all bands, or where it is unknown."""
    days = accounts.numbers("renews_in")
    factor = np.ones(len(accounts))
    for band in reversed(rule.urgency):
        factor = np.where(days <= band.within_days, band.factor, factor)
    return factor


def compute_priority(accounts: AccountTable, probability: Numbers, risk: RiskRule, rule: PriorityRule) -> Numbers:
    """The expected value of a rescue, in the currency of ``arr``, rounded to the cent: float64[n]."""
    at_stake = probability * revenue_at_stake(accounts, rule)
    return np.round(at_stake * risk.save_rate * renewal_urgency(accounts, rule) - risk.cost, 2)


def order_of_work(
    priority: Numbers, probability: Numbers, rank_score: Numbers, renews_in: Numbers, place: Places
) -> Places:
    """The order of work, as indices into these arrays of one length: int64[n]; ``place`` is ascending by account."""
    days = np.nan_to_num(renews_in, nan=np.inf)
    score = np.nan_to_num(rank_score, nan=-np.inf)
    return np.lexsort((place, days, -score, -probability, -priority))
