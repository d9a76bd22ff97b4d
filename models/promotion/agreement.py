"""Whether the model that would score tonight still orders accounts as the champion does.

A comparison by past test periods judges how a model is made. What it cannot see is the final fit itself: the newest
months that only the final fit learned from may hold a broken feed. Fits of one recipe on slightly different periods
order the accounts of a night alike, and how alike is known: the champion carries the fits of its last test periods.
A refresh that differs from the champion much more than these do is not merely the same model on newer data.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.data.arrays import Floats

if TYPE_CHECKING:
    from models.learners.risk_model import RiskModel

MOST_ACCOUNTS = 500
"""Accounts of one night that are compared; their contributions cost about a millisecond each."""
FEWEST_COMPARED = 20
ALIKE = 0.8
"""A rank correlation from which two orders are taken as alike, whatever the champion's own fits show."""
SLACK = 0.15
"""By how much the refresh may agree less than the champion's own fits do."""


@dataclass(frozen=True)
class Agreement:
    """Rank correlation with the champion among the accounts of one night, and the least that is expected."""

    value: float
    expected: float
    accounts: int


def agreement_with(challenger: "RiskModel", champion: "RiskModel", frame: pa.Table) -> Agreement | None:
    """The agreement of two models' final fits at the newest cutoff of a frame; None for too few accounts."""
    newest = frame.filter(pc.equal(frame["as_of"], pc.max(frame["as_of"])))
    newest = newest.filter(pc.and_(pc.is_null(challenger.unfit(newest)), pc.is_null(champion.unfit(newest))))
    if newest.num_rows < FEWEST_COMPARED:
        return None
    if newest.num_rows > MOST_ACCOUNTS:
        newest = newest.take(np.sort(np.random.default_rng(7).permutation(newest.num_rows)[:MOST_ACCOUNTS]))
    own = champion.predict(newest).rank_score
    value = rank_correlation(challenger.predict(newest).rank_score, own)
    refits = [rank_correlation(shares.sum(axis=1), own) for shares in champion.refit_contributions(newest)]
    expected = min([ALIKE, *(correlation - SLACK for correlation in refits)])
    return Agreement(value, max(expected, 0.0), newest.num_rows)


def rank_correlation(scores: Floats, others: Floats) -> float:
    """Spearman's rank correlation; 0 where one of the two does not vary."""
    from scipy.stats import rankdata

    ranks = [rankdata(values) for values in (scores, others)]
    if any(np.ptp(values) == 0 for values in ranks):
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])
