"""One training from end to end, and what it does where the data is thin."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from support.worlds.learning_world import World, world
from threadpoolctl import threadpool_info, threadpool_limits

from features.errors import RescueError
from features.history.versions import EPOCH
from models import training
from models.evaluation.evaluate import backtest
from models.evaluation.metrics_report import MODEL
from models.learners.training_set import NotLearnableError, prepare_training_set
from models.risks.defaults import CHURN
from models.training import TrainingResult


@cache
def made() -> World:
    return world(accounts=150, weeks=80, base=-4.0)


@cache
def trained() -> TrainingResult:
    return training.fit(made().frame, made().labels, CHURN, threads=1)


def test_it_finds_what_the_trouble_shows_in() -> None:
    figures = trained().evaluation.overall.scorers
    assert trained().evaluation.signal
    assert figures[MODEL]["auc"].value > 0.6
    assert figures[MODEL]["auc"].value > figures["rule_random"]["auc"].high


def test_six_folds_and_every_figure() -> None:
    found = trained().evaluation
    assert len(found.folds) == 6
    assert {"model", "logistic", "rule_random", "rule_lowest_health", "rule_most_tickets"} == set(found.overall.scorers)
    assert sum(fold.rows for fold in found.folds) == found.overall.rows == trained().scored.num_rows


def test_the_model_scores_a_night() -> None:
    tonight = made().frame.filter(pc.equal(made().frame["as_of"], pc.max(made().frame["as_of"])))
    predicted = trained().model.predict(tonight)
    assert ((predicted.probability > 0) & (predicted.probability < 1)).all()
    assert np.array_equal(np.argsort(predicted.rank_score), np.argsort(predicted.rank_score + 0))


def test_the_probabilities_add_up_on_later_cutoffs() -> None:
    scored = trained().scored
    expected, came = (float(np.sum(scored[name].to_numpy())) for name in ("probability", "event"))
    assert 0.6 < expected / came < 1.6


@pytest.mark.parametrize("learn", [training.fit, backtest])
def test_threads_do_not_stand_in_each_others_way(learn: Callable[..., object]) -> None:
    during: list[int] = []
    with threadpool_limits(2, user_api="blas"):
        learn(made().frame, made().labels, CHURN, threads=1, progress=lambda _: during.extend(blas()))
        assert set(blas()) == {2}
    assert set(during) == {1}


def blas() -> list[int]:
    """The threads of each library of linear algebra that is loaded."""
    return [int(one["num_threads"]) for one in threadpool_info() if one["user_api"] == "blas"]


def test_equal_input_and_seed_give_an_equal_model() -> None:
    again = training.fit(made().frame, made().labels, CHURN, threads=1)
    assert again.model == trained().model
    assert again.evaluation.to_json() == trained().evaluation.to_json()


def test_the_order_of_the_frames_rows_does_not_matter() -> None:
    shuffled = made().frame.take(np.random.default_rng(1).permutation(made().frame.num_rows))
    assert training.fit(shuffled, made().labels, CHURN, threads=1).evaluation.overall == trained().evaluation.overall


def test_only_what_was_settled_by_then_is_used() -> None:
    through = date(2025, 3, 1)
    earlier = prepare_training_set(made().frame, made().labels, CHURN, through=through)
    newest = EPOCH + timedelta(days=int(earlier.examples.labelled.day.max()))
    assert newest + timedelta(days=CHURN.embargo) < through
    assert newest + timedelta(days=CHURN.embargo + 8) > through


def test_columns_that_say_nothing_are_dropped_and_listed() -> None:
    frame = made().frame.append_column("always_one", pa.array(np.ones(made().frame.num_rows)))
    frame = frame.append_column("has_usage", pa.array(np.random.default_rng(1).random(frame.num_rows)))
    material = prepare_training_set(frame, made().labels, CHURN)
    assert material.dropped == ("always_one",)
    assert "has_usage" not in material.learner.signature.names


@pytest.mark.parametrize(("accounts", "base", "kind"), [(60, -6.6, "rule"), (60, -4.4, "logistic")])
def test_few_events_get_the_simpler_kind_and_the_reason(accounts: int, base: float, kind: str) -> None:
    thin = world(accounts=accounts, weeks=80, base=base, seed=3)
    found = training.fit(thin.frame, thin.labels, CHURN, threads=1)
    assert found.kind == found.model.kind == kind
    assert found.evaluation.reason.parameters["events"] == found.events


def test_too_few_events_are_refused_in_a_sentence() -> None:
    quiet = world(accounts=50, weeks=60, base=-9.0)
    with pytest.raises(NotLearnableError, match="matured in the data"):
        training.fit(quiet.frame, quiet.labels, CHURN)


def test_too_short_a_history_is_refused_in_a_sentence() -> None:
    short = world(accounts=150, weeks=24, base=-3.0)
    with pytest.raises(NotLearnableError, match="no test period behind an embargo of 127 days"):
        training.fit(short.frame, short.labels, CHURN)


def test_labels_of_other_cutoffs_are_refused() -> None:
    with pytest.raises(RescueError, match="build both from the same"):
        training.fit(made().frame.slice(1000), made().labels, CHURN)


def test_treated_rows_are_left_out_and_hold_out_rows_stand_for_them() -> None:
    rows = made().labels.num_rows
    treated, holdout = np.arange(rows) % 10 == 1, np.arange(rows) % 10 == 2
    labels = made().labels.set_column(5, "treated", pa.array(treated)).set_column(6, "holdout", pa.array(holdout))
    material = prepare_training_set(made().frame, labels, CHURN)
    labelled = material.examples.labelled
    assert not labelled.treated.any()
    assert material.treated == pytest.approx(len(labelled) / 9, rel=0.05)
    assert np.unique(material.examples.weight[labelled.holdout]) == pytest.approx(2.0, rel=0.05)
    assert np.unique(material.examples.weight[~labelled.holdout]) == pytest.approx(1.0)
    assert material.notes[0].code == "treated_rows_left_out"
    assert material.notes[0].parameters["holdout_rows"] > 0


def test_progress_is_reported() -> None:
    words: list[str] = []
    thin = world(accounts=60, weeks=60, base=-4.0)
    training.fit(thin.frame, thin.labels, CHURN, threads=1, progress=words.append)
    assert words[0].startswith("test period 1 of")
    assert words[-2:] == ["final fit", "fitting the risk over time"]


def test_a_backtest_is_the_evaluation_without_the_model() -> None:
    found = backtest(made().frame, made().labels, CHURN, threads=1)
    assert found.evaluation.to_json() == trained().evaluation.to_json()
    assert found.scored == trained().scored.drop_columns(["cross_fitted"])
