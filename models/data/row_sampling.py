"""Which rows of a large source are learned from, and for how many rows each of them counts.

Most rows of a large source say the same: an account to which nothing happened, week after week. So every row with an
event is kept, of the others a share, and a row that was kept counts for those that were not: the inverse of the known
probability with which it was drawn (Horvitz and Thompson 1952). Sums over weighted rows, and so every figure, have the
expected value of the sums over all rows.

A row is drawn by a number that depends on its account and its cutoff alone. Two samples of the same source therefore
share as many rows as they can: those of the smaller one.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from models.data.arrays import Bools, Floats, Ints

REPRESENTS = "represents"
"""The column of labels and test rows with the number of rows for which each counts; 1 where it is absent."""

CERTAIN_SHARE = 0.5
"""Of the wanted rows, at most so many are kept for certain, most of them with an event; the others fill the rest."""

_STEP = np.uint64(0x9E3779B97F4A7C15)  # the constants of SplitMix64 (Steele, Lea and Flood 2014)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


@dataclass(frozen=True)
class RowSample:
    """Which rows of a grid of cutoffs × accounts are kept, and the probability with which each was.

    Attributes:
        certain: the rows that a sample of any size should hold (cutoffs × accounts).
        chance: the number of each row, even in [0, 1).
        certain_share, other_share: with which probability rows of either kind are kept.
    """

    certain: Bools
    chance: Floats
    certain_share: float
    other_share: float

    @property
    def kept(self) -> Bools:
        """Whether each row is kept."""
        return np.asarray(self.chance < np.where(self.certain, self.certain_share, self.other_share))

    @property
    def represents(self) -> Floats:
        """For how many rows each counts, if it is kept."""
        return 1 / np.where(self.certain, self.certain_share, self.other_share)


def row_chances(accounts: pa.Array, days: Ints) -> Floats:
    """A number in [0, 1) for each cutoff (days since 1970-01-01) and account; the same wherever it is computed."""
    seeds = np.array([_seed(account) for account in accounts.to_pylist()], dtype=np.uint64)
    mixed = seeds[None, :] + _STEP * days.astype(np.uint64)[:, None]
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX[0]
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX[1]
    mixed ^= mixed >> np.uint64(31)
    return np.asarray((mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def _seed(account: str) -> int:
    return int.from_bytes(hashlib.blake2b(account.encode(errors="surrogatepass"), digest_size=8).digest(), "little")


def draw_rows(certain: Bools, chance: Floats, most_rows: int) -> RowSample:
    """A sample of about ``most_rows`` rows of a grid, in which the certain ones are kept as far as they leave room."""
    sure = int(certain.sum())
    room = most_rows * CERTAIN_SHARE
    other = most_rows - min(sure, room)
    return RowSample(
        certain,
        chance,
        certain_share=min(1.0, room / max(sure, 1)),
        other_share=min(1.0, most_rows / certain.size, other / max(certain.size - sure, 1)),
    )
