"""The columns of a frame at several cutoffs, filled by ranges of accounts.

A frame is ordered by cutoff, and computed by ranges of accounts. Which rows it has is known before its columns are, so
each range writes its values to their places: nothing is kept in parts, joined, or copied a second time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from features.arrow import date_array, nullable_array, number_array
from features.definitions.feature import Feature
from features.engine.account_range import Scope
from features.engine.evaluate import FeatureValues
from features.engine.windows import Flags, Floats, Ints


class FrameColumns:
    """The rows of a frame: ``known`` says by cutoff and account which there are; ``days`` are the cutoffs."""

    def __init__(self, known: Flags, days: Ints, accounts: pa.Array) -> None:
        self._known, self._days, self._accounts = known, days, accounts
        counts = known.sum(axis=1)
        self._counts, self._size = counts, int(counts.sum())
        self._next = np.cumsum(counts) - counts
        self._numbers: dict[str, Floats] = {}
        self._texts: dict[str, list[pa.Array]] = {}
        self._pieces: list[Ints] = []

    def begin(self, scope: Scope) -> tuple[Ints, list[tuple[slice, slice]]]:
        """The rows of the next range: its positions by cutoff and account, and where in the frame they go.

        That is a pair for each cutoff: which of the rows, and which of the frame's.
        """
        known = self._known[:, scope.codes]
        count = known.sum(axis=1)
        ends = np.cumsum(count)
        bounds = np.array([ends - count, ends, self._next, self._next + count]).T.tolist()
        self._next = self._next + count
        self._pieces.append(count)
        return np.flatnonzero(known), [(slice(*bound[:2]), slice(*bound[2:])) for bound in bounds]

    def write(self, name: str, values: FeatureValues, targets: Sequence[tuple[slice, slice]]) -> None:
        """The values of a column in the rows of a range; each column is written by one thread at a time."""
        if not isinstance(values, np.ndarray):
            self._texts.setdefault(name, []).append(values)
            return
        column = self._numbers.get(name)
        if column is None:
            column = self._numbers[name] = np.empty(self._size)
        for some, rows in targets:
            column[rows] = values[some]

    def table(self, features: Sequence[Feature], metadata: Mapping[str, dict[bytes, bytes] | None]) -> pa.Table:
        """The frame, when all ranges are written."""
        account = np.flatnonzero(self._known.ravel()) % max(self._known.shape[1], 1)
        columns = {
            "account_id": self._accounts.take(number_array(account)),
            "as_of": date_array(np.repeat(self._days, self._counts)),
        }
        order = self._text_order()
        for feature in features:
            texts = self._texts.pop(feature.name, None)
            if texts is None:
                columns[feature.name] = nullable_array(self._numbers.pop(feature.name, np.empty(0)))
            else:
                columns[feature.name] = pa.concat_arrays(texts).take(number_array(order))
        fields = [pa.field(name, column.type, metadata=metadata.get(name)) for name, column in columns.items()]
        return pa.table(columns, schema=pa.schema(fields))

    def _text_order(self) -> Ints:
        """For each row of the frame its position among those of all ranges, one after another."""
        counts = np.array(self._pieces, np.int64).reshape(-1, len(self._days))
        lengths = counts.T.ravel()
        begins = (np.cumsum(counts.ravel()) - counts.ravel()).reshape(counts.shape).T.ravel()
        order: Ints = np.repeat(begins - (np.cumsum(lengths) - lengths), lengths) + np.arange(int(lengths.sum()))
        return order
