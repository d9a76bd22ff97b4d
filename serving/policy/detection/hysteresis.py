"""Hysteresis: accounts enter above one threshold and leave below another, so that noise opens no cases.

An account enters a risk after ``enter_nights`` consecutive nights at or above ``enter``, and has left after
``leave_nights`` consecutive nights below ``leave``. In between nothing changes. A night without a score neither
extends nor ends a streak: a feed that has stopped must not change the state of any account. An account without a
running contract has none.
"""

from collections.abc import Iterable

import numpy as np

from serving.policy.definition.policy_schema import RiskRule
from serving.policy.detection.account_table import AccountTable, Flags, Numbers, Places
from serving.policy.state.queue_state import Streak


class HysteresisState:
    """The state of every account for one risk, before and after tonight's probability is counted."""

    def __init__(self, accounts: AccountTable, risk: str, streaks: Iterable[Streak]) -> None:
        self.risk = risk
        self._account_ids = accounts.account_ids
        self.above: Places = np.zeros(len(accounts), dtype=np.int64)
        self.below: Places = np.zeros(len(accounts), dtype=np.int64)
        self.inside: Flags = np.zeros(len(accounts), dtype=np.bool_)
        self._absent: list[Streak] = []
        for streak in streaks:
            place = accounts.place.get(streak.account_id)
            if place is None:
                self._absent.append(streak)
            else:
                self.above[place], self.below[place], self.inside[place] = streak.above, streak.below, streak.inside

    def count(self, probability: Numbers, rule: RiskRule) -> None:
        """Count tonight: ``probability`` is float64[n], NaN where the account was not scored."""
        scored = ~np.isnan(probability)
        high = scored & (probability >= rule.enter)
        low = scored & (probability < rule.leave)
        self.above = np.where(high, self.above + 1, np.where(scored, 0, self.above))
        self.below = np.where(low, self.below + 1, np.where(scored, 0, self.below))
        entered = high & (self.above >= rule.enter_nights)
        left = low & (self.below >= rule.leave_nights)
        self.inside = (self.inside | entered) & ~left

    def forget(self, places: Flags) -> None:
        """End the streaks of these accounts: whoever comes back after a year is not at risk because of then."""
        self.above, self.below = np.where(places, 0, self.above), np.where(places, 0, self.below)
        self.inside = self.inside & ~places

    def streaks(self) -> list[Streak]:
        """The streaks for the next night, by account; an account that is neither inside nor rising has none.

        An account that is not in tonight's table keeps its streak.
        """
        places = np.flatnonzero(self.inside | (self.above > 0))
        streaks = [
            Streak(self._account_ids[place], self.risk, int(self.above[place]), int(self.below[place]), inside)
            for place, inside in zip(places.tolist(), self.inside[places].tolist(), strict=True)
        ]
        return sorted(streaks + self._absent)
