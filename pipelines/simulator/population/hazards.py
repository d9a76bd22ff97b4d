"""What drives the two events, as hazards a week.

*Leaving* is decided by mood and by the contract's calendar: few leave in mid-term, most decisions fall between fourteen
weeks and one week before the renewal; a contract that is not renewed by itself mostly lapses silently on its last day.
*Escalating* is decided by satisfaction and by what support has just lived through: recent tickets, breached service
levels, urgent tickets still open. Both multiply, so trouble weighs most where satisfaction is already low.
"""

from typing import Final

import numpy as np

from pipelines.simulator.clock import Floats, Ints
from pipelines.simulator.population.population import ANNUAL, MANUAL, MONTHLY, MULTI_YEAR

MOOD_SLOPE: Final = -1.6
SATISFACTION_SLOPE: Final = -0.95
CHURN_LEVEL: Final = -4.4
ESCALATION_LEVEL: Final = np.array([-5.5, -4.8, -4.2])
SEGMENT_LEVEL: Final = np.array([0.15, -0.1, -0.45])

FADES: Final = 0.6  # what is left of last week's pressure
TICKET_WEIGHT, BREACH_WEIGHT, OPEN_WEIGHT, CALM = 1.0, 3.0, 3.0, 1.0

EARLY_WEEKS: Final = (15, 20)  # weeks before the end in which a contract may be renewed early
EARLY_CHANCE: Final = 0.02
HORIZON: Final = 200  # weeks to renewal beyond which the calendar no longer matters

_NEVER = -30.0


def _calendar() -> Floats:
    """Log multiplier by contract × weeks to renewal."""
    table = np.full((4, HORIZON + 1), -2.3)
    for contract in (ANNUAL, MULTI_YEAR):
        table[contract, 1:15] = [-0.6, -0.3, *[0.0] * 9, -0.4, -0.9, -1.5]
        table[contract, 0] = _NEVER
    table[MANUAL, 1:15] = [-0.6, -0.3, *[-0.3] * 9, -0.7, -1.2, -1.8]
    table[MANUAL, 0] = 0.8
    table[MONTHLY, :] = -0.9
    return table


CALENDAR: Final = _calendar()


def churn_log_hazard(contract: Ints, segment: Ints, weeks_left: Ints) -> Floats:
    """Log hazard of deciding to leave this week, but for mood: by contract, segment and whole weeks to renewal."""
    levels: Floats = CHURN_LEVEL + SEGMENT_LEVEL[segment] + CALENDAR[contract, np.clip(weeks_left, 0, HORIZON)]
    return levels


def churn_hazard(log_hazard: Floats, mood: Floats) -> Floats:
    """The hazard of deciding to leave this week."""
    hazard: Floats = np.exp(log_hazard + MOOD_SLOPE * mood)
    return hazard


def pressure_load(pressure: Floats, open_urgent: Floats) -> Floats:
    """How much support weighs on an account now; 1 where nothing has happened."""
    return CALM + pressure + OPEN_WEIGHT * open_urgent


def escalation_hazard(segment: Ints, satisfaction: Floats, load: Floats) -> Floats:
    """The hazard of escalating this week."""
    hazard: Floats = np.exp(ESCALATION_LEVEL[segment] + SATISFACTION_SLOPE * satisfaction) * load
    return hazard
