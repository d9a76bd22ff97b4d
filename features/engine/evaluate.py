"""Features of one range of accounts: measures evaluated on a cube, and made null where their source says nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

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
    Measure,
    Number,
    Siblings,
    relations,
)
from features.engine.engines import Aggregates
from features.engine.feeds import Feeds
from features.engine.windows import COMPUTE_THREADS, Flags, Floats, Ints
from features.errors import UsageError

DECIMALS = 9
"""Numbers are kept to so many decimals: parallel sums add in any order, and the same night twice has to be the same."""

WHOLE = frozenset({"count", "distinct", "newest", "oldest", "ahead"})
"""Aggregates that are whole numbers, and need no rounding."""


@dataclass
class Evaluation:
    """Measures on one cube, each computed once however many features ask for it."""

    cube: Aggregates
    feeds: Feeds

    def __post_init__(self) -> None:
        self._known: dict[Measure, Floats] = {}
        self._silences: dict[frozenset[str], Flags] = {}

    def column(self, feature: Feature, places: Callable[[], Ints]) -> pa.Array:
        """The feature's values at some places, counted over all accounts of the first cutoff, then of the next.

        Null where nothing is known. The places are asked for when the values are there.
        """
        if feature.kind == "category" and isinstance(feature.measure, Aggregate):
            return self.cube.text(feature.measure).take(number_array(places()))
        values = self.value(feature.measure)
        silent = self._silent(feature)
        if silent.any():
            values = np.where(silent[:, None], np.nan, values)
        rows = places()
        told = values.ravel() if len(rows) == values.size else values.ravel()[rows]
        whole = isinstance(feature.measure, Aggregate) and feature.measure.how in WHOLE
        return nullable_array(told if whole else np.round(told, DECIMALS))

    def _silent(self, feature: Feature) -> Flags:
        """The cutoffs at which a source of the feature had nothing to say; what tells of a silence is not silenced."""
        told = isinstance(feature.measure, FeedAge | FeedAlive)
        sources = frozenset() if told else frozenset(feature.sources)
        if sources not in self._silences:
            self._silences[sources] = self.feeds.silent(sources, self.cube.cutoffs.days)
        return self._silences[sources]

    def value(self, measure: Measure) -> Floats:
        """The measure by cutoff and account; NaN where there is nothing to say."""
        if measure not in self._known:
            self._known[measure] = self._compute(measure)
        return self._known[measure]

    def _compute(self, measure: Measure) -> Floats:
        days, shape = self.cube.cutoffs.days, self.cube.shape
        match measure:
            case Aggregate():
                found = self.cube.aggregate(measure)
            case Number(value):
                found = np.full(shape, value)
            case Arithmetic(sign, left, right):
                found = _combined(sign, self.value(left), self.value(right))
            case Ago(inner, past):
                found = Evaluation(self.cube.at(days - past), self.feeds).value(inner)
            case FeedAlive(table):
                found = np.broadcast_to(self.feeds.alive(table, days).astype(np.float64)[:, None], shape)
            case FeedAge(table):
                found = np.broadcast_to(self.feeds.age(table, days)[:, None], shape)
            case Siblings():
                found = self.feeds.siblings(days)[:, self.cube.scope.codes]
            case _:
                raise UsageError(f"no engine knows how to measure {type(measure).__name__}.")
        return found


def evaluate_features(
    evaluation: Evaluation, features: Sequence[Feature], places: Callable[[], Ints]
) -> dict[str, pa.Array]:
    """A column for each feature, at some places (ascending) of all accounts and cutoffs, which may yet be to be found.

    What looks at one relation is read and computed in one thread, beside what looks at another, so that nothing is made
    twice; what looks at several comes last, and finds it made.
    """
    by_relations: dict[frozenset[str], list[Feature]] = {}
    for feature in features:
        by_relations.setdefault(relations([feature.measure]), []).append(feature)

    def made(group: Sequence[Feature]) -> dict[str, pa.Array]:
        return {feature.name: evaluation.column(feature, places) for feature in group}

    found: dict[str, pa.Array] = {}
    apart = [group for looked_at, group in by_relations.items() if len(looked_at) < 2]
    with ThreadPoolExecutor(COMPUTE_THREADS) as pool:
        for group in pool.map(made, sorted(apart, key=len, reverse=True)):
            found |= group
    for looked_at, several in by_relations.items():
        found |= made(several) if len(looked_at) > 1 else {}
    return {feature.name: found[feature.name] for feature in features}


def _combined(sign: str, left: Floats, right: Floats) -> Floats:
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    with np.errstate(divide="ignore", invalid="ignore"):
        share: Floats = left / right
    np.put(share, np.flatnonzero(right == 0), np.nan)
    return share
