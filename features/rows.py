"""The rows of a relation as columns of numbers, one for each expression that a measure needs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.arrow import array, codes, numbers, ranks
from features.windows import Floats, Ints


@dataclass
class Rows:
    """What was read of one relation; ``account`` is the place of each row's account in the cube."""

    columns: dict[str, pa.ChunkedArray]
    account: Ints
    _orders: dict[tuple[str, str], Ints] = field(default_factory=dict)
    _ready: dict[tuple[str, str], NDArray[np.generic]] = field(default_factory=dict)

    def of_accounts(self, first: int, end: int) -> "Rows":
        """The rows of the accounts at the places ``[first, end)``."""
        chosen = np.flatnonzero((self.account >= first) & (self.account < end))
        taken = numbers(chosen)
        return Rows({text: column.take(taken) for text, column in self.columns.items()}, self.account[chosen] - first)

    def ints(self, expression: str) -> Ints:
        """A column of whole numbers."""
        return self._column(expression, "int64").astype(np.int64, copy=False)

    def floats(self, expression: str) -> Floats:
        """A column of numbers; NaN where the row has none."""
        return self._column(expression, "float64").astype(np.float64, copy=False)

    def flags(self, expression: str) -> NDArray[np.bool_]:
        """A column of truths."""
        return self._column(expression, "bool").astype(np.bool_, copy=False)

    def entities(self, expression: str) -> Ints:
        """A number for each account and thing of an account, in the order of accounts."""
        if expression == "ticket":
            return self.ints(expression)
        found = self._ready.get((expression, "entity"))
        if found is None:
            found = codes(self.columns[expression])
            found += self.account * (found.max(initial=0) + 1)
            self._ready[expression, "entity"] = found
        return found.astype(np.int64, copy=False)

    def ordered(self, instant: str, ties: Sequence[str], entity: str | None) -> Ints:
        """The rows by entity (the account where none is named), then time; what ties is settled by its content."""
        asked = (instant, entity or "account")
        if asked not in self._orders:
            self._orders[asked] = self._ordered(instant, ties, entity)
        return self._orders[asked]

    def _ordered(self, instant: str, ties: Sequence[str], entity: str | None) -> Ints:
        if entity:
            by_account = self.ordered(instant, ties, None)
            return by_account[np.argsort(self.entities(entity)[by_account], kind="stable")]
        time = self.ints(instant)
        order = np.argsort(time)
        order = order[np.argsort(self.account[order], kind="stable")]
        same = (np.diff(time[order]) == 0) & (np.diff(self.account[order]) == 0)
        tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
        if len(tied):
            rows = order[tied]
            settled = [ranks(self.columns[text].take(numbers(rows))) for text in ties]
            keys = (self.ints("known")[rows], *reversed(settled), time[rows], self.account[rows])
            order[tied] = rows[np.lexsort(keys)]
        return order

    def _column(self, expression: str, kind: str) -> NDArray[np.generic]:
        found = self._ready.get((expression, kind))
        if found is None:
            found = self._ready[expression, kind] = array(self.columns[expression]).astype(kind, copy=False)
        return found
