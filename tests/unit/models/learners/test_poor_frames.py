"""Frames that hold next to nothing are learned from all the same, or refused in one sentence; no library complains."""

import warnings
from collections.abc import Callable
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from support.worlds.learning_world import World, world

from models.learners.training_set import NotLearnableError, prepare_training_set
from models.risks.defaults import CHURN
from models.training import fit


@cache
def made() -> World:
    return world(accounts=100, weeks=70, base=-5.2)


def with_column(values: Callable[[np.random.Generator, NDArray[np.bool_]], pa.Array]) -> pa.Table:
    """Keys and one column, made from a source of chance and whether a row is in the newer half of the cutoffs."""
    frame = made().frame
    day = frame["as_of"].to_numpy().astype("datetime64[D]").astype(np.int64)
    newer = day >= np.quantile(day, 0.45)
    return frame.select(["account_id", "as_of"]).append_column("a", values(np.random.default_rng(1), newer))


COLUMNS = {
    "one number": lambda rng, newer: pa.array(rng.normal(size=len(newer))),
    "one category": lambda rng, newer: pa.array(rng.choice(["a", "b"], len(newer)).tolist()),
    "only present or missing": lambda rng, newer: pa.array([1.0 if r < 0.5 else None for r in rng.random(len(newer))]),
    "constant in the first folds": lambda rng, newer: pa.array(np.where(newer, rng.normal(size=len(newer)), 2.0)),
    "missing in the first folds": lambda rng, newer: pa.array(
        np.where(newer, rng.normal(size=len(newer)), np.nan), from_pandas=True
    ),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_frame_of_one_poor_column_gives_everybody_the_base_rate(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained = fit(with_column(COLUMNS[name]), made().labels, CHURN, threads=1)
    assert not trained.evaluation.signal
    assert np.ptp(trained.model.predict(with_column(COLUMNS[name])).probability) < 1e-9


@pytest.mark.parametrize("value", [3.0, None])
def test_a_frame_without_a_column_that_varies_is_refused(value: float | None) -> None:
    frame = with_column(lambda rng, newer: pa.array([value] * len(newer), pa.float64()))
    with pytest.raises(NotLearnableError, match="no column of the frame varies"):
        prepare_training_set(frame, made().labels, CHURN)
