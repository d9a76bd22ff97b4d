"""Trees and the logistic regression together: their log-odds averaged, each counted by what it was worth later.

Many columns show a little of one slow trouble: a straight line adds them up from few events, where trees have to cut.
A contract's calendar, a threshold, one thing that matters only with another: these the trees find and no line does. So
both are used. How much the trees count is decided on cutoffs that neither had seen.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.data.arrays import Floats, Matrix
from models.learners.calibration import sigmoid
from models.learners.linear.logistic_regression import LinearScorer
from models.learners.trees import TreeScorer

BLEND_FILE = "blend.json"
USUAL_SHARE = 0.25  # how much the trees count before any evidence
PRIOR = 20.0  # worth about twenty events' evidence of it


@dataclass(frozen=True)
class BlendScorer:
    """Trees and a line over the same columns; ``share`` is how much the trees count, from 0 to 1."""

    trees: TreeScorer
    line: LinearScorer
    share: float
    kind: str = "blend"

    def margin(self, matrix: Matrix) -> Floats:
        """The log-odds of each row."""
        return blended(self.trees.margin(matrix), self.line.margin(matrix), self.share)

    def contributions(self, matrix: Matrix) -> Floats:
        """Exact, as those of both are: rows × (columns + 1)."""
        return blended(self.trees.contributions(matrix), self.line.contributions(matrix), self.share)

    def column_sizes(self) -> Mapping[int, float]:
        """The columns' parts of either, added as the log-odds are."""
        grown, plain = (_parts(part.column_sizes()) for part in (self.trees, self.line))
        return {
            place: self.share * grown.get(place, 0.0) + (1 - self.share) * plain.get(place, 0.0)
            for place in grown | plain
        }

    def files(self) -> Mapping[str, str]:
        """Those of both, and the share."""
        return {**self.trees.files(), **self.line.files(), BLEND_FILE: json.dumps({"share": self.share}) + "\n"}

    @classmethod
    def read(cls, contents: Mapping[str, bytes]) -> "BlendScorer":
        """From checked files."""
        share = float(json.loads(contents[BLEND_FILE])["share"])
        return cls(TreeScorer.read(contents), LinearScorer.read(contents), share)


def _parts(sizes: Mapping[int, float]) -> dict[int, float]:
    """As shares of their sum, so that those of trees and of a line can be added."""
    total = max(sum(sizes.values()), 1e-300)
    return {place: size / total for place, size in sizes.items()}


def blended(trees: Floats, line: Floats, share: float) -> Floats:
    """The average in which the trees count by ``share``."""
    return share * trees + (1 - share) * line


def best_share(trees: Floats, line: Floats, happened: NDArray[np.bool_], weight: Floats, events: int) -> float:
    """How much the trees should count: the logistic regression of what happened on both log-odds, neither below 0.

    Args:
        trees: log-odds that the trees gave to rows that neither had seen.
        line: those that the logistic regression gave them.
        happened: whether the event came.
        weight: how many rows each row stands for.
        events: different events among the rows, which is the evidence there is.
    """
    from scipy.optimize import minimize

    evidence = weight * max(events, 1) / max(float((weight * happened).sum()), 1.0)
    start, pull = np.array([USUAL_SHARE, 1 - USUAL_SHARE, 0.0]), np.array([PRIOR, PRIOR, 0.0])
    bounds = [(0.0, None), (0.0, None), (None, None)]
    basis = np.column_stack([trees, line, np.ones(len(trees))])

    def loss(parameters: Floats) -> tuple[float, Floats]:
        margin = basis @ parameters
        away = parameters - start
        value = evidence @ (np.logaddexp(0.0, margin) - happened * margin) + pull @ away**2 / 2
        return float(value), (evidence * (sigmoid(margin) - happened)) @ basis + pull * away

    grown, plain, _ = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return float(grown / (grown + plain)) if grown + plain > 0 else USUAL_SHARE
