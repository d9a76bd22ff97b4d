"""Features of some accounts: measures evaluated on a cube, and null where their source has no current data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from features.arrow import nullable_array, number_array
from features.definitions.feature import Feature
from features.definitions.measures import (
    Aggregate,
    Ago,
    Arithmetic,
    FeedAge,
    FeedAlive,
    Function,
    Measure,
    Number,
    Siblings,
    Succession,
    relations,
)
from features.engine.engine_protocol import Aggregates
from features.engine.feeds import FeedStates
from features.engine.function_values import FunctionError, function_values
from features.engine.windows import COMPUTE_THREADS, Flags, Floats, Ints
from features.errors import UsageError

FeatureValues: TypeAlias = Floats | pa.Array
"""Of a feature: numbers, or texts."""

DECIMALS = 9
"""Decimals of a number: parallel sums add in any order, and two runs of a night must be equal."""

WHOLE = frozenset({"count", "distinct", "newest", "oldest", "ahead"})
"""Aggregates that are whole numbers, and need no rounding."""


@dataclass
class Evaluation:
    """Measures on one cube, each computed once for any number of features."""

    cube: Aggregates
    feeds: FeedStates

    def __post_init__(self) -> None:
        self._known: dict[Measure, Floats] = {}
        self._stopped_by_sources: dict[frozenset[str], Flags] = {}
        self._earlier: dict[int, Evaluation] = {}

    def selected(self, feature: Feature, places: Callable[[], Ints]) -> FeatureValues:
        """The feature's values at some positions, counted over all accounts of the first cutoff, then of the next.

        Texts are null where nothing is known, and numbers are NaN. ``places`` is called after the values are computed.
        """
        if feature.kind == "category" and isinstance(feature.measure, Aggregate):
            texts: pa.Array = self.cube.text(feature.measure).take(number_array(places()))
            return texts
        try:
            values = self.value(feature.measure)
        except FunctionError as error:
            raise FunctionError(f"{feature.place}: its function {error}") from error
        stopped = self._stopped(feature)
        if stopped.any():
            values = np.where(stopped[:, None], np.nan, values)
        rows = places()
        selected = values.ravel() if len(rows) == values.size else values.ravel()[rows]
        whole = isinstance(feature.measure, Aggregate) and feature.measure.how in WHOLE
        return selected if whole else np.round(selected, DECIMALS)

    def _stopped(self, feature: Feature) -> Flags:
        """The cutoffs at which a source of the feature was stopped; none for features that describe a feed itself."""
        about_feed = isinstance(feature.measure, FeedAge | FeedAlive)
        sources = frozenset() if about_feed else frozenset(feature.sources)
        if sources not in self._stopped_by_sources:
            self._stopped_by_sources[sources] = self.feeds.stopped(sources, self.cube.cutoffs.days)
        return self._stopped_by_sources[sources]

    def value(self, measure: Measure) -> Floats:
        """The measure by cutoff and account; NaN where it is not known."""
        if measure not in self._known:
            self._known[measure] = self._compute(measure)
        return self._known[measure]

    def _compute(self, measure: Measure) -> Floats:
        days, shape = self.cube.cutoffs.days, self.cube.shape
        match measure:
            case Aggregate():
                values = self.cube.aggregate(measure)
            case Number(value):
                values = np.full(shape, value)
            case Arithmetic(sign, left, right):
                values = _combine(sign, self.value(left), self.value(right))
            case Function(function, inputs):
                values = function_values(function, [self.value(part) for part in inputs], shape)
            case Ago(inner, past):
                earlier = self._earlier.get(past) or Evaluation(self.cube.at(days - past), self.feeds)
                values = self._earlier.setdefault(past, earlier).value(inner)
            case FeedAlive(table):
                values = np.broadcast_to(self.feeds.is_delivering(table, days).astype(np.float64)[:, None], shape)
            case FeedAge(table):
                values = np.broadcast_to(self.feeds.age(table, days)[:, None], shape)
            case Siblings():
                values = self.feeds.siblings(days, self.cube.scope.codes)
            case Succession(name):
                values = self.feeds.succession(name, days, self.cube.scope.codes)
            case _:
                raise UsageError(f"No engine can compute {type(measure).__name__}.")
        return values


def evaluate_features(
    evaluation: Evaluation, features: Sequence[Feature], places: Callable[[], Ints]
) -> dict[str, pa.Array]:
    """A column for each feature, at some positions (ascending) of all accounts and cutoffs."""
    columns: dict[str, pa.Array] = {}

    def keep(name: str, values: FeatureValues) -> None:
        columns[name] = nullable_array(values) if isinstance(values, np.ndarray) else values

    write_features(evaluation, features, places, keep)
    return {feature.name: columns[feature.name] for feature in features}


def write_features(
    evaluation: Evaluation,
    features: Sequence[Feature],
    places: Callable[[], Ints],
    write: Callable[[str, FeatureValues], None],
) -> None:
    """The values of each feature, at some positions (ascending) of all accounts and cutoffs, to a function.

    Features of one relation are read and computed in one thread, beside those of another, so that nothing is computed
    twice; features of several relations come last, and use what has been read.
    """
    by_relations: dict[frozenset[str], list[Feature]] = {}
    for feature in features:
        by_relations.setdefault(relations([feature.measure]), []).append(feature)

    def evaluate(group: Sequence[Feature]) -> None:
        for feature in group:
            write(feature.name, evaluation.selected(feature, places))

    separate = [group for used, group in by_relations.items() if len(used) < 2]
    with ThreadPoolExecutor(COMPUTE_THREADS) as pool:
        for _ in pool.map(evaluate, sorted(separate, key=len, reverse=True)):
            pass
    for used, several in by_relations.items():
        if len(used) > 1:
            evaluate(several)


def _combine(sign: str, left: Floats, right: Floats) -> Floats:
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "=":
            return np.where(left == right, 1.0, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        share: Floats = left / right
    np.put(share, np.flatnonzero(right == 0), np.nan)
    return share
