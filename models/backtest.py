"""Walk through time: at every origin learn from what was known then, and score the cutoffs after it.

What is chosen on the way is chosen from what lay behind the origin: the number of trees from the test periods of
earlier origins, the calibrator from their scores, both only where their outcomes were known by then. So the test scores
are what a team would really have seen, had it used this learner all along.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import calibration, logistic, rules, trees
from models.calibration import Calibrator
from models.estimator import Scorer
from models.examples import Examples, thinned
from models.rules import RuleScorer
from models.signature import Signature
from models.splits import Origin, Plan, unseen_folds

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REFITS = 3  # earlier fits that a reason is held against
MOST_ROWS = 300_000  # of one fit; beyond it every account is kept at every second, third … cutoff
USUAL_TREES = 100  # while no earlier test period says otherwise
MIN_CALIBRATION_EVENTS = 20
UNSEEN_FOLDS = 3

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Learner:
    """How models are made: the inputs, which way risk must go with each, and LightGBM's parameters."""

    signature: Signature
    directions: tuple[int, ...]
    parameters: Mapping[str, Any] = field(default_factory=lambda: trees.PARAMETERS)
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

    def logistic(self, training: Examples) -> Scorer:
        """Fit the logistic regression."""
        return logistic.fit(training, self.signature, training.labelled.events)

    def rule(self, training: Examples) -> Scorer | None:
        """The rule that is trusted most among those whose column there is; it learns only the column's spread."""
        for rule in rules.RULES:
            if rule.column in self.signature.names:
                place = self.signature.names.index(rule.column)
                return RuleScorer.learn(rule, place, training.matrix[:, place])
        return None


@dataclass(frozen=True)
class Walk:
    """What came of it, a row each tested row, in the order of the origins.

    ``places`` are the rows' places in the examples, ``margins`` the log-odds by kind of learner, ``probabilities`` the
    same calibrated, ``curve`` the log-loss after each number of trees, averaged over the origins. ``scorers`` are what
    scored the latest `REFITS` origins, by kind: a reason that they do not share is told with reserve.
    """

    places: Ints
    origin: Ints
    margins: Mapping[str, Floats]
    probabilities: Mapping[str, Floats]
    curve: Floats
    scorers: Mapping[str, tuple[Scorer, ...]] = field(default_factory=dict)

    @property
    def trees(self) -> int:
        """The number of trees with the least log-loss on later cutoffs."""
        return best(self.curve)


def best(curve: Floats) -> int:
    """The number of trees at which a curve of log-loss is lowest."""
    return int(np.argmin(curve)) + 1 if len(curve) else USUAL_TREES


def walk(examples: Examples, plan: Plan, learner: Learner, progress: Progress) -> Walk:
    """Score every test cutoff of the plan by models that knew only what lay behind their origin."""
    parts: list[tuple[Origin, Ints, dict[str, Floats]]] = []
    curves: list[tuple[Origin, Floats]] = []
    fitted: list[Mapping[str, Scorer]] = []
    for origin in plan.origins:
        progress(f"test period {origin.number} of {len(plan.origins)}")
        places = np.flatnonzero(origin.tested(examples.labelled.day))
        curve, scorers, margins = _origin(examples, origin, places, learner, _trees_known(curves, origin))
        parts.append((origin, places, margins))
        curves.append((origin, curve))
        fitted = [*fitted, scorers][-REFITS:]
    places = np.concatenate([part[1] for part in parts])
    origins = np.concatenate([np.full(len(part[1]), part[0].number) for part in parts])
    margins = {kind: np.concatenate([part[2][kind] for part in parts]) for kind in parts[0][2]}
    tested = examples.labelled.take(places)
    calibrated = {
        kind: calibrate_forward(values, Examples(examples.matrix[:0], tested, examples.weight[places]), plan)
        for kind, values in margins.items()
    }
    latest = {kind: tuple(scorers[kind] for scorers in fitted) for kind in margins}
    return Walk(places, origins, margins, calibrated, np.mean([curve for _, curve in curves], axis=0), latest)


def _origin(
    examples: Examples, origin: Origin, places: Ints, learner: Learner, count: int
) -> tuple[Floats, dict[str, Scorer], dict[str, Floats]]:
    """Fit all learners on what the origin knew, and score its test rows; also the trees' log-loss by their number."""
    training = known_rows(examples, np.flatnonzero(origin.known(examples.labelled.day)))
    testing = examples.take(places)
    grown = learner.trees(training, trees.MAX_TREES, testing)
    scorers: dict[str, Scorer] = {"lightgbm": grown.cut(count), "logistic": learner.logistic(training)}
    rule = learner.rule(training)
    if rule is not None:
        scorers["rule"] = rule
    return grown.curve, scorers, {kind: scorer.margin(testing.matrix) for kind, scorer in scorers.items()}


def known_rows(examples: Examples, places: Ints, limit: int = MOST_ROWS) -> Examples:
    """The rows at these places, thinned to about ``limit``."""
    return examples.take(places[thinned(examples.labelled.take(places), limit)])


def _trees_known(curves: list[tuple[Origin, Floats]], origin: Origin) -> int:
    settled = [curve for earlier, curve in curves if earlier.tests[-1] + earlier.embargo < origin.start]
    return best(np.mean(settled, axis=0)) if settled else USUAL_TREES


def calibrate_forward(margins: Floats, tested: Examples, plan: Plan) -> Floats:
    """Probabilities for every origin's rows by a calibrator of the earlier origins' rows that were known by then."""
    probability = np.empty(len(margins))
    day = tested.labelled.day
    for origin in plan.origins:
        own, earlier = origin.tested(day), origin.known(day)
        probability[own] = calibrator(margins, tested, earlier).apply(margins[own])
    return probability


def calibrator(margins: Floats, tested: Examples, chosen: NDArray[np.bool_] | None = None) -> Calibrator:
    """The calibrator that the chosen rows can carry; the model's own word where they hold too few events."""
    rows = np.ones(len(margins), dtype=bool) if chosen is None else chosen
    labelled = tested.labelled.take(rows)
    if labelled.events < MIN_CALIBRATION_EVENTS:
        return calibration.identity()
    return calibration.fit(margins[rows], labelled.happened, tested.weight[rows], labelled.events)


def unseen_accounts(examples: Examples, plan: Plan, learner: Learner, count: int) -> tuple[Ints, Floats]:
    """The last origin again, each account scored by trees that never saw it: places of the rows, and log-odds."""
    origin = plan.origins[-1]
    fold = unseen_folds(examples.labelled.account, UNSEEN_FOLDS, learner.seed)
    known, tested = origin.known(examples.labelled.day), origin.tested(examples.labelled.day)
    places, margins = [], []
    for number in range(UNSEEN_FOLDS):
        own = np.flatnonzero(tested & (fold == number))
        training = known_rows(examples, np.flatnonzero(known & (fold != number)))
        places.append(own)
        margins.append(learner.trees(training, count).cut(count).margin(examples.matrix[own]))
    return np.concatenate(places), np.concatenate(margins)
