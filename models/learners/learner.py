"""How the models of one risk are made: the same inputs, directions and parameters for every fit."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from models.data.arrays import Ints
from models.data.examples import Examples
from models.data.signature import Signature
from models.learners import baselines, trees
from models.learners.baselines import BaselineScorer
from models.learners.ensemble import BlendScorer
from models.learners.linear import logistic_regression
from models.learners.linear.logistic_regression import LinearScorer

PRIOR_PARAMETER = "prior_spread"
"""The name of the logistic regression's prior among the parameters of a learner."""
USUAL_TREES = 75
"""The number of trees while no earlier test period says otherwise."""


@dataclass(frozen=True)
class Learner:
    """How models are made: the inputs, which way risk must go with each, and LightGBM's parameters.

    ``directions`` are certain and bind the trees; ``expected`` are those the catalogue expects and bind the logistic
    regression, which draws a curve over the columns ``curved`` instead. ``prior_spread`` is how far apart the logistic
    regression takes the accounts' log-odds to be before any evidence: the smaller, the stronger its ridge penalty.
    """

    signature: Signature
    directions: tuple[int, ...]
    expected: tuple[int, ...]
    parameters: Mapping[str, Any] = field(default_factory=lambda: trees.PARAMETERS)
    curved: frozenset[str] = frozenset()
    prior_spread: float = logistic_regression.PRIOR_SPREAD
    seed: int = 7
    threads: int = 0

    @property
    def all_parameters(self) -> Mapping[str, Any]:
        """The parameters of the trees and the prior of the logistic regression: what tuning changes."""
        return {**self.parameters, PRIOR_PARAMETER: self.prior_spread}

    def with_parameters(self, parameters: Mapping[str, Any]) -> "Learner":
        """The same with some of :attr:`all_parameters` replaced."""
        trees_own = {name: value for name, value in parameters.items() if name != PRIOR_PARAMETER}
        return replace(
            self,
            parameters={**self.parameters, **trees_own},
            prior_spread=parameters.get(PRIOR_PARAMETER, self.prior_spread),
        )

    def narrowed(self, signature: Signature, places: Ints) -> "Learner":
        """The same for the inputs at these places, which have another signature."""
        directions, expected = (tuple(of[place] for place in places) for of in (self.directions, self.expected))
        return replace(self, signature=signature, directions=directions, expected=expected)

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
            training, self.signature, training.labelled.events, self.expected, self.curved, self.prior_spread
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
