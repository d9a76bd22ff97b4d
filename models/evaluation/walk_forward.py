"""Walk forward through time: for every fold learn from what was known before it, and score its cutoffs.

Whatever is chosen for a fold is chosen from earlier folds, as far as their outcomes were known by then: the number of
trees, how much they count beside the logistic regression, and the calibrator. So the test scores are what a team would
really have seen, had it used this learner all along.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.data.arrays import Floats, Ints
from models.data.examples import Examples, Labelled
from models.data.signature import Signature
from models.data.splits import Fold, Plan, unseen_folds
from models.evaluation.cross_fitting import effective_events, slope_prior
from models.learners import calibration, trees
from models.learners.baselines import BaselineScorer
from models.learners.calibration import Calibrator
from models.learners.ensemble import USUAL_SHARE, BlendScorer, best_share, blended
from models.learners.estimator import Estimator, Scorer, checked_margin
from models.learners.estimators import BlendEstimator, TreeEstimator, find_estimator
from models.learners.learner import USUAL_TREES
from models.learners.logistic_regression import LinearScorer
from models.learners.risk_model import Refit
from models.learners.training_set import FitRows, TrainingSet
from models.learners.trees import TreeScorer
from models.risks.learner_names import AUTOMATIC

REFITS = 3  # earlier fits that a reason is held against
MIN_CALIBRATION_EVENTS = 20
UNSEEN_FOLDS = 3

GROWN = frozenset({AUTOMATIC, "blend", "lightgbm"})
"""Learners of a risk for which trees are grown."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class WalkForward:
    """The scores of every tested row, in the order of the folds.

    ``places`` are the rows' places in the examples, ``margins`` the log-odds by kind of learner, ``probabilities`` the
    same calibrated, ``curve`` the log-loss after each number of trees, averaged over the folds, ``share`` how much
    the trees count in a blend by what all test periods say. ``refits`` are what scored the latest `REFITS` folds, by
    kind: a reason that they do not share is marked weak.
    """

    places: Ints
    fold: Ints
    margins: Mapping[str, Floats]
    probabilities: Mapping[str, Floats]
    curve: Floats
    share: float
    refits: Mapping[str, tuple[Refit, ...]] = field(default_factory=dict)

    @property
    def trees(self) -> int:
        """The number of trees with the least log-loss on later cutoffs."""
        return best(self.curve)

    def estimator(self, kind: str) -> Estimator:
        """The estimator of that kind, with what all test periods advise for it."""
        advised: dict[str, Estimator] = {
            "blend": BlendEstimator(self.trees, self.share),
            "lightgbm": TreeEstimator(self.trees),
        }
        return advised.get(kind) or find_estimator(kind)


def best(curve: Floats) -> int:
    """The number of trees at which a curve of log-loss is lowest."""
    return int(np.argmin(curve)) + 1 if len(curve) else USUAL_TREES


@dataclass(frozen=True)
class FoldScorers:
    """What was fitted for one fold: the logistic regression always, and what the risk's learner needs beside it.

    ``trees`` are cut at the number that earlier folds advise; ``curve`` is the log-loss on the fold's test rows after
    each of all trees. ``named`` is the scorer of a learner that the risk names, where it is none of the others. The
    ``signature`` is that of the fold's training rows, which all of them read.
    """

    signature: Signature
    line: LinearScorer
    trees: TreeScorer | None = None
    rule: BaselineScorer | None = None
    named: Scorer | None = None
    curve: Floats = field(default_factory=lambda: np.empty(0))

    def single(self) -> dict[str, Scorer]:
        """By kind, what scores a row without any other."""
        return {part.kind: part for part in (self.trees, self.line, self.rule, self.named) if part is not None}

    def refits(self, share: float) -> dict[str, Refit]:
        """By kind, what scores a row; in a blend the trees count by ``share``."""
        blend = {} if self.trees is None else {"blend": BlendScorer(self.trees, self.line, share)}
        return {kind: Refit(self.signature, scorer) for kind, scorer in {**self.single(), **blend}.items()}


def score_folds(data: TrainingSet, progress: Progress) -> WalkForward:
    """Score every test cutoff of the plan by models fitted on what was known before each fold."""
    plan, day = data.plan, data.examples.labelled.day
    fitted: list[FoldScorers] = []
    scored: list[dict[str, Floats]] = []
    own = [np.flatnonzero(fold.tested(day)) for fold in plan.folds]
    for fold, places in zip(plan.folds, own, strict=True):
        progress(f"test period {fold.number} of {len(plan.folds)}")
        known = zip(plan.folds[: len(fitted)], (earlier.curve for earlier in fitted), strict=True)
        rows = data.fit_rows(np.flatnonzero(fold.known(day)))
        testing = rows.examples(places)
        fitted.append(_fitted(rows, testing, data.risk.learner, _trees_known(list(known), fold)))
        scored.append({kind: checked_margin(it, testing.matrix) for kind, it in fitted[-1].single().items()})
    places = np.concatenate(own)
    margins = _together(scored, [len(part) for part in own])
    tested = Examples(data.examples.matrix[:0], data.examples.labelled.take(places), data.examples.weight[places])
    share = USUAL_SHARE
    if "lightgbm" in margins:
        margins["blend"] = blend_forward(margins["lightgbm"], margins["logistic"], tested, plan)
        share = trees_share(margins["lightgbm"], margins["logistic"], tested)
    latest = [of.refits(share) for of in fitted[-REFITS:]]
    return WalkForward(
        places=places,
        fold=np.repeat([fold.number for fold in plan.folds], [len(part) for part in own]),
        margins=margins,
        probabilities={
            kind: calibrate_forward(values, tested, plan, slope_prior(kind)) for kind, values in margins.items()
        },
        curve=np.mean([of.curve for of in fitted], axis=0),
        share=share,
        refits={kind: tuple(refits[kind] for refits in latest if kind in refits) for kind in margins},
    )


