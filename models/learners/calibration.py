"""From a ranking score to a probability: of 100 accounts with 60%, 60 have the event.

A calibrator is fitted on scores of rows that the model had not seen. How flexible it may be depends on how many
*accounts with an event* (not rows: an account gives one at every cutoff) these rows hold: a straight line in log-odds
(sigmoid), from 500 the three-parameter beta map, and isotonic steps only where events abound: with 500 events the steps
follow chance and make probabilities 5% too sharp (docs/decisions/0017). Few events also draw the slope towards 1, the
slope of a learner that shrinks by itself, and no signal makes it flat: everybody then gets the base rate. A probability
is never exactly 0 or 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.data.arrays import Bools, Floats

BETA_FROM, ISOTONIC_FROM = 500, 20_000
SLOPE_PRIOR = 200.0
"""Precision of the prior that the slope is 1, for learners that shrink by themselves: a spread of 0.07."""
WEAK_PRIOR = 5.0
"""The same for scores of which nothing is known: a spread of 0.45."""
SMOOTH_SHARE = 0.1  # of an isotonic map: keeps it strictly rising and away from 0 and 1
FLOOR = 1e-6


@dataclass(frozen=True)
class Calibrator:
    """A rising map from log-odds to probability.

    ``weights`` are those of the smooth part: slope and intercept (sigmoid), or the two slopes and the intercept (beta).
    ``steps`` are the knots of the isotonic part, empty for the other kinds. ``events`` is how many accounts of equal
    weight with an event it was fitted on. ``slope_error`` is how exactly so many can tell the slope: the standard error
    that is left whatever the calibrator (:func:`slope_error`), None where it is not known.
    """

    kind: str
    weights: tuple[float, ...]
    events: float
    steps: tuple[tuple[float, float], ...] = ()
    slope_error: float | None = None

    def apply(self, scores: Floats) -> Floats:
        """The probabilities of scores in log-odds, strictly between 0 and 1."""
        smooth = sigmoid(_basis(scores, len(self.weights)) @ np.asarray(self.weights))
        if self.steps:
            at, height = np.asarray(self.steps).T
            smooth = SMOOTH_SHARE * smooth + (1 - SMOOTH_SHARE) * np.interp(scores, at, height)
        return np.asarray(np.clip(smooth, FLOOR, 1 - FLOOR))

    def shifted(self, offset: float) -> "Calibrator":
        """The same, with all log-odds raised by ``offset``."""
        weights = (*self.weights[:-1], self.weights[-1] + offset)
        steps = tuple((at, float(sigmoid(log_odds(np.asarray(height)) + offset))) for at, height in self.steps)
        return Calibrator(self.kind, weights, self.events, steps, self.slope_error)

    def to_json(self) -> dict[str, Any]:
        """Plain data, for the model's own file."""
        return {
            "kind": self.kind,
            "weights": self.weights,
            "events": self.events,
            "steps": self.steps,
            "slope_error": self.slope_error,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Calibrator":
        """What :meth:`to_json` wrote."""
        steps = tuple((float(at), float(height)) for at, height in data["steps"])
        error = data.get("slope_error")  # models of earlier versions have none
        return cls(data["kind"], tuple(data["weights"]), float(data["events"]), steps, error)


def fit_calibrator(
    scores: Floats, happened: Bools, weights: Floats, events: float, prior: float = WEAK_PRIOR
) -> Calibrator:
    """Fit the calibrator that ``events`` accounts with an event can carry.

    Args:
        scores: log-odds of rows that the model had not seen.
        happened: whether the event came.
        weights: the weight of each row (1, or more for hold-out rows).
        events: accounts of equal weight with an event among the rows, which is the evidence there is.
        prior: precision of the prior that the slope is 1.
    """
    kind = "isotonic" if events >= ISOTONIC_FROM else "beta" if events >= BETA_FROM else "sigmoid"
    parameters = 3 if kind == "beta" else 2
    smooth = _fit_smooth(scores, happened, weights, events, np.r_[np.full(parameters - 1, prior), 0.0])
    steps = _fit_steps(scores, happened, weights) if kind == "isotonic" else ()
    error = slope_error(scores, happened, weights, events)
    return Calibrator(kind, tuple(float(value) for value in smooth), events, steps, error)


def slope_error(scores: Floats, happened: Bools, weights: Floats, events: float) -> float | None:
    """The standard error with which so many accounts with an event can tell the slope of scores that are right.

    The learner and its calibrator learn from the same events, so their published slope is off by about as much by
    chance alone, and no calibrator can know in which direction (docs/decisions/0017). None where it cannot
    be estimated.
    """
    probability = sigmoid(scores)
    sharp = weights * probability * (1 - probability)
    evidence = events / max(float((weights * happened).sum()), 1.0)
    centre = float((sharp * scores).sum() / max(float(sharp.sum()), 1e-300))
    information = evidence * float((sharp * (scores - centre) ** 2).sum())
    return 1 / float(np.sqrt(information)) if information > 0 else None


def identity() -> Calibrator:
    """The calibrator that changes nothing, where there are no unseen rows to fit a better one."""
    return Calibrator("sigmoid", (1.0, 0.0), 0.0)


def flat(rate: float) -> Calibrator:
    """The calibrator that gives everybody the base rate: where no signal was found."""
    return Calibrator("sigmoid", (0.0, float(log_odds(np.array([rate]))[0])), 0.0)


def sigmoid(scores: Floats) -> Floats:
    """Log-odds to probability."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * scores)))


def log_odds(probability: Floats) -> Floats:
    """Probability to log-odds; 0 and 1 are moved in by a hair."""
    inside = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _basis(scores: Floats, parameters: int) -> Floats:
    ones = np.ones_like(scores)
    if parameters == 2:
        return np.column_stack([scores, ones])
    return np.column_stack([-np.logaddexp(0.0, -scores), np.logaddexp(0.0, scores), ones])


def _fit_smooth(scores: Floats, happened: Bools, weights: Floats, events: float, precision: Floats) -> Floats:
    from scipy.optimize import minimize

    basis = _basis(scores, len(precision))
    evidence = weights * max(events, 1) / max(float((weights * happened).sum()), 1.0)
    centre = np.r_[np.ones(len(precision) - 1), 0.0]

    def loss(parameters: Floats) -> tuple[float, Floats]:
        margin = basis @ parameters
        value = float((evidence * (np.logaddexp(0.0, margin) - happened * margin)).sum())
        slope = basis.T @ (evidence * (sigmoid(margin) - happened))
        away = parameters - centre
        return value + 0.5 * float((precision * away**2).sum()), slope + precision * away

    bounds = [(0.0, None)] * (len(precision) - 1) + [(None, None)]
    return np.asarray(minimize(loss, centre, jac=True, method="L-BFGS-B", bounds=bounds).x)


def _fit_steps(scores: Floats, happened: Bools, weights: Floats) -> tuple[tuple[float, float], ...]:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(scores, happened, sample_weight=weights)
    return tuple(zip(fitted.X_thresholds_.tolist(), fitted.y_thresholds_.tolist(), strict=True))
