"""The texts of a relation, each combination of them once.

Among millions of rows there are few different combinations of kind, actor, priority and the like. A row carries the
number of its combination, its *class*; what is asked of these columns alone (a condition, an order, a name) is decided
once a class and looked up, instead of being read and compared as text on every row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from features.contract import TABLES
from features.engine.expressions import columns_in, tables_of
from features.engine.windows import Ints
from features.history.history import History


@dataclass(frozen=True)
class Numbering:
    """The combinations of some columns of a table, numbered from 0 in the relation ``name``.

    ``opened`` is the number of the event that every ticket begins with, of which no row tells.
    """

    name: str
    columns: tuple[str, ...]
    size: int = 1
    opened: int = 0

    def joined(self, rows: str) -> str:
        """The rows with their number as ``class``."""
        if not self.columns:
            return f"SELECT *, 0 AS class FROM ({rows})"
        same = " AND ".join(f"v.{column} IS NOT DISTINCT FROM c.{column}" for column in self.columns)
        return f"SELECT v.*, c.class FROM ({rows}) AS v JOIN {self.name} AS c ON {same}"


class RowClasses:
    """The classes of a relation's rows, and what each of some expressions says of each class."""

    def __init__(self, relation: str, history: History, asked: Iterable[str]) -> None:
        self.asked = tuple(asked)
        used = {column for text in self.asked for column in columns_in(relation, text)}
        self.tables = {
            table: _numbered(table, tuple(column for column in TABLES[table].few_values if column in used), history)
            for table in tables_of(relation)
            if TABLES[table].few_values
        }
        self._history = history

    def joined(self, table: str, rows: str) -> str:
        """The rows of a table with the number of their combination, where it has classes."""
        return self.tables[table].joined(rows) if table in self.tables else rows

    @property
    def opened(self) -> int:
        """The class of the event that every ticket begins with."""
        return self.tables["ticket_events"].opened

    def of_timeline(self, event: Ints, ticket: Ints) -> Ints:
        """The class of rows of the timeline: one for each pair of an event's class and its ticket's."""
        return event * self.tables["tickets"].size + ticket

    def values(self) -> pa.Table:
        """A column for each expression, in the order of the classes."""
        chosen = ", ".join(f"{text} AS c{number}" for number, text in enumerate(self.asked))
        told = [numbering for numbering in self.tables.values() if numbering.columns]
        names = " CROSS JOIN ".join(numbering.name for numbering in told)
        order = ", ".join(f"{numbering.name}.class" for numbering in told)
        return self._history.query(f"SELECT {chosen} FROM {names} ORDER BY {order}")


def _numbered(table: str, columns: tuple[str, ...], history: History) -> Numbering:
    """The numbering of a table's combinations, made once for a history."""
    name = "_".join(("classes", table, *columns))
    return history.cached(name, lambda: _number(name, table, columns, history) if columns else Numbering(name, ()))


def _number(name: str, table: str, columns: tuple[str, ...], history: History) -> Numbering:
    told = ", ".join(columns)
    begun = ", ".join("'opened'" if column == "kind" else "NULL" for column in columns)
    combinations = f"SELECT DISTINCT {told} FROM {table}"
    if table == "ticket_events":
        combinations += f" UNION SELECT {begun}"
    rows = history.query(
        f"SELECT *, CAST(row_number() OVER (ORDER BY {told}) - 1 AS INTEGER) AS class, "
        f"({told}) IS NOT DISTINCT FROM ({begun}) AS begun FROM ({combinations}) ORDER BY class"
    )
    history.create_table(name, rows)
    begins = rows.column("begun").to_pylist()
    return Numbering(name, columns, len(rows), begins.index(True) if True in begins else 0)
