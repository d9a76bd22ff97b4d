"""Which rows of a large source are learned from, and for how many rows each of them counts.

Most rows of a large source say the same: an account to which nothing happened, week after week. So every row with an
event is kept, of the others a share, and a row that was kept counts for those that were not: the inverse of the known
probability with which it was drawn (Horvitz and Thompson 1952). Sums over weighted rows, and so every figure, have the
expected value of the sums over all rows.

A row is drawn by a number that depends on its account and its cutoff alone. Two samples of the same source therefore
share as many rows as they can: those of the smaller one.
"""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import to_numpy
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

    def at(self, places: tuple[Ints, Ints]) -> "RowSample":
        """The same of some rows, by the places of their cutoff and account."""
        return replace(self, certain=self.certain[places], chance=self.chance[places])

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
    seeds, chances = _seeds(accounts), np.empty((len(days), len(accounts)))
    for chance, day in zip(chances, days[:, None], strict=True):  # by cutoff, so that nothing is copied as a whole
        chance[:] = mixed(seeds, day)
    return chances


def chances_of_rows(rows: pa.Table) -> Floats:
    """The same number for each row with ``account_id`` and ``as_of``."""
    ids = rows["account_id"].combine_chunks().dictionary_encode()
    days = to_numpy(pc.cast(pc.cast(rows["as_of"], pa.int32()), pa.int64()))
    return mixed(_seeds(ids.dictionary)[to_numpy(ids.indices)], days)


def _seeds(accounts: pa.Array) -> npt.NDArray[np.uint64]:
    return np.array([_seed(account) for account in accounts.to_pylist()], dtype=np.uint64)


def mixed(seeds: npt.NDArray[np.uint64], days: Ints) -> Floats:
    """A number in [0, 1) for each pair of a seed and a day, or any other number: even, and without order."""
    mixed = seeds + _STEP * days.astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX[0]
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX[1]
    mixed ^= mixed >> np.uint64(31)
    return np.asarray((mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def _seed(account: str) -> int:
    return int.from_bytes(hashlib.blake2b(account.encode(errors="surrogatepass"), digest_size=8).digest(), "little")


def draw_rows(certain: Bools, chance: Floats, most_rows: int) -> RowSample:
    """A sample of about ``most_rows`` rows of a grid, in which the certain ones are kept as far as they leave room."""
    certain_share, other_share = row_shares(int(certain.sum()), certain.size, most_rows)
    return RowSample(certain, chance, certain_share, other_share)


def row_shares(sure: int, size: int, most_rows: int) -> tuple[float, float]:
    """With which probability rows are kept: the ``sure`` ones that are certain, and the others of all ``size``."""
    room = most_rows * CERTAIN_SHARE
    other = most_rows - min(sure, room)
    return min(1.0, room / max(sure, 1)), min(1.0, most_rows / size, other / max(size - sure, 1))
