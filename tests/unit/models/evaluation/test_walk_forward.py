"""The walk through time chooses nothing from what lay ahead."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from support.worlds.learning_world import world

from models.data.examples import Examples, labelled_rows, thinned
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
    assert len(material().fit_rows(np.arange(4000), limit=1000).training) <= 1100


def planted(values: Mapping[str, Callable[[NDArray[np.bool_]], pa.Array]]) -> WalkForward:
    """The walk-forward with further columns, made from whether a row is tested by the last fold."""
    made = world(accounts=200, weeks=90, base=-4.0)
    day = made.frame["as_of"].to_numpy().astype("datetime64[D]").astype(np.int64)
    frame, last = made.frame, day >= material().plan.folds[-1].start
    for name, of in values.items():
        frame = frame.append_column(name, of(last))
    return score_folds(prepare_training_set(frame, made.labels, CHURN), lambda words: None)


def number(known: float, tested: Callable[[int], NDArray[np.float64]]) -> Callable[[NDArray[np.bool_]], pa.Array]:
    """A column that is ``known`` in all rows that any fold trains on."""

    def of(last: NDArray[np.bool_]) -> pa.Array:
        values = np.full(len(last), known)
        values[last] = tested(int(last.sum()))
        return pa.array(values, from_pandas=True)

    return of


def category(tested: str | None) -> Callable[[NDArray[np.bool_]], pa.Array]:
    """Two categories; every third row that only the last fold tests has another one."""

    def of(last: NDArray[np.bool_]) -> pa.Array:
        place = np.arange(len(last))
        other = last & (place % 3 == 0)
        return pa.array([tested if o else "ab"[n % 2] for n, o in zip(place, other, strict=True)], pa.string())

    return of


def test_a_column_that_varies_only_in_test_rows_changes_no_score() -> None:
    rng = np.random.default_rng(5)
    with_them = planted(
        {
            "a_constant": number(3.0, lambda rows: rng.normal(size=rows)),
            "b_missing": number(np.nan, lambda rows: rng.normal(size=rows)),
            "c_without_gaps": number(3.0, lambda rows: np.where(rng.random(rows) < 0.5, np.nan, 3.0)),
        }
    )
    assert set(with_them.margins) == set(walked().margins)
    for kind, margins in walked().margins.items():
        assert np.array_equal(with_them.margins[kind], margins)
        assert np.array_equal(with_them.probabilities[kind], walked().probabilities[kind])


def test_a_category_that_only_test_rows_have_is_read_as_missing() -> None:
    new, missing = (planted({"plan": category(tested)}) for tested in ("c", None))
    assert "plan" in new.refits["logistic"][-1].signature.names
    for kind, margins in missing.margins.items():
        assert np.array_equal(new.margins[kind], margins)
