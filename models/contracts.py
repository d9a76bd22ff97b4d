"""What the models give to everything else: scores, reasons, the risk over time and counterfactuals.

This module is all that serving may know of learning, so it imports neither LightGBM nor MLflow.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

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


class RiskByDay(NamedTuple):
    """One point of a risk's curve over time: the probability that the event comes within ``day`` days of the cutoff."""

    day: int
    probability: float


@dataclass(frozen=True)
class Change:
    """What would have to change: a sentence, and the probability before and after."""

    sentence: str
    before: float
    after: float


class EvidenceKind(StrEnum):
    """What a customer's own words in a ticket show."""

    ASKS_TO_CANCEL = "asks_to_cancel"
    ASKS_TO_EXPORT = "asks_to_export"
    NAMES_COMPETITOR = "names_competitor"
    ASKS_FOR_MANAGER = "asks_for_manager"
    THREATENS = "threatens"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class TicketEvidence:
    """A customer's words in a ticket that show one of :class:`EvidenceKind`.

    ``quote`` is the part of the sentence around the phrase, at most 160 characters; ``language`` is ``en``, ``de``,
    ``fr`` or ``es``; ``written_on`` is the day on which the customer wrote it.
    """

    ticket_id: str
    written_on: date
    kind: EvidenceKind
    language: str
    quote: str