def _fitted(rows: FitRows, testing: Examples, wanted: str, count: int) -> FoldScorers:
    """Fit what the learner ``wanted`` needs on what was known before the fold, the logistic regression always.

    Trees are cut at ``count``; more are grown to score the fold's rows.
    """
    learner, training = rows.learner, rows.training
    line = learner.logistic(training)
    if wanted not in GROWN:
        named = find_estimator(wanted).fit(training, learner) if wanted != "logistic" else None
        return FoldScorers(learner.signature, line, named=named)
    grown = learner.trees(training, trees.MAX_TREES, testing)
    return FoldScorers(learner.signature, line, grown.cut(count), learner.rule(training), curve=grown.curve)


def _together(scored: Sequence[Mapping[str, Floats]], sizes: Sequence[int]) -> dict[str, Floats]:
    """The folds' log-odds one after the other, by kind; of a kind that a fold does not have, 0 for all of its rows.

    A baseline may lack its column in early folds: it then has no opinion.
    """
    kinds = dict.fromkeys(kind for part in scored for kind in part)
    nothing = [np.zeros(size) for size in sizes]
    return {
        kind: np.concatenate([part.get(kind, zero) for part, zero in zip(scored, nothing, strict=True)])
        for kind in kinds
    }


def _trees_known(curves: list[tuple[Fold, Floats]], fold: Fold) -> int:
    settled = [curve for earlier, curve in curves if earlier.tests[-1] + earlier.embargo < fold.start]
    return best(np.mean(settled, axis=0)) if settled else USUAL_TREES


def blend_forward(grown: Floats, plain: Floats, tested: Examples, plan: Plan) -> Floats:
    """Trees and line averaged, for every fold's rows by the share that earlier folds' known rows advise."""
    margins = np.empty(len(grown))
    day = tested.labelled.day
    for fold in plan.folds:
        own = fold.tested(day)
        margins[own] = blended(grown[own], plain[own], trees_share(grown, plain, tested, fold.known(day)))
    return margins


def trees_share(grown: Floats, plain: Floats, tested: Examples, chosen: NDArray[np.bool_] | None = None) -> float:
    """How much the trees should count by the chosen rows; the usual where these hold too few events."""
    rows = np.ones(len(grown), dtype=bool) if chosen is None else chosen
    labelled = tested.labelled.take(rows)
    if labelled.events < MIN_CALIBRATION_EVENTS:
        return USUAL_SHARE
    return best_share(grown[rows], plain[rows], labelled.happened, tested.weight[rows], labelled.events)


def calibrate_forward(margins: Floats, tested: Examples, plan: Plan, prior: float = calibration.SLOPE_PRIOR) -> Floats:
    """Probabilities for every fold's rows by a calibrator of earlier folds' known rows.

    ``prior`` is the precision of the prior that the slope is 1.
    """
    probability = np.empty(len(margins))
    day = tested.labelled.day
    for fold in plan.folds:
        own, earlier = fold.tested(day), fold.known(day)
        fitted = _calibrator(margins[earlier], tested.labelled.take(earlier), tested.weight[earlier], prior)
        probability[own] = fitted.apply(margins[own])
    return probability


def _calibrator(margins: Floats, labelled: Labelled, weight: Floats, prior: float) -> Calibrator:
    """The calibrator that the rows can carry; the identity where they hold too few events."""
    events = effective_events(labelled, weight)
    if events < MIN_CALIBRATION_EVENTS:
        return calibration.identity()
    return calibration.fit_calibrator(margins, labelled.happened, weight, events, prior)


def unseen_accounts(data: TrainingSet, estimator: Estimator) -> tuple[Ints, Floats]:
    """The last fold again, each account scored by a fit that never saw it: places of the rows, and log-odds."""
    examples, last = data.examples, data.plan.folds[-1]
    part = unseen_folds(examples.labelled.account, UNSEEN_FOLDS, data.learner.seed)
    known, tested = last.known(examples.labelled.day), last.tested(examples.labelled.day)
    places, margins = [], []
    for number in range(UNSEEN_FOLDS):
        own = np.flatnonzero(tested & (part == number))
        rows = data.fit_rows(np.flatnonzero(known & (part != number)))
        places.append(own)
        margins.append(checked_margin(estimator.fit(rows.training, rows.learner), rows.encode(own)))
    return np.concatenate(places), np.concatenate(margins)
