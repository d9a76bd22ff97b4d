"""Arrow columns from arrays, by their buffers: without a copy, and without the second that importing pandas takes.

(``pyarrow.array`` imports pandas to check whether its argument is a Series.)
"""

import uuid
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
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
"""Rows in each chunk of a DuckDB result: large chunks are combined several times faster than its default ones."""


def number_array(values: NDArray[np.generic]) -> pa.Array:
    """The numbers as an Arrow array."""
    values = np.ascontiguousarray(values)
    return pa.Array.from_buffers(_TYPES[str(values.dtype)], len(values), [None, pa.py_buffer(values)])


def text_array(values: Sequence[str]) -> pa.Array:
    """The texts as an Arrow array."""
    parts = [value.encode() for value in values]
    ends = np.array([0, *accumulate(map(len, parts))], np.int32)
    return pa.Array.from_buffers(pa.string(), len(parts), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(parts))])


def empty_rows(schema: pa.Schema) -> pa.Table:
    """A table without rows."""
    return pa.table([pa.nulls(0, field.type) for field in schema], schema=schema)


def nullable_array(values: NDArray[np.float64]) -> pa.Array:
    """The numbers, with null where one is NaN or infinite."""
    return _masked(values, np.isfinite(values))


def flag_array(values: NDArray[np.bool_], known: NDArray[np.bool_]) -> pa.Array:
    """Booleans, with null for those that are not known."""
    bits = [pa.py_buffer(np.packbits(array, bitorder="little")) for array in (known, values)]
    return pa.Array.from_buffers(pa.bool_(), len(values), bits)


def position_array(values: NDArray[np.integer[Any]]) -> pa.Array:
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


def store_tables(tables: Iterable[pa.Table], folder: Path) -> list[pa.Table]:
    """Tables of one schema, written to a new file in a folder; their columns are mapped into memory when they are used.

    Nothing has to fit into memory but one of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, writer, rows = folder / f"{uuid.uuid4().hex}.arrow", None, []
    with pa.OSFile(str(path), "wb") as file:
        for table in tables:
            writer = writer or pa.ipc.new_file(file, table.schema)
            rows.append(table.num_rows)
            writer.write_table(table.combine_chunks(), max_chunksize=max(table.num_rows, 1))
        if writer is None:
            return []
        writer.close()
    stored = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    return [stored.slice(end - count, count) for end, count in zip(accumulate(rows), rows, strict=True)]


def to_numpy(column: pa.Array | pa.ChunkedArray) -> NDArray[Any]:
    """A column of numbers, days or booleans without nulls as a NumPy array; numbers are not copied."""
    is_boolean = pa.types.is_boolean(column.type)
    name = "bool" if is_boolean else {"double": "float64", "float": "float32"}.get(str(column.type), str(column.type))
    if not len(column):
        return np.empty(0, dtype=name)
    if isinstance(column, pa.ChunkedArray) and column.num_chunks > 1:
        return np.concatenate([to_numpy(chunk) for chunk in column.chunks])  # into pages larger than those of Arrow
    column = combine_chunks(column)
    values = column.buffers()[1]
    if is_boolean:
        bits = np.frombuffer(values, dtype=np.uint8)
        return np.unpackbits(bits, count=column.offset + len(column), bitorder="little")[column.offset :].view(np.bool_)
    return np.frombuffer(values, dtype=name)[column.offset : column.offset + len(column)]


def combine_chunks(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column as one array; without chunks an empty one, for which Arrow's own method would import pandas."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.combine_chunks() if column.num_chunks else pa.nulls(0, column.type)


def to_int64(column: pa.Array | pa.ChunkedArray) -> NDArray[np.int64]:
    """A column of whole numbers without nulls as an array."""
    return to_numpy(column).astype(np.int64, copy=False)


def dictionary_codes(column: pa.Array | pa.ChunkedArray) -> tuple[NDArray[np.int32], pa.Array]:
    """A code for each different value, −1 for null, and the values by their codes."""
    encoded = combine_chunks(column).dictionary_encode()
    indices = encoded.indices
    codes = to_numpy(indices).astype(np.int32)
    if indices.null_count:
        bits = np.frombuffer(indices.buffers()[0], dtype=np.uint8)
        known = np.unpackbits(bits, count=indices.offset + len(codes), bitorder="little")[indices.offset :]
        codes[known == 0] = -1
    return codes, encoded.dictionary


def rank_values(words: pa.Array) -> NDArray[np.int64]:
    """The rank of each value among the values, ascending; the last entry is the rank of a missing value."""
    texts = words.to_pylist()
    ranks = np.full(len(texts) + 1, -1, np.int64)
    ranks[sorted(range(len(texts)), key=texts.__getitem__)] = np.arange(len(texts))
    return ranks
