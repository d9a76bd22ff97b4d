"""The rows of a relation as columns of numbers, from which every aggregate is computed.

For many cutoffs rows are sorted by account, entity (a ticket, say) and time. An account's rows are then neighbours in
memory, a range of accounts is a slice, and the latest row of an entity is the last one of its run. For one cutoff
sorting would cost more than it saves: rows stay unsorted, and the latest is the one with the highest time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

import numpy as np
import pyarrow as pa

from features.arrow import dictionary_codes, position_array, rank_values, to_numpy
from features.engine.windows import SPARSE, Flags, Floats, Ints, Values, sort_positions
from features.history.versions import FOREVER


@dataclass(frozen=True)
class RowColumn:
    """The values of an expression, by row or by class of rows; ``words`` are the texts of codes.

    ``added`` are values of further rows, which are not copied behind the others; ``numbers`` are those that take the
    place of the numbers in ``values``.
    """

    values: Values
    of_classes: bool = False
    words: pa.Array | None = None
    added: Values | None = None
    numbers: Ints | None = None

    def take(self, row: Ints) -> Values:
        """The values of some rows."""
        if self.added is None:
            return self.values[row]
        count = len(self.values)
        if not count:
            return self.added[row]
        is_early = row < count
        end = int(np.count_nonzero(is_early))
        in_order = bool(is_early[:end].all())  # rows of ``values``, then the others: nearly always
        taken = self.values[row[:end] if in_order else np.minimum(row, count - 1)]
        taken = taken if self.numbers is None else self.numbers[taken]
        if in_order:
            return np.concatenate((taken, self.added[row[end:] - count].astype(taken.dtype, copy=False)))
        late = np.flatnonzero(~is_early)
        taken[late] = self.added[row[late] - count]
        return taken

    @property
    def highest(self) -> int:
        """No number is higher than this one."""
        parts = [self.values if self.numbers is None else self.numbers, self.added]
        return max(int(part.max(initial=0)) for part in parts if part is not None)

    @classmethod
    def of(cls, column: pa.ChunkedArray, *, of_classes: bool = False) -> RowColumn:
        """Numbers and booleans as they are; anything else as codes, −1 for null."""
        if pa.types.is_primitive(column.type) and not pa.types.is_temporal(column.type):
            return cls(to_numpy(column), of_classes)
        codes, words = dictionary_codes(column)
        return cls(codes, of_classes, words)


@dataclass(frozen=True)
class Order:
    """An order of rows: by entity (``account``, or further columns), then by an instant, then by content."""

    entity: tuple[str, ...]
    instant: str
    ties: tuple[str, ...]


BY_ACCOUNT = Order((), "", ())
"""By account only."""

EARLIEST = np.iinfo(np.int64).min + 1
"""Before every instant; its opposite is after all of them."""

BLOCK = 2**18
"""Rows that are processed together in a single pass: their numbers stay in the processor's cache."""


