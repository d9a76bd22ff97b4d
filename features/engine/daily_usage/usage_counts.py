"""Usage of all accounts of a cube: the dense pass for regular accounts, exact arithmetic by row for the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from features.definitions.measures import Aggregate
from features.engine.account_range import Scope
from features.engine.daily_usage.usage_delivery import delivery_at, measure_delivery
from features.engine.daily_usage.usage_pass import UsagePass
from features.engine.windows import Floats, Ints
from features.history.history import History

Exact = Callable[[Scope, Aggregate], Floats]


class UsageCounts:
    """The usage counts of one cube; they hold no reference to the cube, so that it can be freed."""

    def __init__(self, history: History, days: Ints, scope: Scope, wanted: Sequence[Aggregate]) -> None:
        self._history, self._days, self._wanted = history, days, wanted
        self._delivery = delivery_at(history, int(days[0]), wanted) if len(days) == 1 else measure_delivery(history)
        irregular = np.isin(scope.codes, self._delivery.irregular)
        self._regular = np.flatnonzero(~irregular)
        self._irregular = np.flatnonzero(irregular)
        self._scope = scope

    @property
    def regular(self) -> bool:
        """Whether no account needs to be counted row by row."""
        return not len(self._irregular)

    def slice_accounts(self, first: int, end: int) -> UsageCounts:
        """The same counts, not read again, of the accounts at the positions ``[first, end)``."""
        piece = UsageCounts(self._history, self._days, Scope(self._scope.codes[first:end]), self._wanted)
        if len(piece._regular):
            before = int(np.searchsorted(self._regular, first))
            piece._pass = self._pass.slice_accounts(before, before + len(piece._regular))
        return piece

    def aggregate(self, measure: Aggregate, exact: Exact) -> Floats:
        """The measure by cutoff and account; ``exact`` computes it for any scope by row."""
        if self.regular:
            return self._pass.aggregate(measure)
        values = np.empty((len(self._days), len(self._scope)))
        if len(self._regular):
            values[:, self._regular] = self._pass.aggregate(measure)
        values[:, self._irregular] = exact(Scope(self._scope.codes[self._irregular]), measure)
        return values

    @cached_property
    def _pass(self) -> UsagePass:
        regular = Scope(self._scope.codes[self._regular])
        return UsagePass(self._history, self._days, regular, self._delivery, self._wanted)
