"""The true risk of every account on every Monday, from the simulator's own hazards and the full hidden state.

No sampling: hazards are log-linear in a linear Gaussian-and-jump system (``satisfaction.py``), so given the state on
Monday ``T`` the mean and the covariance of the coming weeks' hazards ``h_1 … h_n`` are known exactly. Their sum ``H``
is taken to be gamma distributed with that mean ``M`` and variance ``V``, which gives ``E[exp(−H)] = (1 +
V/M)^(−M²/V)``. Then

- *churn* in ``(T+7, T+97]`` days: no decision in week 0, whose hazard is known, and one in weeks 1 … 13, times the
share of
  decisions that last (not taken back, no return within the grace). The calendar of each contract unrolls over the
  renewal; an early renewal on the way is a chance that does not depend on the state, so it mixes the calendar's two
  branches.
- *escalation* in ``(T, T+14]`` days: this week's hazard is known; next week's is the product of an independent
satisfaction
  and support load, whose moments follow from this week's ticket rate.

Ignored, being of second order: a second decision after a withdrawn notice, and the days for which the withdrawn one
stood. ``tests/unit/pipelines/simulator/test_truth.py`` holds the result against what happened.
"""

from typing import Final

import numpy as np

from pipelines.simulator.activity import contracts
from pipelines.simulator.activity.support import load_ahead
from pipelines.simulator.clock import Floats, Ints, add_months
from pipelines.simulator.population import hazards
from pipelines.simulator.population.account_state import State
from pipelines.simulator.population.population import ANNUAL, MULTI_YEAR, Population
from pipelines.simulator.population.satisfaction import projections

WEEKS: Final = 13


def churn(people: Population, state: State, monday: int, who: Ints) -> Floats:
    """Probability of a decision to leave within (T + 7, T + 97] days, for accounts with a contract and no notice."""
    levels = _levels(people, state, monday, who)
    mean, spread = _hazards_ahead(people, state, levels[:, 1:], who)
    now = hazards.churn_hazard(levels[:, 0], state.mood[who])
    lasts = _lasting(people, state, monday, who)
    share = (mean * lasts).sum(axis=1) / mean.sum(axis=1)
    return _inside(np.exp(-now) * (1 - _laplace(mean.sum(axis=1), spread)) * share)


def escalation(people: Population, state: State, week: int, monday: int, who: Ints) -> Floats:
    """Probability of an escalation within (T, T + 14] days, for accounts that support serves."""
    segment, satisfaction = people.segment[who], state.satisfaction[who]
    now_load = hazards.pressure_load(state.pressure, state.open_now(week))[who]
    now = hazards.escalation_hazard(segment, satisfaction, now_load)
    load, load_spread = (part[who] for part in load_ahead(people, state, week, monday))
    ahead = projections(WEEKS)[0]
    single, pair = ahead.log_moments(hazards.SATISFACTION_SLOPE)
    following = ahead.mean(satisfaction, state.mood[who], people.fit[who])[:, 0]
    mean = hazards.escalation_hazard(segment, following, load) * np.exp(single[0])
    spread = mean**2 * (np.exp(pair[0, 0]) * (1 + load_spread / load**2) - 1)
    return _inside(1 - np.exp(-now) * _laplace(mean, spread))


def _inside(probability: Floats) -> Floats:
    """Never exactly 0 or 1, so that log odds exist."""
    inside: Floats = np.clip(probability, 1e-6, 1 - 1e-6)
    return inside


def _levels(people: Population, state: State, monday: int, who: Ints) -> Floats:
    """Log hazard but for mood, accounts × weeks 0 … 13: the contract's calendar, and relief while a rescue lasts."""
    contract, segment, renews = people.contract[who], people.segment[who], state.renews[who]
    following = add_months(renews, people.term[who])
    fixed = (contract == ANNUAL) | (contract == MULTI_YEAR)
    same = np.ones(who.size)  # chance that the term has not been renewed early
    levels = np.empty((who.size, WEEKS + 1))
    for week in range(WEEKS + 1):
        day = monday + 7 * week
        left = (renews - day) // 7
        running = np.where(renews >= day, left, (following - day) // 7)
        usual = hazards.churn_log_hazard(contract, segment, running)
        renewed = hazards.churn_log_hazard(contract, segment, (following - day) // 7)
        levels[:, week] = np.log(same * np.exp(usual) + (1 - same) * np.exp(renewed))
        levels[:, week] += np.log(np.where(state.relief_until[who] > day, state.relief[who], 1.0))
        early = fixed & (left >= hazards.EARLY_WEEKS[0]) & (left <= hazards.EARLY_WEEKS[1])
        same = same * np.where(early, 1 - hazards.EARLY_CHANCE, 1.0)
    return levels


def _hazards_ahead(people: Population, state: State, levels: Floats, who: Ints) -> tuple[Floats, Floats]:
    """Expected hazards, accounts × weeks, and the variance of their sum."""
    ahead = projections(WEEKS)[1]
    single, pair = ahead.log_moments(hazards.MOOD_SLOPE)
    mood = ahead.mean(state.satisfaction[who], state.mood[who], people.fit[who])
    mean: Floats = hazards.churn_hazard(levels, mood) * np.exp(single)
    return mean, ((mean @ np.expm1(pair)) * mean).sum(axis=1)


def _lasting(people: Population, state: State, monday: int, who: Ints) -> Floats:
    """The share of decisions of each week that end the account: neither taken back nor undone within the grace."""
    left = (state.renews[who][:, None] - (monday + 7 * np.arange(1, WEEKS + 1))) // 7
    open_to_it = contracts.may_be_taken_back(
        people.contract[who][:, None], np.where(left < 0, contracts.MIDTERM_WEEKS, left)
    )
    lasts: Floats = np.where(open_to_it, 1 - contracts.TAKEN_BACK, 1.0) * (1 - contracts.BACK_WITHIN_GRACE)
    return lasts


def _laplace(mean: Floats, spread: Floats) -> Floats:
    """E[exp(−H)] of a gamma variable with this mean and variance."""
    ratio = np.maximum(spread / mean, 1e-12)
    result: Floats = np.exp(-mean / ratio * np.log1p(ratio))
    return result