@dataclass(frozen=True)
class Rows:
    """``account`` is the position of each row's account in the cube, ``code`` the row's class.

    ``order`` is their order; ``None`` where they are not sorted.
    """

    columns: Mapping[str, RowColumn]
    account: Ints
    code: Ints | None
    order: Order | None = None

    def __len__(self) -> int:
        return len(self.account)

    @cached_property
    def all_positions(self) -> Ints:
        """All positions; values of these are returned without a copy."""
        return np.arange(len(self))

    def sorted(self, order: Order) -> Rows:
        """The same rows, sorted."""
        if order is BY_ACCOUNT:
            return self.take_rows(sort_positions(self.account.astype(np.int64), None), BY_ACCOUNT)
        return self.take_rows(
            self._sort(self.all_positions, self.entities(order.entity, self.all_positions), order), order
        )

    def take_rows(self, row: Ints, order: Order | None) -> Rows:
        """The rows at these positions."""
        columns = {
            text: column if column.of_classes else RowColumn(column.take(row), words=column.words)
            for text, column in self.columns.items()
        }
        return Rows(columns, self.account[row], None if self.code is None else self.code[row], order)

    def copy_rows(self) -> Rows:
        """The same rows in arrays of their own."""
        return self.take_rows(self.all_positions, self.order)

    def slice_accounts(self, first: int, end: int) -> Rows:
        """The rows of the accounts at the positions ``[first, end)``: a view of rows sorted by account."""
        low, high = np.searchsorted(self.account, (first, end)).tolist()
        columns = {
            text: column if column.of_classes else replace(column, values=column.values[low:high])
            for text, column in self.columns.items()
        }
        code = None if self.code is None else self.code[low:high]
        return Rows(columns, self.account[low:high] - self.account.dtype.type(first), code, self.order)

    def values(self, expression: str, row: Ints) -> Values:
        """The values of an expression for some rows: numbers (NaN where missing), days, or booleans."""
        column = self.columns[expression]
        if column.of_classes and self.code is not None:
            return column.values[self.code if row is self.all_positions else self.code[row]]
        return column.values if row is self.all_positions and column.added is None else column.take(row)

    def floats(self, expression: str, row: Ints) -> Floats:
        """A number for each row; NaN where it is missing."""
        return self.values(expression, row).astype(np.float64, copy=False)

    def days(self, expression: str, row: Ints) -> Ints:
        """A day for each row."""
        return cast("Ints", self.values(expression, row))

    def where(self, conditions: Sequence[str]) -> Ints:
        """The rows for which every condition is true."""
        return np.flatnonzero(self.all_true(conditions, self.all_positions)) if conditions else self.all_positions

    def all_true(self, conditions: Sequence[str], row: Ints) -> Flags:
        """For some rows whether all conditions are true; conditions by class are combined before they are looked up."""
        columns = [self.columns[text] for text in conditions]
        of_rows = [self.values(text, row).view(np.bool_) for text in conditions if not self.columns[text].of_classes]
        of_classes = [column.values.view(np.bool_) for column in columns if column.of_classes]
        if of_classes and self.code is not None:
            code = self.code if row is self.all_positions else self.code[row]
            of_rows.append(np.logical_and.reduce(of_classes)[code])
        flags: Flags = np.logical_and.reduce(of_rows) if of_rows else np.ones(len(row), np.bool_)
        return flags

    def texts(self, expression: str, row: Ints) -> pa.Array:
        """The text of some rows; null where a position is below zero, or the row has none."""
        words = self.columns[expression].words
        if words is None:
            raise TypeError(f"{expression} is not a text")
        codes = np.where(row < 0, -1, self.values(expression, np.maximum(row, 0)) if len(self) else -1)
        return words.take(position_array(codes.astype(np.int64))).cast(pa.string())

    def entities(self, parts: Sequence[str], row: Ints) -> Ints:
        """A number for each entity of an account, in the order of accounts, as tickets are numbered."""
        ticket = "ticket" in parts
        number = (self.values("ticket", row) if ticket else self.account[row]).astype(np.int64)
        for part in parts:
            if part not in ("account", "ticket"):
                number = number * (self._highest(part) + 2) + self.values(part, row).astype(np.int64, copy=False) + 1
        return number

    def _highest(self, part: str) -> int:
        """The highest number that any row has for a part of an entity."""
        return int(self.account.max(initial=0)) if part == "account" else self.columns[part].highest

    def _size(self, parts: Sequence[str]) -> int:
        """The number of possible entities."""
        size = self._highest("ticket" if "ticket" in parts else "account") + 1
        for part in parts:
            size *= 1 if part in ("account", "ticket") else self._highest(part) + 2
        return size

    def in_order(self, order: Order, row: Ints) -> tuple[Ints, Ints]:
        """Some rows (ascending positions) in an order, and the entity of each."""
        entity = self.entities(order.entity, row)
        if order == self.order:
            return row, entity
        order_of_rows = self._sort(row, entity, order)
        return row[order_of_rows], entity[order_of_rows]

    def outermost(self, order: Order, row: Ints, *, last: bool) -> Ints:
        """The positions in ``row`` of the last (or first) row of each entity in an order; they need not be sorted."""
        outermost, entity = self._outermost(order, row, last=last)
        several = np.bincount(entity)[entity] > 1
        if not several.any():
            return outermost
        tied, entity_of_tied = outermost[several], entity[several]
        order_of_rows = self._sort(row[tied], entity_of_tied, order)
        tied, change = tied[order_of_rows], np.flatnonzero(np.diff(entity_of_tied[order_of_rows]))
        ends = np.append(change, len(tied) - 1) if last else np.append(0, change + 1)
        return np.concatenate((outermost[~several], tied[ends]))

    def _outermost(self, order: Order, row: Ints, *, last: bool) -> tuple[Ints, Ints]:
        """The positions in ``row`` of the last (or first) instant of each entity, and the entity of each.

        Rows are processed a block at a time: arrays over all of them would allocate new memory every time.
        """
        size, names = self._size(order.entity), None
        if size > SPARSE * len(row):
            names = np.unique(self.entities(order.entity, row))
            size = len(names)

        def entities(some: Ints) -> Ints:
            numbers = self.entities(order.entity, some)
            return numbers if names is None else np.searchsorted(names, numbers)

        best = np.full(size, EARLIEST if last else -EARLIEST)
        blocks = [row[begin : begin + BLOCK] for begin in range(0, len(row), BLOCK)]
        for some in blocks:
            (np.maximum if last else np.minimum).at(best, entities(some), self._instants(order, some))
        is_best = [self._instants(order, some) == best[entities(some)] for some in blocks]
        outermost = np.flatnonzero(np.concatenate(is_best)) if is_best else np.empty(0, np.int64)
        return outermost, entities(row[outermost])

    def _instants(self, order: Order, row: Ints) -> Ints:
        """The instants by which an order compares some rows."""
        return self.values(order.instant, row).astype(np.int64, copy=False)

    def _sort(self, row: Ints, entity: Ints, order: Order) -> Ints:
        """Positions in ``row`` sorted by entity and time; ties by content, then by when the row was known."""
        time = self._instants(order, row)
        positions = sort_positions(entity, time)
        same = (np.diff(time[positions]) == 0) & (np.diff(entity[positions]) == 0)
        tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
        if len(tied):
            among = positions[tied]
            content = [self._rank(text, row[among]) for text in reversed(order.ties)]
            keys = (self.values("known", row[among]), *content, time[among], entity[among])
            positions[tied] = among[np.lexsort(keys)]
        return positions

    def _rank(self, expression: str, row: Ints) -> Values:
        column = self.columns[expression]
        codes = self.values(expression, row)
        return codes if column.words is None else rank_values(column.words)[codes]


def any_replaced(rows: pa.Table) -> bool:
    """Whether any of the rows is not the newest version of its record."""
    return bool((to_numpy(rows.column("replaced")) < FOREVER).any())
