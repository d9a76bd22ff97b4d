"""The hidden cause of everything: how satisfied an account is, week by week.

Satisfaction ``s`` wanders around the account's *fit* and is knocked about by *jumps* (an outage, a new account
manager, a lost advocate, a release that helps); *mood* ``m`` follows it slowly and is what decides about leaving::

    s[t+1] = s[t] + PULL (fit − s[t]) + NOISE ε + jumps[t]          m[t+1] = m[t] + FOLLOW (s[t] − m[t])

It is a linear system with independent increments, so the moments of ``exp(−β m)`` at any later week are known exactly
given today's state; that is what makes the true risk in ``truth.py`` computable. For the same reason nothing that comes
of satisfaction (tickets, escalations, late invoices) acts back on it.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from pipelines.simulator.clock import Flags, Floats

PULL: Final = 0.03
NOISE: Final = 0.13
FOLLOW: Final = 0.22
BURN_IN: Final = 40


@dataclass(frozen=True)
class Jump:
    """A kind of blow or boon: its chance a week and what it does to satisfaction."""

    name: str
    chance: float
    size: float


JUMPS = (
    Jump("outage", 0.012, -0.30),
    Jump("manager_left", 0.008, -0.35),
    Jump("advocate_left", 0.004, -0.80),
    Jump("release", 0.016, 0.30),
)


def step(satisfaction: Floats, mood: Floats, fit: Floats, noise: Floats, jumped: Flags) -> tuple[Floats, Floats]:
    """Satisfaction and mood a week later. ``jumped`` is account × kind of jump."""
    sizes = np.array([jump.size for jump in JUMPS])
    following = satisfaction + PULL * (fit - satisfaction) + NOISE * noise + jumped @ sizes
    return following, mood + FOLLOW * (satisfaction - mood)


@dataclass(frozen=True)
class Projection:
    """The law of ``values[k]``, k = 1…weeks, given today's state: mean = fit + toward · (s − fit, m − fit).

    ``responses[j, k]`` is what an increment of satisfaction at the end of week j does to the value after k weeks.
    """

    toward: Floats
    responses: Floats

    def mean(self, satisfaction: Floats, mood: Floats, fit: Floats) -> Floats:
        """Accounts × weeks: the expectation without jumps."""
        gap = np.stack([satisfaction - fit, mood - fit], axis=1)
        result: Floats = fit[:, None] + gap @ self.toward
        return result

    def log_moments(self, slope: float) -> tuple[Floats, Floats]:
        """The log of E[exp(slope · x_k)] beside the mean, and log of E[e^x_k e^x_l] over the product of the two."""
        single = _log_mgf(slope * self.responses)
        both = _log_mgf(slope * (self.responses[:, :, None] + self.responses[:, None, :]))
        return single, both - single[:, None] - single[None, :]


def _log_mgf(weights: Floats) -> Floats:
    """The log of E[exp(Σ_j weights_j · increment_j)], increments being independent; the first axis is j."""
    total = 0.5 * NOISE**2 * weights**2
    for jump in JUMPS:
        total = total + np.log1p(jump.chance * np.expm1(jump.size * weights))
    summed: Floats = total.sum(axis=0)
    return summed


@cache
def projections(weeks: int) -> tuple[Projection, Projection]:
    """How satisfaction and mood unfold over the next ``weeks`` weeks."""
    turn = np.array([[1 - PULL, 0.0], [FOLLOW, 1 - FOLLOW]])
    powers = [np.linalg.matrix_power(turn, k) for k in range(weeks + 1)]
    return _projection(powers, 0), _projection(powers, 1)


def _projection(powers: list[Floats], row: int) -> Projection:
    weeks = len(powers) - 1
    toward = np.stack([powers[k][row] for k in range(1, weeks + 1)], axis=1)
    responses = np.zeros((weeks, weeks))
    for k in range(1, weeks + 1):
        for j in range(k):
            responses[j, k - 1] = powers[k - 1 - j][row, 0]
    return Projection(toward, responses)
