"""The walk through time chooses nothing from what lay ahead."""

from dataclasses import replace
from functools import cache

import numpy as np
from support.worlds.learning_world import world

from models.data.examples import Examples, labelled_rows, thinned
from models.evaluation import walk_forward
from models.evaluation.walk_forward import WalkForward, calibrate_forward, score_folds, unseen_accounts
from models.learners.calibration import log_odds
from models.learners.estimators import BlendEstimator
from models.learners.training_set import TrainingSet, prepare_training_set
from models.risks.defaults import CHURN


@cache
def material() -> TrainingSet:
    made = world(accounts=200, weeks=90, base=-4.0)
    return prepare_training_set(made.frame, made.labels, CHURN)


@cache
def walked() -> WalkForward:
    return score_folds(material(), lambda words: None)


def test_every_later_cutoff_is_scored_once_by_each_kind() -> None:
    assert set(walked().margins) == {"blend", "lightgbm", "logistic", "rule"}
    assert len(np.unique(walked().places)) == len(walked().places)
    first = material().plan.folds[0].start
    assert len(walked().places) == (material().examples.labelled.day >= first).sum()
    assert all(np.isfinite(values).all() for values in walked().margins.values())


def test_what_happens_later_changes_no_earlier_score() -> None:
    """Every outcome from the third origin on is turned round; the scores of the first three do not move."""
    fold = material().plan.folds[2]
    examples = material().examples
    late = examples.labelled.day + fold.embargo >= fold.start
    turned = np.where(late, ~examples.labelled.happened, examples.labelled.happened)
    labelled = type(examples.labelled)(**{**vars(examples.labelled), "happened": turned})
    turned_round = replace(material(), examples=Examples(examples.matrix, labelled, examples.weight))
    other = score_folds(turned_round, lambda words: None)
    before = walked().fold <= 3
    for kind in walked().margins:
        assert np.array_equal(walked().probabilities[kind][before], other.probabilities[kind][before])
    assert not np.array_equal(walked().margins["lightgbm"], other.margins["lightgbm"])


def test_calibrators_grow_with_what_is_known() -> None:
    examples = material().examples
    tested = examples.take(walked().places)
    overconfident = 3 * walked().margins["logistic"]
    calibrated = calibrate_forward(overconfident, tested, material().plan)
    first, last = (walked().fold == number for number in (1, 6))
    believed = np.clip(1 / (1 + np.exp(-overconfident[first])), 1e-6, 1 - 1e-6)
    assert np.allclose(calibrated[first], believed)
    assert log_odds(calibrated[last]).std() < 0.7 * overconfident[last].std()


def test_unseen_accounts_are_scored_by_trees_that_never_saw_them() -> None:
    places, margins = unseen_accounts(material(), BlendEstimator(20, 0.5))
    fold = material().plan.folds[-1]
    assert len(np.unique(places)) == fold.tested(material().examples.labelled.day).sum() == len(margins)


def test_thinning_keeps_every_account_and_does_not_look_at_outcomes() -> None:
    made = world(accounts=120, weeks=70)
    labelled = labelled_rows(made.frame, made.labels)
    kept = labelled.take(thinned(labelled, len(labelled) // 4 + 1))
    assert len(kept) <= len(labelled) / 4 * 1.1
    assert set(np.flatnonzero(np.bincount(labelled.account) >= 4)) <= set(kept.account)
    assert np.unique(np.concatenate([np.diff(kept.day[kept.account == n]) for n in kept.account])).tolist() == [28]


def test_rows_of_one_fit_are_limited() -> None:
    assert len(walk_forward.known_rows(material().examples, np.arange(4000), limit=1000)) <= 1100
