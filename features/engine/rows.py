"""The rows of a relation as columns of numbers: what every aggregate is computed from.

For many cutoffs rows stand in the order of their account, its things (tickets, say) and time. An account's rows are
then neighbours in memory, a range of accounts is a slice, and the latest row of a thing is the last one of its run. For
one cutoff that would cost more than it saves: rows stay as they came, and the latest is the one with the highest time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

import numpy as np
import pyarrow as pa

from features.arrow import dictionary_codes, position_array, rank_values, to_numpy
from features.engine.windows import Flags, Floats, Ints, Values, sort_positions
from features.history.versions import FOREVER


@dataclass(frozen=True)
class RowColumn:
    """What an expression says of each row, or of each class of rows; ``words`` are the texts that codes stand for."""

    values: Values
    of_classes: bool = False
    words: pa.Array | None = None

    @classmethod
    def of(cls, column: pa.ChunkedArray, *, of_classes: bool = False) -> RowColumn:
        """Numbers and truths as they are; anything else as codes, −1 where there is nothing."""
        if pa.types.is_primitive(column.type) and not pa.types.is_temporal(column.type):
            return cls(to_numpy(column), of_classes)
        codes, words = dictionary_codes(column)
        return cls(codes, of_classes, words)


@dataclass(frozen=True)
class Order:
    """An order of rows: by entity (``account`` or the columns of a thing), then by an instant, then by content."""

    entity: tuple[str, ...]
    instant: str
    ties: tuple[str, ...]


BY_ACCOUNT = Order((), "", ())
"""By account, in no order beyond it."""

EARLIEST = np.iinfo(np.int64).min + 1
"""Before every moment; its opposite is after all of them."""

BLOCK = 2**18
"""Rows that are looked at together where each is looked at once: their numbers stay in the processor's cache."""

FEW_ENTITIES = 8
"""Numbers of entities that are as many times the rows leave an array of them mostly empty: they are counted anew."""


