"""Old rows of a table that can no longer count, left out before they are read.

At one cutoff most rows of a long table, such as health scores, lie before every window. Of these, only the latest of
each account (or source) may count, and only where no later row has taken its place for good. So the rows inside the
windows are read first, and of the older ones only those of accounts and classes for which that is not the case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from features.arrow import number_array
from features.contract import TABLES
from features.definitions.measures import Aggregate
from features.engine.account_range import Scope
from features.engine.table_rows.countable_rows import CountableRows, Selection, pick_order
from features.engine.table_rows.rows import Rows
from features.engine.table_rows.text_combinations import RowClasses
from features.engine.windows import Flags, Ints
from features.history.history import History

SHORTEST = 90
"""Days before the first cutoff that are read in any case: nearly every account has a row in them."""


@dataclass(frozen=True)
class OldRows:
    """The rows of a table before the day ``since``, which are in no window at any cutoff from the day ``first`` on."""

    table: str
    first: int
    since: int
    latest: tuple[Selection, ...]

    @classmethod
    def of(cls, table: str, parts: Sequence[Aggregate], classes: RowClasses, first: int) -> OldRows | None:
        """The old rows, where at most the latest of each entity can count; else ``None``.

        All versions of a row have to be of one day and of one class, so that none of them is left out alone.
        """
        contract = TABLES[table]
        same_class = all(set(combination.columns) <= set(contract.key) for combination in classes.tables.values())
        if contract.own_id or contract.event_time not in contract.key or not same_class:
            return None
        selections = dict.fromkeys(Selection.of_measure(part) for part in parts)
        latest = tuple(selection for selection in selections if selection.within is None)
        if any(selection.stream.at != contract.event_time for selection in selections) or not all(
            _has_newest(selection, classes) for selection in latest
        ):
            return None
        reach = max((selection.stream.shift + (selection.within or 0) for selection in selections), default=0)
        return cls(table, first, first - max(reach, SHORTEST), latest)

    def query(self, classes: RowClasses, uncovered: str) -> str:
        """SQL of those of the old rows whose account and class is in the table ``uncovered``."""
        old = f"SELECT * FROM {self.table} WHERE {TABLES[self.table].event_time} < DATE '1970-01-01' + ({self.since})"
        columns = ", ".join(f'o."{name}"' for name in TABLES[self.table].names)
        classed = classes.join(self.table, old)
        same = "account_id, class" if self.table in classes.tables else "account_id"
        return f"SELECT {columns} FROM ({classed}) AS o JOIN {uncovered} AS u USING ({same})"

    def uncovered(self, recent: Rows, scope: Scope, history: History, classes: RowClasses) -> pa.Table:
        """The account and class of each old row that may count, given the rows since that day."""
        covered = np.ones((len(scope), classes.size), np.bool_)
        rows = CountableRows(recent, self.first)
        for selection in self.latest:
            covered &= self._covered(selection, rows, covered.shape)
        account, code = np.nonzero(~covered)
        ids = history.accounts.take(number_array(scope.codes[account]))
        return pa.table({"account_id": ids, "class": number_array(code.astype(np.int32))})

    def _covered(self, selection: Selection, countable: CountableRows, shape: tuple[int, int]) -> Flags:
        """By account and class, whether an old row cannot count: a later one has its place, or a condition is false."""
        rows, classes = countable.rows, shape[1]
        conditions = [rows.columns[text] for text in selection.conditions]
        of_classes = [column.values.view(np.bool_) for column in conditions if column.of_classes]
        impossible = ~np.logical_and.reduce(of_classes) if of_classes else np.zeros(classes, np.bool_)
        row = rows.where(selection.conditions)
        row = row[np.flatnonzero(countable.is_settled(selection.stream, row))]
        entity = self._entity_of_class(selection, rows, classes)
        found = np.zeros((shape[0], int(entity.max(initial=0)) + 1), np.bool_)
        found[rows.account[row], entity[rows.code[row]] if rows.code is not None else 0] = True
        covered: Flags = found[:, entity] | impossible
        return covered

    @staticmethod
    def _entity_of_class(selection: Selection, rows: Rows, classes: int) -> Ints:
        """The number of the entity, within an account, of the rows of each class."""
        entity = np.zeros(classes, np.int64)
        for part in pick_order(selection.stream).entity if selection.stream.pick else ():
            if part != "account":
                values = rows.columns[part].values.astype(np.int64)
                entity = entity * (int(values.max(initial=0)) + 2) + values + 1
        return np.unique(entity, return_inverse=True)[1]


def _has_newest(selection: Selection, classes: RowClasses) -> bool:
    """Whether only the newest row of each entity counts, and the entity is an account or follows from a class."""
    stream = selection.stream
    if selection.nearest == "newest":
        return True
    return (
        stream.pick == "latest"
        and stream.until is None
        and all(part == "account" or part in classes.expressions for part in pick_order(stream).entity)
    )
