"""The accounts of one cube, by their dense numbers."""

from dataclasses import dataclass

import numpy as np

from features.engine.windows import Ints


@dataclass(frozen=True)
class Scope:
    """The dense numbers of the accounts, ascending.

    ``name`` is that of their range, where all accounts are computed by ranges: their rows are kept under it.
    """

    codes: Ints
    name: str = ""

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def condition(self) -> str:
        """SQL that is true of their rows."""
        if not len(self):
            return "false"
        low, high = int(self.codes[0]), int(self.codes[-1])
        if high - low + 1 == len(self.codes):
            return f"account BETWEEN {low} AND {high}"
        return f"account IN ({', '.join(map(str, self.codes.tolist()))})"

    def places(self, account: Ints) -> Ints:
        """The position in this scope of each account's dense number."""
        if len(self) and self.codes[-1] - self.codes[0] + 1 == len(self):
            low: int = int(self.codes[0])
            return account - low
        return np.searchsorted(self.codes, account)
