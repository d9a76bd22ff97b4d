"""Calibrate the model that is published: its own learner on accounts that it did not see, over all cutoffs.

The walk-forward's scores come from models of a part of the history. They are weaker than the final model, so a
calibrator of theirs makes the final model's probabilities too timid or too sharp, and with few events by a lot. Here
the learner is fitted again without a part of the *accounts*, as often as there are parts, on nearly as many events as
the final fit has. The log-odds of the accounts left out are those of the final model for accounts that it does not
know, and the calibrator is fitted on them (`models.learners.calibration`). Cutoffs are not left out, so a base rate
that has moved since is added from the same rows (`models.evaluation.base_rate_level`).
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.data.arrays import Bools, Floats, Ints
from models.data.examples import Labelled, thinned
from models.data.treatment import effective_size
from models.evaluation.base_rate_level import PERIOD_DAYS, count_periods, newest_level
from models.learners.calibration import SLOPE_PRIOR, WEAK_PRIOR, Calibrator, fit_calibrator, sigmoid
from models.learners.estimator import Estimator
from models.learners.parallel_fits import score_in_parallel
from models.learners.training_set import TrainingSet

PARTS = 4
FIT_ROWS = 100_000
SCORED_ROWS = 100_000
SHRINKING = frozenset({"blend", "logistic"})
"""Kinds whose log-odds have about the right spread by themselves: their prior is set against the events."""


@dataclass(frozen=True)
class CrossFit:
    """Rows with the log-odds that a fit without their account gave them."""

    labelled: Labelled
    weight: Floats
    margin: Floats

    @property
    def events(self) -> float:
        """How many accounts of equal weight with an event there are."""
        return effective_events(self.labelled, self.weight)


def effective_events(labelled: Labelled, weight: Floats) -> float:
    """How many accounts of equal weight with an event there are: the evidence about any probability."""
    happened = labelled.happened
    return effective_size(labelled.unit[happened], weight[happened])


def slope_prior(kind: str) -> float:
    """The precision of the prior that a kind's slope is 1."""
    return SLOPE_PRIOR if kind in SHRINKING else WEAK_PRIOR


def calibrate(data: TrainingSet, estimator: Estimator, crossed: CrossFit | None = None) -> Calibrator:
    """The calibrator of this estimator, fitted on all rows of the training set, or on those that are cross-fitted."""
    crossed = crossed or cross_fit(data, estimator)
    labelled, weight, events = crossed.labelled, crossed.weight, crossed.events
    fitted = fit_calibrator(crossed.margin, labelled.happened, weight, events, slope_prior(estimator.name))
    days = max(PERIOD_DAYS, data.risk.label.lead + data.risk.label.horizon)
    probability = fitted.apply(crossed.margin)
    level = newest_level(count_periods(labelled.day, labelled.happened, probability, weight, events, days))
    return fitted.shifted(_offset(fitted, crossed.margin, weight, level)) if level else fitted


def cross_fit(data: TrainingSet, estimator: Estimator) -> CrossFit:
    """Score every account by a fit without it; rows beyond `SCORED_ROWS` are thinned."""
    labelled = data.examples.labelled
    part = _parts(labelled.unit, labelled.happened, data.learner.seed)
    parts = []
    for number in range(PARTS):
        own = np.flatnonzero(part == number)
        parts.append((np.flatnonzero(part != number), own[thinned(labelled.take(own), SCORED_ROWS // PARTS)]))
    margins = score_in_parallel(data, estimator, parts, FIT_ROWS)
    scored = np.concatenate([own for _, own in parts])
    return CrossFit(labelled.take(scored), data.examples.weight[scored], np.concatenate(margins))


def with_cross_fit(scored: pa.Table, data: TrainingSet, places: Ints, crossed: CrossFit) -> pa.Table:
    """Test rows with a column ``cross_fitted``: the log-odds of a fit that knew all but the row's account, or null.

    ``places`` are the test rows' places in the examples. So the final fits of two trainings can be compared on rows
    that neither knew (`models.promotion.comparison`).
    """
    margin = np.full(data.frame.num_rows, np.nan)
    margin[crossed.labelled.rows] = crossed.margin
    own = margin[data.examples.labelled.rows[places]]
    return scored.append_column("cross_fitted", pa.array(own, from_pandas=True))


def _parts(unit: Ints, happened: Bools, seed: int) -> NDArray[np.int64]:
    """Each row's part, drawn by account or group; those with an event are dealt first, so every part has its share."""
    units = np.unique(unit)
    with_event = np.isin(units, unit[happened])
    drawn = np.random.default_rng(seed).permutation(len(units))
    order = drawn[np.argsort(~with_event[drawn], kind="stable")]
    part = np.empty(len(units), dtype=np.int64)
    part[order] = np.arange(len(units)) % PARTS
    return np.asarray(part[np.searchsorted(units, unit)])


def _offset(calibrator: Calibrator, margin: Floats, weight: Floats, level: float) -> float:
    """By how much log-odds are raised for the mean probability to change by the factor exp(level)."""
    from scipy.optimize import brentq

    smooth = calibrator.apply(margin)
    wanted = min(float(np.average(smooth, weights=weight)) * np.exp(level), 0.99)
    odds = np.log(smooth) - np.log1p(-smooth)
    return float(brentq(lambda by: np.average(sigmoid(odds + by), weights=weight) - wanted, -8.0, 8.0))
