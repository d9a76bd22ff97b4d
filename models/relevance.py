"""Ridge regression of log-odds in which the same events also tell how much each term may matter.

With one prior for all terms, two hundred that show nothing take from the ten that do: the sum of many small weights is
noise, and what matters is drawn to nought as hard as what does not. So the spread that a term's weight is given before
any evidence is learned from the evidence itself: a term whose weight came out well beyond its doubt gets more room, one
that did not gets less, and all are fitted again (automatic relevance determination: MacKay 1992, Tipping 2001).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.calibration import log_odds, sigmoid

Floats = NDArray[np.float64]
Bound = tuple[float | None, float | None]

ROUNDS = 6  # of fitting again
SMALL = 0.03  # the share of the usual variance that a term is believed to have, as strongly as its own weight speaks
BLOCK = 20_000  # rows whose weighted copy is in memory at once
SOLVER = {"ftol": 1e-7, "maxiter": 300}


@dataclass(frozen=True)
class Regression:
    """Rows × terms on one scale, what happened, what each row counts as evidence, and what bounds each weight."""

    design: NDArray[np.float32]
    happened: NDArray[np.bool_]
    evidence: Floats
    bounds: Sequence[Bound]

    def fit(self, usual: Floats, judged: NDArray[np.bool_], telling: NDArray[np.int64]) -> Floats:
        """The weights, and the intercept last.

        Args:
            usual: each weight's variance before any evidence.
            judged: the terms whose variance is learned; the others keep the usual one.
            telling: the rows from which it is learned, which stand for all.
        """
        some, variance = self.at(telling), usual
        found = some.likeliest(variance)
        for _ in range(ROUNDS):
            told = found[:-1] ** 2 + some.doubt(found, variance)
            variance = np.where(judged, (told + SMALL * usual) / 2, usual)
            found = some.likeliest(variance, found)
        return self.likeliest(variance, found)

    def at(self, rows: NDArray[np.int64]) -> "Regression":
        """Some rows, counting as much evidence as all."""
        part = self.evidence[rows]
        evidence = part * (self.evidence.sum() / max(part.sum(), 1e-300))
        return Regression(self.design[rows], self.happened[rows], evidence, self.bounds)

    def likeliest(self, variance: Floats, start: Floats | None = None) -> Floats:
        """The weights within their bounds that evidence and prior make likeliest, and the intercept."""
        from scipy.optimize import minimize

        pulls = 1 / variance
        if start is None:
            share = float(np.average(self.happened, weights=self.evidence))
            start = np.append(np.zeros(len(variance)), log_odds(np.array([share])))

        def loss(weights: Floats) -> tuple[float, Floats]:
            slopes = weights[:-1]
            margin = self.margin(weights)
            missed = self.evidence * (sigmoid(margin) - self.happened)
            value = self.evidence @ (np.logaddexp(0.0, margin) - self.happened * margin) + pulls @ slopes**2 / 2
            uphill = missed.astype(np.float32) @ self.design + pulls * slopes
            return float(value), np.append(uphill, missed.sum())

        bounds = [*self.bounds, (None, None)]
        return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=SOLVER).x)

    def doubt(self, weights: Floats, variance: Floats) -> Floats:
        """The variance that the evidence leaves each weight: the diagonal of the inverse of the loss's curvature."""
        curvature = np.diag(1 / variance)
        certain = sigmoid(self.margin(weights))
        pull = (self.evidence * certain * (1 - certain)).astype(np.float32)
        for first in range(0, len(self.design), BLOCK):
            rows = self.design[first : first + BLOCK]
            curvature += (rows * pull[first : first + BLOCK, None]).T @ rows
        return np.asarray(np.diag(np.linalg.inv(curvature)))

    def margin(self, weights: Floats) -> Floats:
        """The log-odds of each row."""
        return np.asarray((self.design @ weights[:-1].astype(np.float32)).astype(np.float64) + weights[-1])
