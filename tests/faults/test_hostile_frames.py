"""Frames and labels that do not belong together or hold what no feature may hold: refused before anything is learnt."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from support.worlds.learning_world import World, world

from features.errors import RescueError
from models.learners.training_set import NotLearnableError, prepare_training_set
from models.risks.defaults import CHURN


@cache
def made() -> World:
    return world(accounts=120, weeks=70, base=-4.0)


def column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def infinite(frame: pa.Table, labels: pa.Table) -> tuple[pa.Table, pa.Table]:
    values = np.array(frame["noise_1"].to_numpy())
    values[7] = np.inf
    return column(frame, "noise_1", pa.array(values)), labels


def a_row_twice(frame: pa.Table, labels: pa.Table) -> tuple[pa.Table, pa.Table]:
    return pa.concat_tables([frame, frame.slice(300, 1)]), labels


def a_label_twice(frame: pa.Table, labels: pa.Table) -> tuple[pa.Table, pa.Table]:
    return frame, pa.concat_tables([labels, labels.slice(300, 1)])


def a_label_of_a_stranger(frame: pa.Table, labels: pa.Table) -> tuple[pa.Table, pa.Table]:
    names = labels["account_id"].to_pylist()
    return frame, column(labels, "account_id", pa.array(["nobody", *names[1:]]))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (infinite, "noise_1"),
        (a_row_twice, "twice"),
        (a_label_twice, "twice"),
        (a_label_of_a_stranger, "build both from the same history"),
    ],
)
def test_it_is_refused_in_a_sentence_that_names_it(
    spoil: Callable[[pa.Table, pa.Table], tuple[pa.Table, pa.Table]], says: str
) -> None:
    with pytest.raises(RescueError, match=says):
        prepare_training_set(*spoil(made().frame, made().labels), CHURN)


def test_no_labels_at_all_are_too_few() -> None:
    with pytest.raises(NotLearnableError, match="0 different events"):
        prepare_training_set(made().frame, made().labels.slice(0, 0), CHURN)


def test_labels_that_are_all_unknown_are_too_few() -> None:
    unknown = column(made().labels, "event", pa.nulls(made().labels.num_rows, pa.bool_()))
    with pytest.raises(NotLearnableError, match="0 different events"):
        prepare_training_set(made().frame, unknown, CHURN)


def test_events_everywhere_leave_nothing_to_tell_apart() -> None:
    """Every row an event: refused or judged, never a crash."""
    always = column(made().labels, "event", pa.array(np.ones(made().labels.num_rows, bool)))
    with pytest.raises(NotLearnableError):
        prepare_training_set(made().frame, always, CHURN)
