"""The arrays behind the plots, from the test rows of an evaluation; every figure comes from `models.evaluation`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.arrays import Floats, Ints
from models.evaluation.evaluate import BacktestResult
from models.evaluation.evaluation_rows import scored_rows
from models.evaluation.statistics.probability_metrics import CalibrationGroup, calibration_group
from models.evaluation.statistics.ranking_metrics import at_shares

BINS = 10


def column(result: BacktestResult, name: str) -> Floats:
    """A column of the test rows as numbers."""
    return np.asarray(result.scored[name].to_numpy(zero_copy_only=False), dtype=np.float64)


def capacity_share(result: BacktestResult) -> float:
    """The team's capacity as a share of the accounts of a cutoff, at most all of them."""
    cutoffs = len(result.scored["as_of"].unique())
    return float(min(1.0, result.evaluation.capacity * cutoffs / max(1, result.scored.num_rows)))


def flagged_curve(result: BacktestResult, scorer: str, shares: Floats) -> dict[str, Floats]:
    """Precision, recall and lift of a column's scores where each share of every night's accounts is flagged."""
    figures = at_shares(scored_rows(result.scored, draws=0), column(result, scorer), shares)
    return {name.removesuffix("_at_capacity"): values for name, values in figures.items()}


def calibration_curve(result: BacktestResult) -> list[CalibrationGroup]:
    """Expected and observed share of events of ten groups of equal size, by rising probability."""
    order = np.argsort(column(result, "probability"), kind="stable")
    return _calibrate_groups(result, [part for part in np.array_split(order, BINS) if part.size])


def calibration_of_segments(result: BacktestResult, segments: Sequence[str]) -> list[CalibrationGroup]:
    """Expected and observed share of events of each segment."""
    names = np.asarray(result.scored["segment"].to_pylist())
    return _calibrate_groups(result, [np.flatnonzero(names == segment) for segment in segments])


def calibration_of_cutoffs(result: BacktestResult) -> tuple[NDArray[Any], list[CalibrationGroup]]:
    """The cutoffs, and the expected and observed share of events of each."""
    days = result.scored["as_of"].to_numpy()
    cutoffs = np.unique(days)
    return cutoffs, _calibrate_groups(result, [np.flatnonzero(days == cutoff) for cutoff in cutoffs])


def _calibrate_groups(result: BacktestResult, groups: Sequence[Ints]) -> list[CalibrationGroup]:
    rows, probability = scored_rows(result.scored, draws=0), column(result, "probability")
    return [calibration_group(rows.take(places), probability[places]) for places in groups]
