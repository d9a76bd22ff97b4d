"""Which groups of features a model's decisions rest on, whatever its kind."""

import numpy as np

from features.catalogue import group_of_column
from models.data.arrays import Floats
from models.learners.baselines import BaselineScorer
from models.learners.ensemble import BlendScorer
from models.learners.logistic_regression import LinearScorer
from models.learners.risk_model import RiskModel, Scorer
from models.learners.trees import TreeScorer


def importance(model: RiskModel) -> dict[str, float]:
    """The share of each group of features in what the model learned, adding up to 1; empty where it learned nothing."""
    sizes: dict[str, float] = {}
    for name, size in zip(model.signature.names, _sizes(model.scorer, len(model.features)), strict=True):
        sizes[group_of_column(name)] = sizes.get(group_of_column(name), 0.0) + float(size)
    total = sum(sizes.values())
    return {group: size / total for group, size in sizes.items() if size > 0} if total else {}


def _sizes(scorer: Scorer, columns: int) -> Floats:
    """How much each column counts: the trees' gain, the weights on the common scale, or the rule's only column."""
    sizes = np.zeros(columns)
    if isinstance(scorer, BlendScorer):
        grown, plain = (_parts(_sizes(part, columns)) for part in (scorer.trees, scorer.line))
        return scorer.share * grown + (1 - scorer.share) * plain
    if isinstance(scorer, TreeScorer):
        return np.asarray(scorer.booster.feature_importance("gain"), dtype=np.float64)
    if isinstance(scorer, LinearScorer):
        np.add.at(sizes, [term.place for term in scorer.terms], [abs(term.weight) for term in scorer.terms])
    if isinstance(scorer, BaselineScorer):
        sizes[scorer.place] = 1.0
    return sizes


def _parts(sizes: Floats) -> Floats:
    """As shares of their sum, so that those of trees and of a line can be added."""
    return sizes / max(float(sizes.sum()), 1e-300)
