"""Rows stand in order as they do when they are compared, and add up to the same whatever their order."""

import math
from random import Random

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from features.engine.windows import MICROSECONDS, sort_positions, sum_by_place

entities = st.one_of(st.integers(0, 3), st.integers(0, 2**40))
moments = st.one_of(
    st.integers(-3, 3),
    st.integers(-(2**33), 2**33).map(lambda second: second * MICROSECONDS),
    st.integers(-(2**61), 2**61),
)


@given(st.lists(st.tuples(entities, moments), max_size=40))
def test_rows_stand_by_entity_then_time_then_as_they_came(rows: list[tuple[int, int]]) -> None:
    entity, time = (np.array([row[part] for row in rows], np.int64) for part in (0, 1))
    assert sort_positions(entity, time).tolist() == np.lexsort((time, entity)).tolist()
    assert sort_positions(entity, None).tolist() == np.argsort(entity, kind="stable").tolist()


@given(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=40))
def test_numbers_of_four_bytes_are_put_in_order_too(rows: list[int]) -> None:
    values = np.array(rows, np.int32)
    assert sort_positions(values, None).tolist() == np.argsort(values, kind="stable").tolist()


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.randoms())
def test_what_is_added_up_does_not_depend_on_the_order_of_the_rows(amounts: list[float], shuffle: Random) -> None:
    shuffled = shuffle.sample(amounts, len(amounts))
    one, other = (sum_by_place(np.zeros(len(rows), np.int64), np.array(rows), 1)[0] for rows in (amounts, shuffled))
    assert one == pytest.approx(other, rel=0, abs=1e-15)
    assert one == pytest.approx(math.fsum(amounts), abs=1e-9)
