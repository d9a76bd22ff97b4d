"""Arrow columns from arrays, by their buffers: without a copy, and without the second that importing pandas takes.

(``pyarrow.to_numpy`` asks pandas whether it was given a Series, and imports it for the question.)
"""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_TYPES = {
    "float64": pa.float64(),
    "float32": pa.float32(),
    "int64": pa.int64(),
    "int32": pa.int32(),
    "int16": pa.int16(),
    "int8": pa.int8(),
    "uint64": pa.uint64(),
}

CHUNK_ROWS = 1_000_000
"""Rows in each part of what DuckDB answers: large parts are put together several times quicker than its usual ones."""


def number_array(values: NDArray[np.generic]) -> pa.Array:
    """The numbers as they are."""
    values = np.ascontiguousarray(values)
    return pa.Array.from_buffers(_TYPES[str(values.dtype)], len(values), [None, pa.py_buffer(values)])


def nullable_array(values: NDArray[np.float64]) -> pa.Array:
    """The numbers, with null where one is NaN or infinite."""
    return _masked(values, np.isfinite(values))


def flag_array(values: NDArray[np.bool_], known: NDArray[np.bool_]) -> pa.Array:
    """Truths, with null for those that are not known."""
    bits = [pa.py_buffer(np.packbits(told, bitorder="little")) for told in (known, values)]
    return pa.Array.from_buffers(pa.bool_(), len(values), bits)


def position_array(values: NDArray[np.int64]) -> pa.Array:
    """Positions to take, with null for those below zero."""
    return _masked(values, values >= 0)


def date_array(values: NDArray[np.int64]) -> pa.Array:
    """Day numbers since 1970 as dates."""
    return number_array(values.astype(np.int32)).cast(pa.date32())


def _masked(values: NDArray[np.generic], known: NDArray[np.bool_]) -> pa.Array:
    values = np.ascontiguousarray(values)
    if known.all():
        return number_array(values)
    bits = pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(_TYPES[str(values.dtype)], len(values), [bits, pa.py_buffer(values)])


def to_numpy(column: pa.Array | pa.ChunkedArray) -> NDArray[Any]:
    """A column of numbers, days or truths that has no nulls, as an array; for numbers it is not copied."""
    truths = pa.types.is_boolean(column.type)
    name = "bool" if truths else {"double": "float64", "float": "float32"}.get(str(column.type), str(column.type))
    if not len(column):
        return np.empty(0, dtype=name)
    column = combine_chunks(column)
    values = column.buffers()[1]
    if truths:
        bits = np.frombuffer(values, dtype=np.uint8)
        return np.unpackbits(bits, count=column.offset + len(column), bitorder="little")[column.offset :].view(np.bool_)
    return np.frombuffer(values, dtype=name)[column.offset : column.offset + len(column)]


def combine_chunks(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column's parts as one; without a part it is empty, which ``combine_chunks`` would ask pandas about."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.combine_chunks() if column.num_chunks else pa.nulls(0, column.type)


def to_int64(column: pa.Array | pa.ChunkedArray) -> NDArray[np.int64]:
    """A column of whole numbers without nulls as an array."""
    return to_numpy(column).astype(np.int64, copy=False)


def dictionary_codes(column: pa.Array | pa.ChunkedArray) -> tuple[NDArray[np.int32], pa.Array]:
    """A number for each different value, −1 for a null, and the values by their numbers."""
    found = combine_chunks(column).dictionary_encode()
    value_codes = to_numpy(found.indices).astype(np.int32)
    if found.indices.null_count:
        bits = np.frombuffer(found.indices.buffers()[0], dtype=np.uint8)
        known = np.unpackbits(bits, count=found.indices.offset + len(value_codes), bitorder="little")[
            found.indices.offset :
        ]
        value_codes[known == 0] = -1
    return value_codes, found.dictionary


def value_codes(column: pa.Array | pa.ChunkedArray) -> NDArray[np.int64]:
    """A number for each different value; values of several parts have one for all of them."""
    values = combine_chunks(column)
    if not pa.types.is_struct(values.type):
        return dictionary_codes(values)[0].astype(np.int64)
    found = np.zeros(len(values), np.int64)
    for part in values.flatten():
        code = value_codes(part) + 1
        found = found * (int(code.max(initial=0)) + 1) + code
    return found


def rank_values(words: pa.Array) -> NDArray[np.int64]:
    """The place of each value among the values, ascending; the last one is for the value that is not there."""
    texts = words.to_pylist()
    place = np.full(len(texts) + 1, -1, np.int64)
    place[sorted(range(len(texts)), key=texts.__getitem__)] = np.arange(len(texts))
    return place
