"""Fits beside each other, each in one thread.

A fit of some ten thousand rows is thousands of short steps. Threads that share a step wait for each other at its end,
so two threads make one fit little faster; two fits beside each other take half the time of one after the other. What
is fitted does not depend on it: every fit has its own rows and its own seed.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from os import cpu_count
from typing import TypeVar

from models.data.arrays import Floats, Ints
from models.learners.estimator import Estimator, checked_margin
from models.learners.training_set import MOST_ROWS, TrainingSet
from models.risks.learner_names import AUTOMATIC

MOST_WORKERS = 4
"""Fits beside each other; each has a copy of its rows in memory."""

PARALLEL = frozenset({AUTOMATIC, "blend", "lightgbm", "logistic", "rule", "constant"})
"""Learners of which several may be fitted beside each other; others may use every core, or data that they share."""

FitResult = TypeVar("FitResult")


def fit_in_parallel(fits: Sequence[Callable[[int], FitResult]], threads: int) -> Iterator[FitResult]:
    """The results of the fits in their order; a fit is called with the number of threads that it may use.

    ``threads`` are those of all fits together (0: as many as there are cores). With one, the fits run one after the
    other in the caller's thread.
    """
    cores = threads or cpu_count() or 1
    workers = min(cores, MOST_WORKERS, len(fits))
    if workers <= 1:
        yield from (fit(cores) for fit in fits)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="fit")
    try:
        running = [pool.submit(fit, max(1, cores // workers)) for fit in fits]
        yield from (future.result() for future in running)
    finally:
        pool.shutdown(cancel_futures=True)  # after an error, fits that have not begun do not begin


def score_in_parallel(
    data: TrainingSet, estimator: Estimator, parts: Sequence[tuple[Ints, Ints]], limit: int = MOST_ROWS
) -> list[Floats]:
    """For each pair of places: fit on about ``limit`` of the rows at the first, and score those at the second."""
    threads = data.learner.threads if estimator.name in PARALLEL else 1
    return list(fit_in_parallel([partial(_fit_and_score, data, estimator, limit, *part) for part in parts], threads))


def _fit_and_score(
    data: TrainingSet, estimator: Estimator, limit: int, places: Ints, scored: Ints, threads: int
) -> Floats:
    rows = data.fit_rows(places, limit)
    scorer = estimator.fit(rows.training, replace(rows.learner, threads=threads))
    return checked_margin(scorer, rows.encode(scored))
