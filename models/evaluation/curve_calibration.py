"""Is the curve over time right? Its mean risk by each day, beside the share of accounts whose event came by then.

A curve that is fitted on everything cannot be evaluated on the same rows. So another one is fitted on what was known
before a day in the middle of the test periods, passes through the probabilities that the walk-forward gave, and is
compared with what happened after that day. The comparison is conditional on nothing having happened inside the lead,
because the tested rows are.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from models.data.arrays import Bools, Floats, Ints
from models.evaluation.bootstrap import interval
from models.evaluation.evaluation_rows import EvaluationRows
from models.evaluation.statistics.probability_metrics import observed_rate_draws
from models.learners.hazard_curve import DAYS, Anchor, HazardRows, fit_hazard, next_event_days

if TYPE_CHECKING:
    from models.evaluation.walk_forward import WalkForward
    from models.learners.training_set import TrainingSet

LEAST_EVENTS = 5
"""Accounts with an event by a day, below which its calibration is not given."""


@dataclass(frozen=True)
class CalibrationByDay:
    """By one day after the cutoff: the mean predicted risk, and the observed share with a 95% interval by accounts."""

    day: int
    predicted: float
    observed: float
    low: float
    high: float
    accounts: int
    events: int

    def to_json(self) -> dict[str, Any]:
        """Plain data, for the evaluation's file."""
        return asdict(self)


def calibrate_curve(
    training: "TrainingSet", labels: pa.Table, rows: HazardRows, walk: "WalkForward", kind: str
) -> tuple[CalibrationByDay, ...]:
    """The curve's calibration by each of `DAYS`; days that the data are too short for are left out."""
    split = _split([fold.start for fold in training.plan.folds])
    earlier = rows.known_by(split)
    if not _can_be_fitted(earlier):
        return ()
    label, tested = training.risk.label, training.examples.labelled.take(walk.places)
    later = np.flatnonzero(tested.day >= split)
    places, tested = walk.places[later], tested.take(later)
    anchor = Anchor(label.lead, label.horizon, walk.probabilities[kind][later])
    days = [day for day in DAYS if day > label.lead]
    known = training.fit_rows(np.flatnonzero(training.examples.labelled.day < split))
    hazard = fit_hazard(earlier.recoded(known.recoding), known.learner)
    curve = hazard.curve(known.encode(places), anchor, days, after=label.lead)
    until = next_event_days(training.frame, labels, tested) - tested.day
    watched = int(training.examples.labelled.day.max()) + label.lead + label.horizon - tested.day
    weight = training.examples.weight[places]
    found = (
        _by_day(day, curve[:, place], until < day, watched >= day, weight, tested.unit)
        for place, day in enumerate(days)
    )
    return tuple(item for item in found if item is not None)


def _split(starts: Sequence[int]) -> int:
    """The first test period's end at the earliest, so that something is known, and early enough for long horizons."""
    return starts[len(starts) // 3]


def _can_be_fitted(rows: HazardRows) -> bool:
    by = rows.event_day < rows.watched
    return bool(by.any()) and not bool(by.all())


def _by_day(
    day: int, predicted: Floats, happened: Bools, watched: Bools, weight: Floats, unit: Ints
) -> CalibrationByDay | None:
    """One day's figures over the rows that were watched until it, None where too few events are among them."""
    events = len(np.unique(unit[watched & happened]))
    if events < LEAST_EVENTS:
        return None
    rows = EvaluationRows(
        event=happened[watched],
        weight=weight[watched],
        day=np.zeros(int(watched.sum()), dtype=np.int64),
        unit=unit[watched],
        event_number=np.full(int(watched.sum()), -1, dtype=np.int64),
        revenue=np.full(int(watched.sum()), np.nan),
    )
    observed = interval(observed_rate_draws(rows))
    mean = float(np.average(predicted[watched], weights=rows.weight))
    return CalibrationByDay(day, mean, observed.value, observed.low, observed.high, rows.units, events)
