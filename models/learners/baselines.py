"""The baselines that a model has to beat: what a team would do with a spreadsheet.

Each baseline looks at one column of the frame. Where there are too few events to learn from, a baseline is also the
honest champion: :class:`BaselineScorer` turns its order into log-odds that a calibrator can scale.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.data.arrays import Floats, Matrix

RULE_FILE = "rule.json"
KNOTS = 101


@dataclass(frozen=True)
class Baseline:
    """Order accounts by one column, the riskiest first: ``sign`` +1 the largest value, -1 the smallest."""

    name: str
    title: str
    column: str
    sign: int

    def score(self, frame: pa.Table) -> Floats:
        """The larger, the earlier; accounts without a value come last."""
        values = frame.column(self.column).to_numpy().astype(np.float64) * self.sign
        last = np.nanmin(values, initial=0.0) - 1.0
        return np.asarray(np.where(np.isnan(values), last, values))


BASELINES = (
    Baseline("lowest_health", "lowest CRM health first", "health_score", -1),
    Baseline("next_renewal", "next renewal first", "contract_renews_in_days", -1),
    Baseline("most_tickets", "most tickets in 90 days first", "tickets_opened_90d", +1),
    Baseline("longest_unused", "longest without use first", "usage_recency_days", +1),
    Baseline("longest_unbilled", "longest without an invoice first", "invoices_recency_days", +1),
    Baseline("most_escalations", "most escalations in a year first", "escalations_365d", +1),
)
"""In the order in which they are trusted where there is no evidence to choose by."""

RANDOM = "random"


def scores(frame: pa.Table, seed: int) -> dict[str, Floats]:
    """Each baseline's scores of the frame's rows by name: the baselines whose column varies, and the random one."""
    scored = {rule.name: rule.score(frame) for rule in BASELINES if rule.column in frame.column_names}
    varying = {name: values for name, values in scored.items() if len(values) and values.min() < values.max()}
    return {RANDOM: np.random.default_rng(seed).random(frame.num_rows), **varying}


@dataclass(frozen=True)
class BaselineScorer:
    """A baseline as a scorer: the share of training rows that it would put later, as log-odds.

    ``place`` is its column's place in the signature; ``knots`` are the training values' quantiles in the baseline's
    order.
    """

    name: str
    place: int
    sign: int
    knots: tuple[float, ...]
    kind: str = "rule"

    @classmethod
    def learn(cls, rule: Baseline, place: int, values: NDArray[np.float32]) -> "BaselineScorer":
        """From the column's training values."""
        known = values[~np.isnan(values)].astype(np.float64) * rule.sign
        return cls(rule.name, place, rule.sign, tuple(np.quantile(known, np.linspace(0, 1, KNOTS)).tolist()))

    def margin(self, matrix: Matrix) -> Floats:
        """Log-odds of the row's place in the rule's order; a row without a value is put in the middle."""
        values = matrix[:, self.place].astype(np.float64) * self.sign
        before = np.searchsorted(self.knots, values, side="left") + np.searchsorted(self.knots, values, side="right")
        share = (before / 2 + 0.5) / (KNOTS + 1)
        return np.asarray(np.where(np.isnan(values), 0.0, np.log(share / (1 - share))))

    def contributions(self, matrix: Matrix) -> Floats:
        """All of it is the rule's column."""
        shares = np.zeros((len(matrix), matrix.shape[1] + 1))
        shares[:, self.place] = self.margin(matrix)
        return shares

    def column_sizes(self) -> Mapping[int, float]:
        """The rule's only column."""
        return {self.place: 1.0}

    def files(self) -> Mapping[str, str]:
        """One JSON file."""
        about = {"name": self.name, "place": self.place, "sign": self.sign, "knots": self.knots}
        return {RULE_FILE: json.dumps(about) + "\n"}

    @classmethod
    def read(cls, contents: Mapping[str, bytes]) -> "BaselineScorer":
        """From checked files."""
        about = json.loads(contents[RULE_FILE])
        return cls(about["name"], about["place"], about["sign"], tuple(about["knots"]))
