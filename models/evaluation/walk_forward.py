"""Walk forward through time: for every fold learn from what was known before it, and score its cutoffs.

Whatever is chosen for a fold is chosen from earlier folds, as far as their outcomes were known by then: the number of
trees, how much they count beside the logistic regression, and the calibrator. So the test scores are what a team would
really have seen, had it used this learner all along.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from models.data.arrays import Floats, Ints
from models.data.examples import Examples, Labelled, sampled
from models.data.recoding import Recoding
from models.data.splits import Fold, Plan, unseen_folds
from models.evaluation.cross_fitting import effective_events, slope_prior
from models.learners import calibration
from models.learners.baselines import BaselineScorer
from models.learners.calibration import Calibrator
from models.learners.ensemble import USUAL_SHARE, BlendScorer, best_share, blended
from models.learners.estimator import Estimator, Scorer, checked_margin
from models.learners.estimators import BlendEstimator, TreeEstimator, find_estimator
from models.learners.learner import USUAL_TREES
from models.learners.linear.logistic_regression import LinearScorer
from models.learners.parallel_fits import PARALLEL, fit_in_parallel, score_in_parallel
from models.learners.risk_model import Refit
from models.learners.training_set import FitRows, TrainingSet
from models.learners.trees import MAX_TREES, Grown, TreeScorer
from models.risks.learner_names import AUTOMATIC

REFITS = 3  # earlier fits that a reason is held against
MIN_CALIBRATION_EVENTS = 20
UNSEEN_FOLDS = 3
WATCHED_ROWS = 30_000  # of a fold, on which the log-loss after each tree is computed

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

    ``grown`` are more trees than are used, with the log-loss on the fold's test rows after each. ``named`` is the
    scorer of a learner that the risk names, where it is none of the others. All of them read rows by ``recoding``.
    """

    recoding: Recoding
    line: LinearScorer
    grown: Grown | None = None
    rule: BaselineScorer | None = None
    named: Scorer | None = None

    @property
    def curve(self) -> Floats:
        """The log-loss on the fold's test rows after each tree; empty where none was grown."""
        return np.empty(0) if self.grown is None else self.grown.curve

    def single(self, count: int) -> dict[str, Scorer]:
        """By kind, what scores a row without any other; ``count`` trees."""
        grown = None if self.grown is None else self.grown.cut(count)
        return {part.kind: part for part in (grown, self.line, self.rule, self.named) if part is not None}


def score_folds(data: TrainingSet, progress: Progress) -> WalkForward:
    """Score every test cutoff of the plan by models fitted on what was known before each fold."""
    plan, threads = data.plan, data.learner.threads if data.risk.learner in PARALLEL else 1
    own = [np.flatnonzero(fold.tested(data.examples.labelled.day)) for fold in plan.folds]
    fitted: list[FoldScorers] = []
    for fold in fit_in_parallel(
        [partial(_fit_fold, data, *part) for part in zip(plan.folds, own, strict=True)], threads
    ):
        fitted.append(fold)
        progress(f"test period {len(fitted)} of {len(plan.folds)}")
    scorers = [fold.single(_trees_known(plan, fitted, number)) for number, fold in enumerate(fitted)]
    margins = _margins(data, own, fitted, scorers)
    places = np.concatenate(own)
    tested = Examples(data.examples.matrix[:0], data.examples.labelled.take(places), data.examples.weight[places])
    share = USUAL_SHARE
    if "lightgbm" in margins:
        margins["blend"] = blend_forward(margins["lightgbm"], margins["logistic"], tested, plan)
        share = trees_share(margins["lightgbm"], margins["logistic"], tested)
    return WalkForward(
        places=places,
        fold=np.repeat([fold.number for fold in plan.folds], [len(part) for part in own]),
        margins=margins,
        probabilities={
            kind: calibrate_forward(values, tested, plan, slope_prior(kind)) for kind, values in margins.items()
        },
        curve=np.mean([of.curve for of in fitted], axis=0),
        share=share,
        refits=_refits(fitted[-REFITS:], scorers[-REFITS:], share),
    )


def _fit_fold(data: TrainingSet, fold: Fold, own: Ints, threads: int) -> FoldScorers:
    """Fit what the risk's learner needs on what was known before the fold, the logistic regression always."""
    rows = data.fit_rows(np.flatnonzero(fold.known(data.examples.labelled.day)))
    learner, training, wanted = replace(rows.learner, threads=threads), rows.training, data.risk.learner
    line = learner.logistic(training)
    if wanted not in GROWN:
        named = find_estimator(wanted).fit(training, learner) if wanted != "logistic" else None
        return FoldScorers(rows.recoding, line, named=named)
    grown = learner.trees(training, MAX_TREES, _watched(rows, own))
    return FoldScorers(rows.recoding, line, grown, learner.rule(training))


def _watched(rows: FitRows, own: Ints) -> Examples:
    """The test rows, or many of them, after each tree; they only say later how many trees another fold takes."""
    chosen, counts = sampled(rows.source.labelled.take(own), WATCHED_ROWS)
    later = rows.examples(own[chosen])
    return replace(later, weight=later.weight * counts)


def _trees_known(plan: Plan, fitted: Sequence[FoldScorers], number: int) -> int:
    """How many trees the earlier folds advise whose outcomes were known when the fold of this place began."""
    start = plan.folds[number].start
    known = [
        of.curve
        for fold, of in zip(plan.folds[:number], fitted[:number], strict=True)
        if fold.tests[-1] + fold.embargo < start
    ]
    return best(np.mean(known, axis=0)) if known else USUAL_TREES


def _margins(
    data: TrainingSet, own: Sequence[Ints], fitted: Sequence[FoldScorers], scorers: Sequence[Mapping[str, Scorer]]
) -> dict[str, Floats]:
    """The log-odds of every fold's test rows by the fold's own scorers."""
    scored = []
    for places, fold, of in zip(own, fitted, scorers, strict=True):
        matrix = fold.recoding.apply(data.examples.matrix, places)
        scored.append({kind: checked_margin(scorer, matrix) for kind, scorer in of.items()})
    return _together(scored, [len(places) for places in own])


def _refits(
    fitted: Sequence[FoldScorers], scorers: Sequence[Mapping[str, Scorer]], share: float
) -> dict[str, tuple[Refit, ...]]:
    """By kind, what scored these folds; in a blend the trees count by ``share``."""
    refits: dict[str, list[Refit]] = {}
    for fold, of in zip(fitted, scorers, strict=True):
        grown = of.get("lightgbm")
        blend = {"blend": BlendScorer(grown, fold.line, share)} if isinstance(grown, TreeScorer) else {}
        for kind, scorer in {**of, **blend}.items():
            refits.setdefault(kind, []).append(Refit(fold.recoding.signature, scorer))
    return {kind: tuple(of) for kind, of in refits.items()}


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


def calibrate_forward(margins: Floats, tested: Examples, plan: Plan, prior: float = calibration.WEAK_PRIOR) -> Floats:
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
    part = unseen_folds(examples.labelled.unit, UNSEEN_FOLDS, data.learner.seed)
    known, tested = last.known(examples.labelled.day), last.tested(examples.labelled.day)
    places = [np.flatnonzero(tested & (part == number)) for number in range(UNSEEN_FOLDS)]
    others = [np.flatnonzero(known & (part != number)) for number in range(UNSEEN_FOLDS)]
    margins = score_in_parallel(data, estimator, list(zip(others, places, strict=True)))
    return np.concatenate(places), np.concatenate(margins)
