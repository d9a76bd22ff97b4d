"""What is learned about the columns of some rows comes from these rows, and the others are read by it."""

import numpy as np
import pyarrow as pa
import pytest

from models.data.recoding import Recoding
from models.data.signature import MAX_LEVELS, Signature

NAMES = ["gone", "late", "gaps", "number", "plan"]


def frame() -> pa.Table:
    """Six rows; the first four are learned from."""
    return pa.table(
        {
            "gone": pa.array([1.0, 2.0, 3.0, 4.0, 4.0, 4.0]),
            "late": pa.array([5.0, 5.0, 5.0, 5.0, 6.0, 7.0]),
            "gaps": pa.array([1.0, None, 1.0, 1.0, 2.0, 3.0]),
            "number": pa.array([1.0, 2.0, 4.0, 5.0, None, 9.0]),
            "plan": pa.array(["free", "pro", "pro", None, "gold", "free"]),
        }
    )


def coded() -> tuple[Signature, np.ndarray]:
    signature = Signature.learn(frame(), NAMES, most_levels=None)
    return signature, signature.matrix(frame())


def test_columns_categories_and_gaps_are_those_of_the_rows() -> None:
    signature, matrix = coded()
    part = Recoding.learn(signature, matrix, np.arange(4)).signature
    assert part.names == ("gone", "gaps", "number", "plan")
    assert [column.nullable for column in part.columns] == [False, True, False, True]
    assert part.columns[3].levels == ("free", "pro")
    assert part.columns[2].neutral == 3.0


def test_other_rows_are_read_as_a_night_is_by_that_signature() -> None:
    """The same matrix as the narrower signature makes of the frame itself."""
    signature, matrix = coded()
    recoding = Recoding.learn(signature, matrix, np.arange(4))
    assert np.array_equal(recoding.apply(matrix), recoding.signature.matrix(frame()), equal_nan=True)
    assert np.array_equal(
        recoding.apply(matrix, np.array([5, 4])), recoding.signature.matrix(frame())[[5, 4]], equal_nan=True
    )
    learned = Signature.learn(frame(), NAMES, np.arange(4))
    assert learned == recoding.signature


def test_of_all_rows_it_is_the_signature_of_all_rows() -> None:
    signature, matrix = coded()
    recoding = Recoding.learn(signature, matrix, np.arange(6))
    assert recoding.signature == Signature.learn(frame(), NAMES)
    assert np.array_equal(recoding.apply(matrix), matrix, equal_nan=True)


def test_of_many_categories_the_most_frequent_of_the_rows_are_known() -> None:
    levels = [f"l{number:03}" for number in range(MAX_LEVELS + 10)]
    early = [level for number, level in enumerate(levels) for _ in range(3 if number >= 10 else 1)]
    late = levels[:10] * 50
    table = pa.table({"plan": early + late})
    signature = Signature.learn(table, ["plan"], most_levels=None)
    recoding = Recoding.learn(signature, signature.matrix(table), np.arange(len(early)))
    assert recoding.signature.columns[0].levels == tuple(levels[10:])
    read = recoding.apply(signature.matrix(table))
    assert np.isnan(read[len(early) :]).all()
    assert np.array_equal(read, recoding.signature.matrix(table), equal_nan=True)


@pytest.mark.parametrize("rows", [1, 2])
def test_rows_of_which_no_column_varies_keep_one(rows: int) -> None:
    signature, matrix = coded()
    alike = np.repeat(matrix[:1], 2, axis=0)
    recoding = Recoding.learn(signature, alike, np.arange(rows))
    assert recoding.apply(matrix).shape == (6, 1)
