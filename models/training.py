"""Fit one risk: from a frame and its labels to a model that is worth what its evaluation says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from models.estimator import RiskModel
from models.evaluation import Evaluation


@dataclass(frozen=True)
class Trained:
    """A model with the evidence for it; the card is drawn from this and nothing else.

    Attributes:
        model: fitted on all matured rows, calibrated on the test cutoffs of all origins.
        evaluation: what its learner was worth on later cutoffs.
        kind: ``lightgbm``, ``logistic`` or ``rule``; ``because`` says why this one.
        through: the newest cutoff whose label was used; ``first`` the oldest.
        rows, accounts, events: of the final fit; ``treated`` are rows left out because the team acted on them.
        dropped: columns that carried nothing (constant or absent), which the model does without.
        parameters: what the final fit was made with.
        scored: the out-of-sample test rows: account_id, as_of, origin, event, weight, arr, segment, probability,
            rank_score, logistic, and a column ``rule_<name>`` each; plots and the gate read them.
        trials: one mapping a tuning trial (number, parameters, log-loss); empty without tuning.
    """

    model: RiskModel
    evaluation: Evaluation
    kind: str
    because: str
    first: date
    through: date
    rows: int
    accounts: int
    events: int
    treated: int
    dropped: tuple[str, ...]
    parameters: Mapping[str, Any]
    scored: pa.Table
    trials: tuple[Mapping[str, Any], ...] = ()
