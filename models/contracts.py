"""What the models give to everything else: scores, reasons, the risk over time and counterfactuals.

This module is all that serving may know of learning, so it imports neither LightGBM nor MLflow.
"""

from dataclasses import dataclass

import pyarrow as pa

SCORES = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("risk", pa.string(), nullable=False),  # its name in the settings
        pa.field("as_of", pa.date32(), nullable=False),
        pa.field("probability", pa.float64(), nullable=False),  # calibrated, never exactly 0 or 1
        pa.field("rank_score", pa.float64(), nullable=False),  # uncalibrated, finer: what the queue is ordered by
        pa.field("model_version", pa.string(), nullable=False),
        pa.field("quality", pa.list_(pa.string()), nullable=False),  # e.g. "usage_daily is 9 days old"; empty = good
    ]
)
"""One row per account and risk that was scored on a night."""


@dataclass(frozen=True)
class Reason:
    """Why a risk is what it is: one group of features, described by its dated fact.

    ``strength`` is the group's contribution in log-odds (positive raises the risk); ``feature`` is the feature that
    carries most of it; ``weak`` says that refits of the model do not confirm the reason.
    """

    group: str
    feature: str
    strength: float
    sentence: str
    weak: bool = False


@dataclass(frozen=True)
class RiskByDay:
    """One point of a risk's curve over time: the probability that the event comes within ``day`` days of the cutoff."""

    day: int
    probability: float


@dataclass(frozen=True)
class Change:
    """What would have to change: a sentence, and the probability before and after."""

    sentence: str
    before: float
    after: float
