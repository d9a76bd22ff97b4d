"""Arrow columns and NumPy arrays have the same values, nulls included."""

import numpy as np
import pyarrow as pa

from features import arrow


def test_numbers_days_and_booleans_go_both_ways() -> None:
    values = np.array([3, -1, 7], dtype=np.int64)
    assert arrow.number_array(values).to_pylist() == [3, -1, 7]
    assert arrow.to_numpy(arrow.number_array(values)).tolist() == [3, -1, 7]
    assert arrow.date_array(np.array([0, 31])).to_pylist()[1].isoformat() == "1970-02-01"
    flags = pa.chunked_array([[True, False], [False, True, True]])
    assert arrow.to_numpy(flags).tolist() == [True, False, False, True, True]
    assert arrow.to_numpy(pa.array([True, False, True])[1:]).tolist() == [False, True]


def test_missing_values_are_null() -> None:
    assert arrow.nullable_array(np.array([1.5, np.nan, np.inf])).to_pylist() == [1.5, None, None]
    assert arrow.position_array(np.array([2, -1, 0])).to_pylist() == [2, None, 0]
    flags = arrow.flag_array(np.array([True, True, False]), np.array([True, False, True]))
    assert flags.to_pylist() == [True, None, False]


def test_a_column_without_chunks_is_empty() -> None:
    column = pa.chunked_array([], pa.float64())
    assert len(arrow.combine_chunks(column)) == 0
    assert arrow.to_numpy(column).dtype == np.float64


def test_codes_of_texts() -> None:
    codes, words = arrow.dictionary_codes(pa.chunked_array([["b", None], ["a", "b"]]))
    assert codes.tolist() == [0, -1, 1, 0]
    assert words.to_pylist() == ["b", "a"]
    assert arrow.rank_values(words).tolist() == [1, 0, -1]


def test_texts_and_tables_without_rows() -> None:
    assert arrow.text_array(["é", "", "abc"]).to_pylist() == ["é", "", "abc"]
    assert arrow.text_array([]).to_pylist() == []
    schema = pa.schema([("name", pa.string()), ("day", pa.date32())])
    assert arrow.empty_rows(schema) == schema.empty_table()
