"""Features of one range of accounts: measures evaluated on a cube, and made null where their source says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from features.cube import Cube
from features.errors import UsageError
from features.feature import Feature
from features.feeds import Feeds
from features.measures import Aggregate, Ago, Arithmetic, FeedAge, Measure, Number, Otherwise, Siblings
from features.windows import Floats


@dataclass
class Evaluation:
    """Measures on one cube, each computed once however many features ask for it."""

    cube: Cube
    feeds: Feeds

    def __post_init__(self) -> None:
        self._known: dict[Measure, Floats] = {}

    def column(self, feature: Feature) -> pa.Array:
        """The feature's values: all accounts of the first cutoff, then of the next; null where nothing is known."""
        silent = self.feeds.silent(feature, self.cube.cutoffs.days)
        if feature.kind == "category":
            assert isinstance(feature.measure, Aggregate)
            return self.cube.text(feature.measure)
        values = np.where(silent[:, None], np.nan, self.value(feature.measure)).ravel()
        return pa.array(values, mask=~np.isfinite(values), type=pa.float64())

    def value(self, measure: Measure) -> Floats:
        """The measure by cutoff and account; NaN where there is nothing to say."""
        if measure not in self._known:
            self._known[measure] = self._compute(measure)
        return self._known[measure]

    def _compute(self, measure: Measure) -> Floats:
        match measure:
            case Aggregate():
                return self.cube.aggregate(measure)
            case Number(value):
                return np.full(self.cube.shape, value)
            case Arithmetic(sign, left, right):
                return _combined(sign, self.value(left), self.value(right))
            case Otherwise(first, second):
                return np.where(np.isnan(self.value(first)), self.value(second), self.value(first))
            case Ago(inner, days):
                return Evaluation(self.cube.at(self.cube.cutoffs.days - days), self.feeds).value(inner)
            case FeedAge(table):
                return np.broadcast_to(self.feeds.age(table, self.cube.cutoffs.days)[:, None], self.cube.shape)
            case Siblings():
                return self.feeds.siblings(self.cube.cutoffs.days)[:, self.cube.scope.codes]
        raise UsageError(f"no engine knows how to measure {type(measure).__name__}.")


def columns(evaluation: Evaluation, features: Sequence[Feature]) -> dict[str, pa.Array]:
    """A column for each feature."""
    return {feature.name: evaluation.column(feature) for feature in features}


def _combined(sign: str, left: Floats, right: Floats) -> Floats:
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(right == 0, np.nan, left / right)
