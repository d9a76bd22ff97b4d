"""The gate's power: how likely it is to decide rightly with as many events as there are.

A gate that refuses says little where it would refuse nearly everything. So every comparison reports how often a model
that ought to be promoted would be, and how often one that ought to be refused would be, given the spread of the
difference in AUC within a night on these rows. Both follow from the normal distribution of that difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.data.arrays import Floats

LOW_POWER = 0.5
"""Below it the gate more often than not refuses a model that ought to be promoted."""
WANTED_POWER = 0.9
_CERTAIN = 1 - 1e-9


@dataclass(frozen=True)
class Power:
    """How likely right decisions are.

    Attributes:
        good, bad: differences in AUC of a model that ought to be promoted, and of one that ought to be refused.
        promote_good, refuse_bad: the probabilities of these decisions, by the figure AUC alone.
        accounts_with_event: the accounts with an event on which they rest.
        needed: the number of such accounts at which ``promote_good`` is 90%; None where no number is enough.
    """

    good: float
    bad: float
    promote_good: float
    refuse_bad: float
    accounts_with_event: int
    needed: int | None

    @property
    def low(self) -> bool:
        """Whether a refusal says more about the number of events than about the model."""
        return self.promote_good < LOW_POWER

    @property
    def alike(self) -> bool:
        """Whether the two models order the rows alike, so that the difference has no spread."""
        return self.promote_good > _CERTAIN and self.needed == 1

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {**vars(self), "low": self.low}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Power":
        """What :meth:`to_json` wrote."""
        return cls(**{name: value for name, value in data.items() if name != "low"})


def power_of(difference: Floats, *, good: float, bad: float, threshold: float, alpha: float, accounts: int) -> Power:
    """The power of the rule "the lower bound of the difference, missed with probability alpha, is above threshold".

    Args:
        difference: challenger minus champion on the sample (first) and on every draw of accounts.
        good: the difference of a model that ought to be promoted.
        bad: that of one that ought to be refused.
        threshold: of the rule.
        alpha: of the rule.
        accounts: accounts with an event among the rows.
    """
    from scipy.stats import norm

    spread = max(float(np.nanstd(difference[1:])), 1e-9)
    quantile = float(norm.ppf(1 - alpha))
    promote_good = float(norm.cdf((good - threshold) / spread - quantile))
    refuse_bad = float(norm.cdf(quantile - (bad - threshold) / spread))
    wanted = (good - threshold) / (quantile + float(norm.ppf(WANTED_POWER)))
    needed = int(np.ceil(accounts * (spread / wanted) ** 2)) if wanted > 0 else None
    return Power(good, bad, promote_good, refuse_bad, accounts, needed)
