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

from models.data.arrays import Floats
from models.learners.calibration import log_odds, sigmoid

Bound = tuple[float | None, float | None]

ROUNDS = 6  # of fitting again
SMALL = 0.03  # the share of the usual variance that a term is believed to have, as strongly as its own weight speaks
BLOCK = 1_000  # rows whose weighted copy is made at once: it stays in the processor's cache
STEPS = 100  # of Newton's method, at the most
CLOSE = 1e-7  # a step that takes no larger share of the loss away is the last
FAR = 1e-2  # one that takes a larger share leads to where the curvature is another


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
            curvature = some.curvature(found)
            told = found[:-1] ** 2 + doubt(curvature, variance)
            variance = np.where(judged, (told + SMALL * usual) / 2, usual)
            found = some.likeliest(variance, found, curvature)
        return self.likeliest(variance, found)

    def at(self, rows: NDArray[np.int64]) -> "Regression":
        """Some rows, counting as much evidence as all."""
        part = self.evidence[rows]
        evidence = part * (self.evidence.sum() / max(part.sum(), 1e-300))
        return Regression(self.design[rows], self.happened[rows], evidence, self.bounds)

    def likeliest(self, variance: Floats, start: Floats | None = None, curvature: Floats | None = None) -> Floats:
        """The weights within their bounds that evidence and prior make likeliest, and the intercept.

        By Newton's method, each step projected onto the bounds (Bertsekas 1982): there is one answer, and a few steps
        reach it. ``curvature`` is that of the evidence at the start, where it is known.
        """
        pulls = np.append(1 / variance, 0.0)
        weights = self._average() if start is None else start
        loss, uphill = self._loss(weights, pulls)
        for _ in range(STEPS):
            curvature = self.curvature(weights) if curvature is None else curvature
            step = self._downhill(weights, uphill, curvature + np.diag(pulls))
            to, further, slopes = self._stepped(weights, loss, uphill, step, pulls)
            gained = loss - further
            if gained > 0:
                weights, loss, uphill = to, further, slopes
            if not gained > CLOSE * loss:
                break
            if gained > FAR * loss:
                curvature = None
        return weights

    def _stepped(
        self, weights: Floats, loss: float, uphill: Floats, step: Floats, pulls: Floats
    ) -> tuple[Floats, float, Floats]:
        """Where a step leads within the bounds, and what is lost there: a shorter one where it gains too little."""
        while True:
            to = np.clip(weights + step, *self._limits)
            further, slopes = self._loss(to, pulls)
            promised = uphill @ (to - weights)
            if further <= loss + 1e-4 * promised or not -promised > CLOSE * loss:
                return to, further, slopes
            step = step / 2  # it went beyond where the curvature tells anything

    def curvature(self, weights: Floats) -> Floats:
        """The second derivatives of the loss without its prior, the intercept's last."""
        certain = sigmoid(self.margin(weights))
        pull = (self.evidence * certain * (1 - certain)).astype(np.float32)
        found = np.zeros((len(weights), len(weights)))
        for first in range(0, len(self.design), BLOCK):
            rows = self.design[first : first + BLOCK]
            pulled = rows * pull[first : first + BLOCK, None]
            found[:-1, :-1] += pulled.T @ rows
            found[-1, :-1] += pulled.sum(axis=0, dtype=np.float64)
        found[:-1, -1] = found[-1, :-1]
        found[-1, -1] = pull.sum(dtype=np.float64)
        return found

    def margin(self, weights: Floats) -> Floats:
        """The log-odds of each row."""
        return np.asarray((self.design @ weights[:-1].astype(np.float32)).astype(np.float64) + weights[-1])

    def _average(self) -> Floats:
        """No weights, and the log-odds of an average row."""
        share = float(np.average(self.happened, weights=self.evidence))
        return np.append(np.zeros(self.design.shape[1]), log_odds(np.array([share])))

    def _loss(self, weights: Floats, pulls: Floats) -> tuple[float, Floats]:
        """How unlikely the weights are, and which way it gets worse."""
        margin = self.margin(weights)
        missed = self.evidence * (sigmoid(margin) - self.happened)
        loss = self.evidence @ (np.logaddexp(0.0, margin) - self.happened * margin) + pulls @ weights**2 / 2
        return float(loss), np.append(missed.astype(np.float32) @ self.design, missed.sum()) + pulls * weights

    def _downhill(self, weights: Floats, uphill: Floats, curvature: Floats) -> Floats:
        """Newton's step of the weights that no bound holds back."""
        low, high = self._limits
        free = np.flatnonzero(~(((weights <= low) & (uphill > 0)) | ((weights >= high) & (uphill < 0))))
        step = np.zeros(len(weights))
        step[free] = -np.linalg.solve(curvature[np.ix_(free, free)], uphill[free])
        return step

    @property
    def _limits(self) -> tuple[Floats, Floats]:
        """The least and the largest value of each weight and of the intercept."""
        bounds = [*self.bounds, (None, None)]
        low = np.array([-np.inf if least is None else least for least, _ in bounds])
        return low, np.array([np.inf if most is None else most for _, most in bounds])


def doubt(curvature: Floats, variance: Floats) -> Floats:
    """The variance that the evidence leaves each weight: the diagonal of the inverse of the loss's curvature."""
    return np.asarray(np.diag(np.linalg.inv(curvature[:-1, :-1] + np.diag(1 / variance))))
