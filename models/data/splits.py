"""Time decides the split: train on what was known before a fold, test on the cutoffs after it.

A random split puts next week's row of an account into training and this week's into test; their label windows overlap,
and the model is praised for remembering. So each fold trains on rows whose label was *known* before the first test
cutoff: lead, horizon and grace over (the embargo). Test blocks follow one another without gaps, so that every later
cutoff is scored exactly once, by a model that could have existed then.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.data.arrays import Bools
from models.data.findings import Finding

FOLDS = 6
TRAIN_SHARE = 0.25  # of the cutoffs must lie behind the first fold's embargo
MIN_TRAIN_CUTOFFS = 4

Days = NDArray[np.int64]


@dataclass(frozen=True)
class Fold:
    """One fold: its number from 1, and the cutoffs that it is tested on (days since 1970-01-01, ascending)."""

    number: int
    tests: tuple[int, ...]
    embargo: int

    @property
    def start(self) -> int:
        """The first test cutoff: where what this fold may learn from ends."""
        return self.tests[0]

    def known(self, days: Days) -> Bools:
        """Which rows' labels were known before the first test cutoff: those it may train on."""
        return np.asarray(days + self.embargo < self.start)

    def tested(self, days: Days) -> Bools:
        """Which rows it is tested on."""
        return np.asarray((days >= self.tests[0]) & (days <= self.tests[-1]))


@dataclass(frozen=True)
class Plan:
    """The folds that the data can carry, and a note where they are fewer than six."""

    folds: tuple[Fold, ...]
    note: Finding | None = None


def rolling_folds(cutoffs: Sequence[int], embargo: int) -> Plan:
    """Cut matured cutoffs (days, any order) into :data:`FOLDS` successive test blocks behind an embargo.

    The first block begins as soon as a quarter of the cutoffs (four at least) are known; the blocks differ by one
    cutoff in length at most. Where that leaves fewer cutoffs than folds, there are fewer folds, and a note says so.
    """
    days = np.unique(np.asarray(cutoffs, dtype=np.int64))
    wanted = max(MIN_TRAIN_CUTOFFS, int(np.ceil(TRAIN_SHARE * len(days))))
    known = np.searchsorted(days, days - embargo, side="left")  # cutoffs known before each cutoff
    usable = days[known >= min(wanted, max(MIN_TRAIN_CUTOFFS, int(known.max(initial=0)) // 2))]
    blocks = np.array_split(usable, min(FOLDS, len(usable))) if len(usable) else []
    laid_out = tuple(Fold(number, tuple(block.tolist()), embargo) for number, block in enumerate(blocks, start=1))
    return Plan(laid_out, None if len(laid_out) == FOLDS else _few_folds(len(laid_out), len(days), embargo))


def _few_folds(count: int, cutoffs: int, embargo: int) -> Finding:
    return Finding("few_folds", {"folds": count, "wanted": FOLDS, "cutoffs": cutoffs, "embargo": embargo})


def unseen_folds(accounts: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    """A fold for every account number, at random: for the report on accounts that the training never saw."""
    count = int(accounts.max(initial=-1)) + 1
    return np.asarray(np.random.default_rng(seed).permutation(count) % folds)[accounts]
