"""Some accounts by their dense numbers: what one cube, and one pass, is about."""

from dataclasses import dataclass

import numpy as np

from features.engine.windows import Ints


@dataclass(frozen=True)
class Scope:
    """The dense numbers of the accounts, ascending."""

    codes: Ints

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def condition(self) -> str:
        """The SQL that keeps their rows."""
        if not len(self):
            return "false"
        low, high = int(self.codes[0]), int(self.codes[-1])
        if high - low + 1 == len(self.codes):
            return f"account BETWEEN {low} AND {high}"
        return f"account IN ({', '.join(map(str, self.codes.tolist()))})"

    def places(self, account: Ints) -> Ints:
        """The position of each account's dense number in this scope."""
        if len(self) and self.codes[-1] - self.codes[0] + 1 == len(self):
            low: int = int(self.codes[0])
            return account - low
        return np.searchsorted(self.codes, account)
