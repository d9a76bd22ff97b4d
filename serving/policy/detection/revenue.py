"""The revenue that a priority is computed with: unknown is not zero.

An account whose revenue is unknown must neither disappear from the queue nor lead it. So it is ordered by an estimate:
the number of the policy, else the median of the known revenues of its segment tonight, else the median of all accounts.
"""

from dataclasses import dataclass

import numpy as np

from serving.policy.definition.policy_schema import PriorityRule
from serving.policy.detection.account_table import AccountTable, Numbers

WITHOUT_ANY = 10_000.0
"""The estimate where no account has a known revenue."""


@dataclass(frozen=True)
class Revenue:
    """Recurring revenue per year: ``known`` is NaN where it is unknown, ``estimated`` never is; float64[n] each."""

    known: Numbers
    estimated: Numbers

    @classmethod
    def of(cls, accounts: AccountTable, rule: PriorityRule) -> "Revenue":
        """Read the revenue of all accounts, and estimate it where it is unknown."""
        known = accounts.numbers("arr")
        unknown = np.isnan(known)
        estimated = known.copy()
        if rule.unknown_revenue is not None:
            estimated[unknown] = rule.unknown_revenue
        elif unknown.any():
            estimated[unknown] = _segment_medians(known, np.array(accounts.texts("segment"), dtype=object))[unknown]
        return cls(known, estimated)


def _segment_medians(known: Numbers, segments: np.ndarray[tuple[int], np.dtype[np.object_]]) -> Numbers:
    """The median of the positive known revenues of each account's segment: float64[n]."""
    positive = known > 0
    overall = float(np.median(known[positive])) if positive.any() else WITHOUT_ANY
    medians = np.full(len(known), overall)
    for segment in {str(name) for name in segments if name is not None}:
        member = segments == segment
        values = known[member & positive]
        if len(values):
            medians[member] = np.median(values)
    return medians
