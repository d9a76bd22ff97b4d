"""The rows of a relation as columns of numbers, one for each expression that a measure needs."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.arrow import array, numbers
from features.windows import Floats, Ints


@dataclass
class Rows:
    """What was read of one relation; ``account`` is the place of each row's account in the cube."""

    columns: dict[str, pa.ChunkedArray]
    account: Ints
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

    def _column(self, expression: str, kind: str) -> NDArray[np.generic]:
        found = self._ready.get((expression, kind))
        if found is None:
            found = self._ready[expression, kind] = array(self.columns[expression]).astype(kind, copy=False)
        return found
