"""Usage of all accounts of a cube: the dense pass for those delivered regularly, exact arithmetic for the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from features.definitions.measures import Aggregate
from features.engine.account_range import Scope
from features.engine.daily_usage.usage_delivery import delivery, known_before
from features.engine.daily_usage.usage_pass import UsagePass
from features.engine.windows import Floats, Ints
from features.history.history import History

Exact = Callable[[Scope, Aggregate], Floats]


class UsageCounts:
    """What one cube counts of usage; it does not know the cube, so that one goes with the last who uses it."""

    def __init__(self, history: History, days: Ints, scope: Scope, wanted: Sequence[Aggregate]) -> None:
        self._history, self._days, self._wanted = history, days, wanted
        self._delivery = known_before(history, int(days[0]), wanted) if len(days) == 1 else delivery(history)
        irregular = np.isin(scope.codes, self._delivery.irregular)
        self._regular = np.flatnonzero(~irregular)
        self._irregular = np.flatnonzero(irregular)
        self._scope = scope

    @property
    def regular(self) -> bool:
        """Whether no account needs to be looked at row by row."""
        return not len(self._irregular)

    def of_accounts(self, first: int, end: int) -> UsageCounts:
        """The same counts, not read again, of the accounts at the places ``[first, end)``."""
        piece = UsageCounts(self._history, self._days, Scope(self._scope.codes[first:end]), self._wanted)
        if len(piece._regular):
            before = int(np.searchsorted(self._regular, first))
            piece._pass = self._pass.of_accounts(before, before + len(piece._regular))
        return piece

    def aggregate(self, measure: Aggregate, exact: Exact) -> Floats:
        """The measure by cutoff and account; ``exact`` gives it for any scope by looking at every row."""
        if self.regular:
            return self._pass.aggregate(measure)
        found = np.empty((len(self._days), len(self._scope)))
        if len(self._regular):
            found[:, self._regular] = self._pass.aggregate(measure)
        found[:, self._irregular] = exact(Scope(self._scope.codes[self._irregular]), measure)
        return found

    @cached_property
    def _pass(self) -> UsagePass:
        regular = Scope(self._scope.codes[self._regular])
        return UsagePass(self._history, self._days, regular, self._delivery, self._wanted)
