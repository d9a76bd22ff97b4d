"""Which values of a row are unknown to a model: the names by row, as a plain loop finds them."""

import numpy as np
import pyarrow as pa
import pytest

from models.data.signature import InputColumn, Signature, names_by_row

COLUMNS = (
    InputColumn("a", "double", nullable=False, neutral=1.0),
    InputColumn("b", "double", nullable=True),
    InputColumn("c", "string", nullable=False, levels=("x", "y")),
)


def test_each_row_has_the_names_of_its_unknown_values_in_the_order_of_the_columns() -> None:
    frame = pa.table(
        {
            "a": pa.chunked_array([[None, 1.0], [2.0, None]], pa.float64()),
            "b": pa.array([None, None, 1.0, float("inf")], pa.float64()),
            "c": pa.chunked_array([["x", "z"], ["y", None]], pa.string()),
        }
    )
    signature = Signature(COLUMNS)
    assert signature.unknown(frame).to_pylist() == [["a"], ["c"], None, ["a", "c"]]
    assert signature.unfit(frame).to_pylist() == [None, None, None, ["b"]]
    assert signature.unknown(frame.slice(2, 1)).to_pylist() == [None]
    assert signature.unknown(frame.slice(0, 0)).to_pylist() == []


@pytest.mark.parametrize("count", [0, 1, 7, 300])
def test_names_by_row_are_those_that_a_loop_collects(count: int) -> None:
    chance = np.random.default_rng(count)
    rows = np.sort(chance.integers(0, count, 2 * count)) if count else np.empty(0, dtype=np.int64)
    chance.shuffle(rows)
    names = [f"n{number}" for number in range(len(rows))]
    expected = [[name for name, row in zip(names, rows, strict=True) if row == place] or None for place in range(count)]
    found = names_by_row(pa.array(names, pa.string()), rows, count)
    assert found.to_pylist() == expected
    assert found.type == pa.list_(pa.string())
