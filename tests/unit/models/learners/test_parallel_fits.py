"""Fits beside each other give what fits one after the other give, in the same order."""

import threading
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from support.worlds.learning_world import world

from models.evaluation.walk_forward import score_folds
from models.learners.estimators import LogisticEstimator
from models.learners.parallel_fits import MOST_WORKERS, fit_in_parallel, score_in_parallel
from models.learners.training_set import prepare_training_set
from models.risks.defaults import CHURN


def test_results_come_in_order_and_every_fit_has_its_share_of_the_threads() -> None:
    def fit(number: int, threads: int) -> tuple[int, int]:
        time.sleep(0.01 * max(3 - number, 0))
        return number, threads

    assert list(fit_in_parallel([partial(fit, number) for number in range(3)], 8)) == [(0, 2), (1, 2), (2, 2)]
    assert list(fit_in_parallel([partial(fit, 5)], 8)) == [(5, 8)]
    assert list(fit_in_parallel([], 2)) == []


def test_with_one_thread_nothing_runs_beside_anything() -> None:
    seen = list(fit_in_parallel([lambda threads: threading.current_thread().name] * 3, 1))
    assert seen == [threading.current_thread().name] * 3


def test_after_an_error_no_further_fit_begins() -> None:
    begun: list[int] = []

    def fit(number: int, threads: int) -> int:
        begun.append(number)
        if number == 0:
            raise ValueError("no")
        time.sleep(0.1)
        return number

    fits: list[Callable[[int], int]] = [partial(fit, number) for number in range(20 * MOST_WORKERS)]
    with pytest.raises(ValueError, match="no"):
        list(fit_in_parallel(fits, 2))
    assert len(begun) < len(fits)


def test_trees_predict_with_the_threads_that_grew_them() -> None:
    """LightGBM's number of threads is one for the process: another one beside a fit would overrun its buffers."""
    made = world(accounts=80, weeks=70, base=-4.4)
    data = prepare_training_set(made.frame, made.labels, CHURN, threads=1)
    rows = data.fit_rows(np.arange(len(data.examples)), 1000)
    assert rows.learner.trees(rows.training, 2).cut(2).threads == 1


def test_scores_do_not_depend_on_the_threads() -> None:
    made = world(accounts=80, weeks=70, base=-4.4)
    one, two = (prepare_training_set(made.frame, made.labels, CHURN, threads=threads) for threads in (1, 2))
    walks = [score_folds(data, lambda words: None) for data in (one, two)]
    for kind, margins in walks[0].margins.items():
        assert np.array_equal(margins, walks[1].margins[kind])
    half = np.arange(len(one.examples)) % 2 == 0
    parts = [(np.flatnonzero(half), np.flatnonzero(~half)), (np.flatnonzero(~half), np.flatnonzero(half))]
    scores = [score_in_parallel(data, LogisticEstimator(), parts, 1000) for data in (one, two)]
    assert [len(part) for part in scores[0]] == [len(scored) for _, scored in parts]
    assert all(np.array_equal(a, b) for a, b in zip(*scores, strict=True))
