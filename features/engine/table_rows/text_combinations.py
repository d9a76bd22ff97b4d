"""The texts of a relation, each combination of them once.

Among millions of rows there are few different combinations of kind, actor, priority and the like. A row carries the
number of its combination, its *class*; an expression over these columns alone (a condition, an order, a name) is
evaluated once for each class and looked up, instead of being read and compared as text on every row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import numpy as np
import pyarrow as pa

from features.contract import TABLES
from features.engine.table_rows.expressions import columns_in, tables_of
from features.engine.table_rows.rows import RowColumn, Rows
from features.engine.windows import Flags, Ints
from features.history.history import History


@dataclass(frozen=True)
class CombinationTable:
    """The combinations of some columns of a table, numbered from 0 in the relation ``name``.

    ``opened`` is the number of the event that every ticket begins with, which is no row of the source.
    """

    name: str
    columns: tuple[str, ...]
    size: int = 1
    opened: int = 0

    def join(self, rows: str) -> str:
        """The rows with their number as ``class``."""
        if not self.columns:
            return f"SELECT *, 0 AS class FROM ({rows})"
        same = " AND ".join(f"v.{column} IS NOT DISTINCT FROM c.{column}" for column in self.columns)
        return f"SELECT v.*, c.class FROM ({rows}) AS v JOIN {self.name} AS c ON {same}"


class RowClasses:
    """The classes of a relation's rows, and the value of some expressions for each class."""

    def __init__(self, relation: str, history: History, expressions: Iterable[str]) -> None:
        self.expressions = tuple(expressions)
        used = {column for text in self.expressions for column in columns_in(relation, text)}
        self.tables = {
            table: _combinations(table, tuple(column for column in TABLES[table].few_values if column in used), history)
            for table in tables_of(relation)
            if TABLES[table].few_values
        }
        self._history = history

    def join(self, table: str, rows: str) -> str:
        """The rows of a table with the number of their combination, where it has classes."""
        return self.tables[table].join(rows) if table in self.tables else rows

    @property
    def opened(self) -> int:
        """The class of the event that every ticket begins with."""
        return self.tables["ticket_events"].opened

    def of_timeline(self, event: Ints, ticket: Ints) -> Ints:
        """The class of rows of the timeline: one for each pair of an event's class and its ticket's."""
        return event * self.tables["tickets"].size + ticket

    @property
    def size(self) -> int:
        """The number of classes."""
        return prod(table.size for table in self.tables.values())

    def add_columns(self, rows: Rows) -> Rows:
        """The rows with the expressions, looked up by class."""
        return replace(rows, columns={**rows.columns, **self._columns}) if self.expressions else rows

    @cached_property
    def _columns(self) -> dict[str, RowColumn]:
        values = self.values()
        return {
            text: RowColumn.of(values.column(f"c{place}"), of_classes=True)
            for place, text in enumerate(self.expressions)
        }

    @property
    def events(self) -> int:
        """The number of classes of events of tickets."""
        return self.tables["ticket_events"].size

    def all_true(self, conditions: Sequence[str]) -> Flags:
        """By class whether those of some conditions that depend on it alone are true."""
        flags = [self._columns[text].values.view(np.bool_) for text in conditions if text in self.expressions]
        every: Flags = np.logical_and.reduce(flags) if flags else np.ones(self.size, np.bool_)
        return every

    def values(self) -> pa.Table:
        """A column for each expression, in the order of the classes."""
        columns = ", ".join(f"{text} AS c{number}" for number, text in enumerate(self.expressions))
        tables = [table for table in self.tables.values() if table.columns]
        names = " CROSS JOIN ".join(table.name for table in tables)
        order = ", ".join(f"{table.name}.class" for table in tables)
        return self._history.query(f"SELECT {columns} FROM {names} ORDER BY {order}")


def _combinations(table: str, columns: tuple[str, ...], history: History) -> CombinationTable:
    """The combinations of a table's texts, numbered once for a history."""
    name = "_".join(("classes", table, *columns))
    return history.cached(
        name, lambda: _number(name, table, columns, history) if columns else CombinationTable(name, ())
    )


def _number(name: str, table: str, columns: tuple[str, ...], history: History) -> CombinationTable:
    names = ", ".join(columns)
    opened = ", ".join("'opened'" if column == "kind" else "NULL" for column in columns)
    combinations = f"SELECT DISTINCT {names} FROM {table}"
    if table == "ticket_events":
        combinations += f" UNION SELECT {opened}"
    rows = history.query(
        f"SELECT *, CAST(row_number() OVER (ORDER BY {names}) - 1 AS INTEGER) AS class, "
        f"({names}) IS NOT DISTINCT FROM ({opened}) AS opened FROM ({combinations}) ORDER BY class"
    )
    history.create_table(name, rows)
    is_opened = rows.column("opened").to_pylist()
    return CombinationTable(name, columns, len(rows), is_opened.index(True) if True in is_opened else 0)
