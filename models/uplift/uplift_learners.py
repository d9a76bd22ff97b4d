"""Two baselines for the effect of a rescue on one account, learned from units that chance assigned.

The effect of one unit is never seen: it was worked or it was held out. Two classical ways around this:

- *transformed outcome*: each unit's contribution to the effect (`models.evaluation.treatment_effect`) is a number whose
  expectation is the unit's effect, so it can be regressed on the unit's columns (Athey & Imbens 2016);
- *two models*: what happened beyond the prediction is regressed among the held-out and among the worked units, and the
  difference of the two is the effect.

A contribution is mostly noise: with 20% held out, its standard deviation is about one, and an effect is a tenth of
that. So both are sparse linear regressions (lasso) on columns of one scale. The penalty, and which of the two it is,
are chosen by cross-validation inside the training units. The largest penalty leaves only the mean, so that *the effect
is the same for everybody* is always among the choices.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from models.data.arrays import Floats, Ints
from models.data.signature import Places, Signature
from models.evaluation.treatment_effect import AssignedUnits, contributions
from models.learners.linear.logistic_regression import MISSING, LinearScorer, Term, scaled_design

TRANSFORMED, TWO_MODELS = "transformed_outcome", "two_models"
PENALTIES = np.geomspace(1.0, 0.05, 20)
"""Penalties as shares of the smallest one that leaves only the mean."""
INNER_FOLDS = 5
BLOCKS, FIRST_EVALUATED = 8, 2
"""Parts of the units in their order, and the first part that is evaluated: those before it only teach."""


@dataclass(frozen=True)
class UpliftLearner:
    """The effect of a rescue as a linear function of an account's columns.

    ``kind`` is the baseline that was chosen. The effect is the amount by which a rescue lowers the probability of the
    event: 0.1 for ten points.
    """

    kind: str
    signature: Signature
    scorer: LinearScorer

    @property
    def constant(self) -> bool:
        """Whether the effect is the same for everybody, as far as the units show."""
        return not any(term.weight for term in self.scorer.terms)

    def effect(self, frame: pa.Table) -> Floats:
        """The effect on each row of a frame."""
        return self.scorer.margin(self.signature.matrix(frame))

    def columns(self) -> dict[str, float]:
        """The columns that the effect depends on, the strongest first: its change by one standard deviation."""
        weights: dict[str, float] = {}
        for term in self.scorer.terms:
            if term.weight:
                name = _name_of(term, self.signature)
                weights[name] = weights.get(name, 0.0) + term.weight
        return dict(sorted(weights.items(), key=lambda item: -abs(item[1])))

    def to_json(self) -> dict[str, Any]:
        """Plain data, for the model's own file; terms without weight are left out."""
        terms = [vars(term) for term in self.scorer.terms if term.weight]
        return {
            "kind": self.kind,
            "signature": self.signature.to_json(),
            "intercept": self.scorer.intercept,
            "terms": terms,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "UpliftLearner":
        """What :meth:`to_json` wrote."""
        signature = Signature.from_json(data["signature"])
        terms = tuple(Term(**term) for term in data["terms"])
        return cls(data["kind"], signature, LinearScorer(terms, float(data["intercept"]), len(signature.columns)))


def learn_uplift(frame: pa.Table, units: AssignedUnits, rows: Places, seed: int = 7) -> UpliftLearner:
    """Learn from the units of these rows; the frame has one row a unit, and further columns only.

    The signature, scales, penalty and the baseline are chosen by these rows alone.
    """
    signature = Signature.learn(frame, frame.column_names, rows)
    terms, design = scaled_design(signature.matrix(frame, rows), signature)
    columns, own = design.astype(np.float64), units.take(rows)
    kind, penalty = _choose(columns, own, seed)
    weights, intercepts = _path(kind, columns, own, PENALTIES[: penalty + 1])
    weighted = tuple(replace(term, weight=float(w)) for term, w in zip(terms, weights[:, -1], strict=True))
    return UpliftLearner(kind, signature, LinearScorer(weighted, float(intercepts[-1]), len(signature.columns)))


def forward_effects(frame: pa.Table, units: AssignedUnits, seed: int = 7) -> tuple[Floats, Ints]:
    """The effect on each unit, by a learner of the units before it, and the number of the learner; -1 for the first.

    Units are in the order of their nights. A learner of *all* other units would know outcomes that came later, and
    the errors of its folds would depend on each other, so that intervals are too narrow (in simulations a model without
    merit was shown to be better in 7% instead of 2.5%). Given the units before it, the contribution of a unit is
    unbiased whatever the learner made of them.
    """
    block = np.arange(len(units)) * BLOCKS // len(units)
    effect, learner = np.zeros(len(units)), np.full(len(units), -1, dtype=np.int64)
    for number in range(FIRST_EVALUATED, BLOCKS):
        own = np.flatnonzero(block == number)
        learned = learn_uplift(frame, units, np.flatnonzero(block < number), seed)
        effect[own], learner[own] = learned.effect(frame.take(pa.array(own))), number
    return effect, learner


def deal_folds(units: AssignedUnits, folds: int, seed: int = 7) -> Ints:
    """Each unit's fold, drawn so that every fold has its share of the held-out units and of the events."""
    drawn = np.random.default_rng(seed).permutation(len(units))
    order = drawn[np.lexsort((units.outcome[drawn] > 0, units.control[drawn]))]
    fold = np.empty(len(units), dtype=np.int64)
    fold[order] = np.arange(len(units)) % folds
    return fold


def _name_of(term: Term, signature: Signature) -> str:
    column = signature.columns[term.place]
    if term.level >= 0:
        return f"{column.name} = {column.levels[term.level]}"
    return f"{column.name} missing" if term.level == MISSING else column.name


def _choose(columns: Floats, units: AssignedUnits, seed: int) -> tuple[str, int]:
    """The baseline and the place of its penalty with the smallest squared error on units that it did not see."""
    target, weight = contributions(units), units.share * (1 - units.share)
    fold = deal_folds(units, INNER_FOLDS, seed)
    loss = {kind: np.zeros(len(PENALTIES)) for kind in (TRANSFORMED, TWO_MODELS)}
    for number in range(INNER_FOLDS):
        learned, left = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        for kind, total in loss.items():
            weights, intercepts = _path(kind, columns[learned], units.take(learned), PENALTIES)
            missed = target[left, None] - (columns[left] @ weights + intercepts)
            total += weight[left] @ missed**2
    kind = min(loss, key=lambda name: float(loss[name].min()))
    return kind, int(loss[kind].argmin())


def _path(kind: str, columns: Floats, units: AssignedUnits, penalties: Floats) -> tuple[Floats, Floats]:
    """Weights (terms × penalties) and intercepts of the effect at each penalty."""
    if kind == TRANSFORMED:
        return _lasso(columns, contributions(units), units.share * (1 - units.share), penalties)
    residual = units.outcome - units.predicted
    arms = [
        _lasso(columns[arm], residual[arm], 1 / np.where(units.control, units.share, 1 - units.share)[arm], penalties)
        for arm in (units.control, ~units.control)
    ]
    (without, at_without), (worked, at_worked) = arms
    return without - worked, at_without - at_worked


def _lasso(columns: Floats, target: Floats, weight: Floats, penalties: Floats) -> tuple[Floats, Floats]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import lasso_path

    weight = weight / weight.mean()
    centre, level = np.average(columns, axis=0, weights=weight), float(np.average(target, weights=weight))
    root = np.sqrt(weight)
    inside, left = (columns - centre) * root[:, None], (target - level) * root
    largest = float(np.abs(inside.T @ left).max(initial=0.0)) / len(target)
    if largest <= 0:
        return np.zeros((columns.shape[1], len(penalties))), np.full(len(penalties), level)
    with warnings.catch_warnings():  # where columns repeat each other, weights that are nearly right are right enough
        warnings.simplefilter("ignore", ConvergenceWarning)
        _, weights, _ = lasso_path(inside, left, alphas=largest * penalties * (1 + 1e-9), max_iter=500, tol=1e-3)
    return weights, level - centre @ weights
