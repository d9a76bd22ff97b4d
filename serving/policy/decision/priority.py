"""What working an account tonight is worth: probability × capped revenue × saveability × urgency − cost.

The number is an amount of money, so that risks, segments and squads share one order. Revenue is capped so that no
single account owns the team, and a nearer renewal weighs more. Ties are settled by the probability, the model's finer
ranking score, the nearer renewal, and the account's id, in that order; no tie is left to chance.
"""

import numpy as np

from serving.policy.decision.candidates import Candidates, Numbers, Places
from serving.policy.definition.policy_schema import PriorityRule, RiskRule


def at_stake(candidates: Candidates, rule: PriorityRule) -> Numbers:
    """Recurring revenue a year that is reckoned with: float64[n], capped, ``unknown_revenue`` where unknown."""
    revenue = candidates.numbers("arr")
    return np.minimum(np.where(np.isnan(revenue), rule.unknown_revenue, revenue), rule.revenue_cap)


def urgency(candidates: Candidates, rule: PriorityRule) -> Numbers:
    """The factor of the first band that the days to renewal fit in; 1 outside all, or where it is unknown."""
    days = candidates.numbers("renews_in")
    factor = np.ones(len(candidates))
    for band in reversed(rule.urgency):
        factor = np.where(days <= band.within_days, band.factor, factor)
    return factor


def priority(candidates: Candidates, probability: Numbers, risk: RiskRule, rule: PriorityRule) -> Numbers:
    """The worth of a rescue, in the currency of ``arr``, to the cent: float64[n]."""
    worth = probability * at_stake(candidates, rule) * risk.saveability * urgency(candidates, rule) - risk.cost
    return np.round(worth, 2)


def order(worth: Numbers, probability: Numbers, rank_score: Numbers, renews_in: Numbers, place: Places) -> Places:
    """The order of work, as indices into these arrays of one length: int64[n]; ``place`` is ascending by account."""
    days = np.nan_to_num(renews_in, nan=np.inf)
    fine = np.nan_to_num(rank_score, nan=-np.inf)
    return np.lexsort((place, days, -fine, -probability, -worth))
