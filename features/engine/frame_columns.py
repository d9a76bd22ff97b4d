"""The columns of a frame at several cutoffs, filled by ranges of accounts.

A frame is ordered by cutoff, and computed by ranges of accounts. Which rows it has is known before its columns are, so
each range writes its values to their places: nothing is kept in parts, joined, or copied a second time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.arrow import combine_chunks, date_array, nullable_array, number_array, position_array, to_numpy
from features.definitions.feature import Feature
from features.engine.account_range import Scope
from features.engine.evaluate import FeatureValues
from features.engine.windows import Flags, Ints


class FrameColumns:
    """The rows of a frame: ``known`` says by cutoff and account which there are; ``days`` are the cutoffs."""

    def __init__(self, known: Flags, days: Ints, accounts: pa.Array) -> None:
        self._known, self._days, self._accounts = known, days, accounts
        counts = known.sum(axis=1)
        self._counts, self._size = counts, int(counts.sum())
        self._next = np.cumsum(counts) - counts
        self._columns: dict[str, NDArray[Any]] = {}  # numbers, or codes of texts
        self._texts: dict[str, pa.Array] = {}

    def begin(self, scope: Scope) -> tuple[Ints, list[tuple[slice, slice]]]:
        """The rows of the next range: its positions by cutoff and account, and where in the frame they go.

        That is a pair for each cutoff: which of the rows, and which of the frame's.
        """
        known = self._known[:, scope.codes]
        count = known.sum(axis=1)
        ends = np.cumsum(count)
        bounds = np.array([ends - count, ends, self._next, self._next + count]).T.tolist()
        self._next = self._next + count
        return np.flatnonzero(known), [(slice(*bound[:2]), slice(*bound[2:])) for bound in bounds]

    def write(self, name: str, values: FeatureValues, targets: Sequence[tuple[slice, slice]]) -> None:
        """The values of a column in the rows of a range; each column is written by one thread at a time."""
        written = values if isinstance(values, np.ndarray) else self._codes(name, values)
        column = self._columns.get(name)
        if column is None:
            column = self._columns[name] = np.empty(self._size, written.dtype)
        for some, rows in targets:
            column[rows] = written[some]

    def table(self, features: Sequence[Feature], metadata: Mapping[str, dict[bytes, bytes] | None]) -> pa.Table:
        """The frame, when all ranges are written."""
        account = np.flatnonzero(self._known.ravel()) % max(self._known.shape[1], 1)
        values = self.values(features)
        keys = {"account_id": self._accounts.take(number_array(account)), "as_of": values.column("as_of")}
        columns = keys | {
            name: column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
            for name, column in zip(values.column_names[1:], values.columns[1:], strict=True)
        }
        fields = [pa.field(name, column.type, metadata=metadata.get(name)) for name, column in columns.items()]
        return pa.table(columns, schema=pa.schema(fields))

    def values(self, features: Sequence[Feature]) -> pa.Table:
        """The frame without its accounts, and with codes for texts: a quarter of the memory."""
        columns = {"as_of": date_array(np.repeat(self._days, self._counts))}
        for feature in features:
            column, texts = self._columns.pop(feature.name, np.empty(0)), self._texts.get(feature.name)
            columns[feature.name] = nullable_array(column) if texts is None else _coded(column, texts)
        return pa.table(columns)

    def _codes(self, name: str, values: pa.Array) -> NDArray[np.int32]:
        """The code of each text among those of its column so far; −1 for null."""
        before = self._texts.get(name, pa.nulls(0, values.type))
        self._texts[name] = combine_chunks(pc.unique(pa.chunked_array([before, pc.unique(values.drop_null())])))
        return to_numpy(pc.fill_null(pc.index_in(values, value_set=self._texts[name]), -1))


def _coded(codes: NDArray[np.int32], texts: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(position_array(codes), texts)
