"""What some of the rows say about their columns, and how all other rows are read by those who know only these.

Which categories there are, whether a column varies, whether one of its values is ever missing: learned on all rows,
this tells a fold something about the rows that it is tested on. So every fit learns the signature of its own training
rows, and the rows that it scores are read by that signature, as a night's are read by the final one: a column that was
constant is not there, a category that was never seen is missing, and a number that was never missing gets the median.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from models.data.arrays import Bools, Floats, Ints, Matrix
from models.data.signature import MAX_LEVELS, NUMBER, RARE, InputColumn, Signature, group_rare

BLOCK_ROWS = 8192  # read together: what is copied stays in the processor's cache
MEDIAN_ROWS = 20_000  # that a median is taken from


@dataclass(frozen=True)
class Recoding:
    """From rows coded by a signature of all rows to the signature of some of them.

    Attributes:
        signature: of the rows that it was learned from.
        places: each of its columns' place in the wider signature.
        codes: by column, the code of each level of the wider signature, NaN for one that was not seen (or is none of
            the `MAX_LEVELS` most frequent).
    """

    signature: Signature
    places: Ints
    codes: Mapping[int, Matrix]

    @classmethod
    def learn(cls, coding: Signature, matrix: Matrix, rows: Ints) -> "Recoding":
        """From these rows of a matrix that ``coding`` made."""
        low, high, missing = _spans(matrix, rows)
        columns: list[InputColumn] = []
        places: list[int] = []
        codes: dict[int, Matrix] = {}
        for place, column in enumerate(coding.columns):
            nullable = bool(missing[place])
            if column.levels:
                chosen = _most_frequent(matrix[rows, place], len(column.levels))
                if len(chosen) < 2 or (column.declaration and not len(_frequent(matrix[rows, place], chosen))):
                    continue
                column, codes[len(columns)] = _category(column, matrix[rows, place], chosen)
                column = replace(column, nullable=nullable)
            elif not low[place] <= high[place] or (low[place] == high[place] and not nullable):
                continue
            else:
                column = replace(column, nullable=nullable, neutral=None if nullable else _median(matrix, rows, place))
            columns.append(column)
            places.append(place)
        if not columns:  # a learner needs a column; one that is constant tells it nothing
            columns, places = [replace(coding.columns[0], nullable=True, levels=(), type=NUMBER)], [0]
        return cls(Signature(tuple(columns)), np.array(places, dtype=np.int64), codes)

    def apply(self, matrix: Matrix, rows: Ints | None = None) -> Matrix:
        """The rows at these places (default: all) of a matrix of the wider signature, as this one reads them."""
        rows = np.arange(len(matrix)) if rows is None else rows
        read = np.empty((len(rows), len(self.places)), dtype=np.float32)
        never_missing = np.array([not self._may_be_missing(column) for column in self.signature.columns], dtype=bool)
        neutral = np.array([column.neutral or 0.0 for column in self.signature.columns], dtype=np.float32)
        for start, part in _blocks(rows):
            block = matrix[part][:, self.places]
            for place, codes in self.codes.items():
                known = ~np.isnan(block[:, place])
                block[known, place] = codes[block[known, place].astype(np.int64)]
            row, column = np.nonzero(np.isnan(block) & never_missing)
            block[row, column] = neutral[column]
            read[start : start + len(part)] = block
        return read

    @staticmethod
    def _may_be_missing(column: InputColumn) -> bool:
        return column.nullable or column.neutral is None


def _blocks(rows: Ints) -> Iterator[tuple[int, Ints]]:
    for start in range(0, len(rows), BLOCK_ROWS):
        yield start, rows[start : start + BLOCK_ROWS]


def _spans(matrix: Matrix, rows: Ints) -> tuple[Floats, Floats, Bools]:
    """Each column's least and largest value, and whether one is missing; without a value, infinity and minus it."""
    low, high = np.full(matrix.shape[1], np.inf), np.full(matrix.shape[1], -np.inf)
    missing = np.zeros(matrix.shape[1], dtype=np.bool_)
    for _, part in _blocks(rows):
        block = matrix[part]
        low, high = np.fmin(low, np.fmin.reduce(block)), np.fmax(high, np.fmax.reduce(block))
        missing |= np.isnan(block).any(axis=0)
    return low, high, missing


def _most_frequent(values: Matrix, levels: int) -> Ints:
    """The codes that occur, of many the most frequent; among equally frequent ones those that come first."""
    counts = np.bincount(values[~np.isnan(values)].astype(np.int64), minlength=levels)
    order = np.argsort(-counts, kind="stable")[:MAX_LEVELS]
    return np.sort(order[counts[order] > 0])


def _category(column: InputColumn, values: Matrix, chosen: Ints) -> tuple[InputColumn, Matrix]:
    """A category with the chosen levels, and the code of each level of the wider signature."""
    rest = np.nan
    if column.declaration:
        chosen = _frequent(values, chosen)
        rest = float(len(chosen))
    codes = np.full(len(column.levels), rest, dtype=np.float32)
    codes[chosen] = np.arange(len(chosen))
    levels = [column.levels[code] for code in chosen]
    return (group_rare(column, levels) if column.declaration else replace(column, levels=tuple(levels))), codes


def _frequent(values: Matrix, codes: Ints) -> Ints:
    """Those of the codes that are not rare."""
    counts = np.bincount(values[~np.isnan(values)].astype(np.int64), minlength=int(codes.max()) + 1)
    return np.asarray(codes[counts[codes] >= RARE * len(values)])


def _median(matrix: Matrix, rows: Ints, place: int) -> float:
    some = rows[:: max(1, len(rows) // MEDIAN_ROWS)]
    return float(np.median(matrix[some, place]))
