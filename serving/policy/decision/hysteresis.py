"""Entering above one threshold and leaving below another, counted in nights, so that noise opens no cases.

An account enters a risk after ``enter_nights`` nights in a row at or above ``enter``, and has left after
``leave_nights`` nights in a row below ``leave``. In between nothing changes. A night without a score breaks no streak
and adds to none: a feed that stopped must neither raise nor calm anyone.
"""

from collections.abc import Iterable

import numpy as np

from serving.policy.decision.candidates import Candidates, Flags, Numbers, Places
from serving.policy.decision.queue_state import Streak
from serving.policy.definition.policy_schema import RiskRule


class Standing:
    """Where every candidate stands in one risk, before and after tonight's probability."""

    def __init__(self, candidates: Candidates, risk: str, streaks: Iterable[Streak]) -> None:
        self.risk = risk
        self._accounts = candidates.accounts
        self.above: Places = np.zeros(len(candidates), dtype=np.int64)
        self.below: Places = np.zeros(len(candidates), dtype=np.int64)
        self.inside: Flags = np.zeros(len(candidates), dtype=np.bool_)
        self._absent: list[Streak] = []
        for streak in streaks:
            place = candidates.place.get(streak.account_id)
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

    def streaks(self) -> list[Streak]:
        """What the next night has to know, by account; an account that is neither inside nor rising has no streak.

        An account that is no candidate tonight keeps its streak as it was.
        """
        kept = np.flatnonzero(self.inside | (self.above > 0))
        found = [
            Streak(self._accounts[place], self.risk, int(self.above[place]), int(self.below[place]), inside)
            for place, inside in zip(kept.tolist(), self.inside[kept].tolist(), strict=True)
        ]
        return sorted(found + self._absent)