@dataclass(frozen=True)
class Rows:
    """``account`` is the place of each row's account in the cube, ``code`` the row's class.

    ``order`` is the order that they stand in; without one they stand as they came.
    """

    columns: Mapping[str, RowColumn]
    account: Ints
    code: Ints | None
    order: Order | None = None

    def __len__(self) -> int:
        return len(self.account)

    @cached_property
    def every(self) -> Ints:
        """All positions; whoever asks with these is answered without a copy."""
        return np.arange(len(self))

    def sorted(self, order: Order) -> Rows:
        """The same rows in an order."""
        if order is BY_ACCOUNT:
            return self.taken(sort_positions(self.account.astype(np.int64), None), BY_ACCOUNT)
        return self.taken(self._settled(self.every, self.entities(order.entity, self.every), order), order)

    def taken(self, row: Ints, order: Order) -> Rows:
        """The rows at these positions."""
        columns = {
            text: column if column.of_classes else replace(column, values=column.values[row])
            for text, column in self.columns.items()
        }
        return Rows(columns, self.account[row], None if self.code is None else self.code[row], order)

    def of_accounts(self, first: int, end: int) -> Rows:
        """The rows of the accounts at the places ``[first, end)``: a view of rows that are in the order of accounts."""
        low, high = np.searchsorted(self.account, (first, end)).tolist()
        columns = {
            text: column if column.of_classes else replace(column, values=column.values[low:high])
            for text, column in self.columns.items()
        }
        code = None if self.code is None else self.code[low:high]
        return Rows(columns, self.account[low:high] - self.account.dtype.type(first), code, self.order)

    def values(self, expression: str, row: Ints) -> Values:
        """What an expression says of some rows: numbers (NaN where there is none), days, or truths."""
        column = self.columns[expression]
        if column.of_classes and self.code is not None:
            return column.values[self.code if row is self.every else self.code[row]]
        return column.values if row is self.every else column.values[row]

    def floats(self, expression: str, row: Ints) -> Floats:
        """A number of each row; NaN where it has none."""
        return self.values(expression, row).astype(np.float64, copy=False)

    def days(self, expression: str, row: Ints) -> Ints:
        """A day of each row."""
        return cast("Ints", self.values(expression, row))

    def where(self, conditions: Sequence[str]) -> Ints:
        """The rows for which every condition is true."""
        return np.flatnonzero(self.holds(conditions, self.every)) if conditions else self.every

    def holds(self, conditions: Sequence[str], row: Ints) -> Flags:
        """Of some rows those for which all conditions are true: what classes tell is put together, and then spread."""
        columns = [self.columns[text] for text in conditions]
        of_rows = [self.values(text, row).view(np.bool_) for text in conditions if not self.columns[text].of_classes]
        of_classes = [column.values.view(np.bool_) for column in columns if column.of_classes]
        if of_classes and self.code is not None:
            code = self.code if row is self.every else self.code[row]
            of_rows.append(np.logical_and.reduce(of_classes)[code])
        found: Flags = np.logical_and.reduce(of_rows) if of_rows else np.ones(len(row), np.bool_)
        return found

    def texts(self, expression: str, row: Ints) -> pa.Array:
        """The text of some rows; nothing where a position is below zero, or the row has none."""
        words = self.columns[expression].words
        if words is None:
            raise TypeError(f"{expression} is not a text")
        codes = np.where(row < 0, -1, self.values(expression, np.maximum(row, 0)) if len(self) else -1)
        return words.take(position_array(codes.astype(np.int64))).cast(pa.string())

    def entities(self, parts: Sequence[str], row: Ints) -> Ints:
        """A number for each account and thing of an account, in the order of accounts, as tickets are numbered."""
        ticket = "ticket" in parts
        found = (self.values("ticket", row) if ticket else self.account[row]).astype(np.int64)
        for part in parts:
            if part not in ("account", "ticket"):
                found = found * (self._highest(part) + 2) + self.values(part, row).astype(np.int64, copy=False) + 1
        return found

    def _highest(self, part: str) -> int:
        """The highest number that any row has for a part of an entity."""
        values = self.account if part == "account" else self.columns[part].values
        return int(values.max(initial=0))

    def _size(self, parts: Sequence[str]) -> int:
        """How many entities there may be."""
        size = self._highest("ticket" if "ticket" in parts else "account") + 1
        for part in parts:
            size *= 1 if part in ("account", "ticket") else self._highest(part) + 2
        return size

    def in_order(self, order: Order, row: Ints) -> tuple[Ints, Ints]:
        """Some rows, ascending, brought into an order, and the entity of each."""
        entity = self.entities(order.entity, row)
        if order == self.order:
            return row, entity
        settled = self._settled(row, entity, order)
        return row[settled], entity[settled]

    def outermost(self, order: Order, row: Ints, *, last: bool) -> Ints:
        """The places in ``row`` of the last (or first) row of each entity in an order, whatever order they are in."""
        found, entity = self._outermost(order, row, last=last)
        several = np.bincount(entity)[entity] > 1
        if not several.any():
            return found
        tied, of = found[several], entity[several]
        settled = self._settled(row[tied], of, order)
        tied, change = tied[settled], np.flatnonzero(np.diff(of[settled]))
        ends = np.append(change, len(tied) - 1) if last else np.append(0, change + 1)
        return np.concatenate((found[~several], tied[ends]))

    def _outermost(self, order: Order, row: Ints, *, last: bool) -> tuple[Ints, Ints]:
        """The places in ``row`` of the last (or first) moment of each entity, and the entity of each.

        Rows are gone through a block at a time: what is made of all of them at once would be new memory every time.
        """
        size, names = self._size(order.entity), None
        if size > FEW_ENTITIES * len(row):
            names = np.unique(self.entities(order.entity, row))
            size = len(names)

        def entities(some: Ints) -> Ints:
            found = self.entities(order.entity, some)
            return found if names is None else np.searchsorted(names, found)

        best = np.full(size, EARLIEST if last else -EARLIEST)
        blocks = [row[begin : begin + BLOCK] for begin in range(0, len(row), BLOCK)]
        for some in blocks:
            (np.maximum if last else np.minimum).at(best, entities(some), self._moments(order, some))
        holds = [self._moments(order, some) == best[entities(some)] for some in blocks]
        found = np.flatnonzero(np.concatenate(holds)) if holds else np.empty(0, np.int64)
        return found, entities(row[found])

    def _moments(self, order: Order, row: Ints) -> Ints:
        """The moments by which an order compares some rows."""
        return self.values(order.instant, row).astype(np.int64, copy=False)

    def _settled(self, row: Ints, entity: Ints, order: Order) -> Ints:
        """Positions in ``row`` by entity and time; what ties is settled by its content, then by when it was known."""
        time = self._moments(order, row)
        found = sort_positions(entity, time)
        same = (np.diff(time[found]) == 0) & (np.diff(entity[found]) == 0)
        tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
        if len(tied):
            among = found[tied]
            content = [self._rank(text, row[among]) for text in reversed(order.ties)]
            keys = (self.values("known", row[among]), *content, time[among], entity[among])
            found[tied] = among[np.lexsort(keys)]
        return found

    def _rank(self, expression: str, row: Ints) -> Values:
        column = self.columns[expression]
        codes = self.values(expression, row)
        return codes if column.words is None else rank_values(column.words)[codes]


def any_replaced(found: pa.Table) -> bool:
    """Whether any of the rows that were read is not the newest version of its thing."""
    return bool((to_numpy(found.column("replaced")) < FOREVER).any())
