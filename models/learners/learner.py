"""How the models of one risk are made: the same inputs, directions and parameters for every fit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.data.examples import Examples
from models.data.signature import Signature
from models.learners import baselines, logistic_regression, trees
from models.learners.baselines import BaselineScorer
from models.learners.ensemble import BlendScorer
from models.learners.logistic_regression import LinearScorer

USUAL_TREES = 150
"""The number of trees while no earlier test period says otherwise."""


@dataclass(frozen=True)
class Learner:
    """How models are made: the inputs, which way risk must go with each, and LightGBM's parameters.

    ``directions`` are certain and bind the trees; ``expected`` are those the catalogue expects and bind the logistic
    regression, which draws a curve over the columns ``curved`` instead.
    """

    signature: Signature
    directions: tuple[int, ...]
    expected: tuple[int, ...]
    parameters: Mapping[str, Any] = field(default_factory=lambda: trees.PARAMETERS)
    curved: frozenset[str] = frozenset()
    seed: int = 7
    threads: int = 0

    def trees(self, training: Examples, count: int, later: Examples | None = None) -> trees.Grown:
        """Grow ``count`` trees, watching later rows."""
        return trees.grow(
            training,
            self.signature,
            self.directions,
            parameters=self.parameters,
            trees=count,
            later=later,
            seed=self.seed,
            threads=self.threads,
        )

    def logistic(self, training: Examples) -> LinearScorer:
        """Fit the logistic regression."""
        return logistic_regression.fit_logistic(
            training, self.signature, training.labelled.events, self.expected, self.curved
        )

    def blend(self, training: Examples, count: int, share: float) -> BlendScorer:
        """Fit both, the trees to count by ``share``."""
        return BlendScorer(self.trees(training, count).cut(count), self.logistic(training), share)

    def rule(self, training: Examples) -> BaselineScorer | None:
        """The rule that is trusted most among those whose column there is; it learns only the column's spread."""
        for rule in baselines.BASELINES:
            if rule.column in self.signature.names:
                place = self.signature.names.index(rule.column)
                return BaselineScorer.learn(rule, place, training.matrix[:, place])
        return None
