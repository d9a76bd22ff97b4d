"""Automatic relevance determination: ridge regression of log-odds with a variance of its own for each term.

With one prior for all terms, two hundred that show nothing take from the ten that do: the sum of many small weights is
noise, and relevant weights are shrunk as much as irrelevant ones. So the prior variance of each weight is learned from
the same events: a term whose weight is large against its posterior variance gets a larger one, the others a smaller
one, and all are fitted again (MacKay 1992, Tipping 2001).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.data.arrays import Floats
from models.learners.calibration import log_odds, sigmoid

Bound = tuple[float | None, float | None]

ROUNDS = 6  # of fitting again
SMALL = 0.03  # share of the prior variance towards which a learned variance is drawn, counted as much as the weight
BLOCK = 1_000  # rows that are weighted at once, so that the copy fits the processor's cache
STEPS = 100  # of Newton's method, at the most
CLOSE = 1e-7  # the last step reduces the loss by no larger share
FAR = 1e-2  # after a step that reduces it by a larger share the curvature is computed again


@dataclass(frozen=True)
class Regression:
    """Rows × terms on one scale, the outcome, each row's weight as evidence, and each coefficient's bounds."""

    design: NDArray[np.float32]
    happened: NDArray[np.bool_]
    evidence: Floats
    bounds: Sequence[Bound]

    def fit(self, prior: Floats, learned: NDArray[np.bool_], some: "Regression | None" = None) -> Floats:
        """The weights, and the intercept last.

        Args:
            prior: each weight's variance before any evidence.
            learned: the terms whose variance is learned; the others keep the prior one.
            some: the rows from which it is learned (default: all of them), see :meth:`at`.
        """
        some, variance = some or self, prior
        weights = some.most_probable(variance)
        for _ in range(ROUNDS):
            curvature = some.curvature(weights)
            moment = weights[:-1] ** 2 + posterior_variance(curvature, variance)
            variance = np.where(learned, (moment + SMALL * prior) / 2, prior)
            weights = some.most_probable(variance, weights, curvature)
        return self.most_probable(variance, weights)

    def at(self, rows: NDArray[np.int64], counts: Floats) -> "Regression":
        """Some rows that represent all, each for as many as ``counts`` says, counting as much evidence as all."""
        part = self.evidence[rows] * counts
        evidence = part * (self.evidence.sum() / max(part.sum(), 1e-300))
        return Regression(self.design[rows], self.happened[rows], evidence, self.bounds)

    def most_probable(self, variance: Floats, start: Floats | None = None, curvature: Floats | None = None) -> Floats:
        """The weights within their bounds that are most probable by evidence and prior, and the intercept.

        By Newton's method, each step projected onto the bounds (Bertsekas 1982): there is one optimum, and a few steps
        reach it. ``curvature`` is that of the evidence at the start, where it is known.
        """
        precisions = np.append(1 / variance, 0.0)
        weights = self._average() if start is None else start
        loss, gradient = self._loss(weights, precisions)
        for _ in range(STEPS):
            curvature = self.curvature(weights) if curvature is None else curvature
            step = self._newton_step(weights, gradient, curvature + np.diag(precisions))
            to, new_loss, new_gradient = self._take_step(weights, loss, gradient, step, precisions)
            gain = loss - new_loss
            if gain > 0:
                weights, loss, gradient = to, new_loss, new_gradient
            if not gain > CLOSE * loss:
                break
            if gain > FAR * loss:
                curvature = None
        return weights

    def _take_step(
        self, weights: Floats, loss: float, gradient: Floats, step: Floats, precisions: Floats
    ) -> tuple[Floats, float, Floats]:
        """The weights after a step within the bounds, loss and gradient; a shorter step where it gains too little."""
        while True:
            to = np.clip(weights + step, *self._limits)
            new_loss, new_gradient = self._loss(to, precisions)
            predicted = gradient @ (to - weights)
            if new_loss <= loss + 1e-4 * predicted or not -predicted > CLOSE * loss:
                return to, new_loss, new_gradient
            step = step / 2  # it left the region in which the curvature holds

    def curvature(self, weights: Floats) -> Floats:
        """The second derivatives of the loss without its prior, the intercept's last.

        Summed as 64-bit numbers: with the evidence of a million accounts, the rounding of 32-bit sums is larger than
        the precision of a prior, and the variance of columns that say the same came out negative.
        """
        probability = sigmoid(self.margin(weights))
        precision = self.evidence * probability * (1 - probability)
        hessian = np.zeros((len(weights), len(weights)))
        for first in range(0, len(self.design), BLOCK):
            rows = self.design[first : first + BLOCK].astype(np.float64)
            weighted = rows * precision[first : first + BLOCK, None]
            hessian[:-1, :-1] += weighted.T @ rows
            hessian[-1, :-1] += weighted.sum(axis=0)
        hessian[:-1, -1] = hessian[-1, :-1]
        hessian[-1, -1] = precision.sum()
        return hessian

    def margin(self, weights: Floats) -> Floats:
        """The log-odds of each row."""
        return np.asarray((self.design @ weights[:-1].astype(np.float32)).astype(np.float64) + weights[-1])

    def _average(self) -> Floats:
        """No weights, and the log-odds of an average row."""
        share = float(np.average(self.happened, weights=self.evidence))
        return np.append(np.zeros(self.design.shape[1]), log_odds(np.array([share])))

    def _loss(self, weights: Floats, precisions: Floats) -> tuple[float, Floats]:
        """The negative log of the posterior density, and its gradient."""
        margin = self.margin(weights)
        residual = self.evidence * (sigmoid(margin) - self.happened)
        loss = self.evidence @ (np.logaddexp(0.0, margin) - self.happened * margin) + precisions @ weights**2 / 2
        return float(loss), np.append(residual.astype(np.float32) @ self.design, residual.sum()) + precisions * weights

    def _newton_step(self, weights: Floats, gradient: Floats, curvature: Floats) -> Floats:
        """Newton's step of the weights that no bound holds."""
        low, high = self._limits
        free = np.flatnonzero(~(((weights <= low) & (gradient > 0)) | ((weights >= high) & (gradient < 0))))
        step = np.zeros(len(weights))
        step[free] = -np.linalg.solve(curvature[np.ix_(free, free)], gradient[free])
        return step

    @property
    def _limits(self) -> tuple[Floats, Floats]:
        """The least and the largest value of each weight and of the intercept."""
        bounds = [*self.bounds, (None, None)]
        low = np.array([-np.inf if least is None else least for least, _ in bounds])
        return low, np.array([np.inf if most is None else most for _, most in bounds])


def posterior_variance(curvature: Floats, variance: Floats) -> Floats:
    """The variance of each weight given the evidence: the diagonal of the inverse of the loss's curvature."""
    return np.asarray(np.diag(np.linalg.inv(curvature[:-1, :-1] + np.diag(1 / variance))))
