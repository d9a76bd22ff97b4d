"""The only door to the data: what our copy knew at a cutoff, and nothing that it learned later.

Tables arrive here admitted, under the contract's names and types. A table with a ``known_at`` column is *history*: of
several rows with one key, the newest with ``known_at < T`` is the state at ``T``, and a date in its future is honest
knowledge (a notice given today for next month). A table without one is *current state*: it shows how things ended, so
a time that is not before ``T`` is read as null. Because every cutoff is midnight, "known before T" is a comparison of
days, which is what makes one pass over the data for many cutoffs possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb
import pyarrow as pa

from features.arrow import TOGETHER
from features.contract import TABLES, Table
from features.history.span import Span, span_of
from features.history.versions import as_columns, key_of, known_on, literal, order_of
from features.source_table import reading_again

if TYPE_CHECKING:
    import pandas as pd

    from features.history.partitions import ValidatedPartitions
    from features.history.repeated_keys import Repeats

Made = TypeVar("Made")


@dataclass(frozen=True, eq=False)
class History:
    """Everything a source ever told us, with the time at which it did.

    ``connection`` holds one relation a table of the contract, with its columns and types; what the source lacks is
    there as NULL columns and empty relations. ``first`` is the day of the oldest row, ``until`` the first day after
    the newest row known (one far beyond all others is not believed): the natural next cutoff, and the horizon of every
    label. ``usage`` tells of usage by stretches
    of files, where it came in several; ``repeats`` of some tables which keys come more than once.
    """

    connection: duckdb.DuckDBPyConnection
    present: frozenset[str]
    columns: Mapping[str, frozenset[str]]
    usage: ValidatedPartitions | None = None
    repeats: Mapping[str, Repeats] = field(default_factory=dict)
    _derived: dict[str, Any] = field(default_factory=dict, repr=False)
    _locks: dict[str, Lock] = field(default_factory=dict, repr=False)

    @classmethod
    def over(
        cls,
        connection: duckdb.DuckDBPyConnection,
        *,
        present: frozenset[str],
        columns: Mapping[str, frozenset[str]],
        usage: ValidatedPartitions | None = None,
        repeats: Mapping[str, Repeats] | None = None,
    ) -> History:
        """The history in a connection whose relations were admitted; what the source lacks is added as empty."""
        _complete(connection)
        told = {name: frozenset(columns.get(name, ())) for name in TABLES}
        return cls(connection, present, told, usage, repeats or {})

    @classmethod
    def from_tables(cls, tables: Mapping[str, pa.Table | pd.DataFrame]) -> History:
        """A history of small, trusted tables: no admission, only the contract's names and types."""
        connection = duckdb.connect()
        columns: dict[str, frozenset[str]] = {}
        for name, rows in tables.items():
            connection.register(f"given_{name}", rows)
            columns[name] = frozenset(connection.table(f"given_{name}").columns) & frozenset(TABLES[name].names)
            chosen = as_columns(TABLES[name], columns[name])
            connection.execute(f"CREATE TABLE {name} AS SELECT {chosen} FROM given_{name}")
            connection.unregister(f"given_{name}")
        return cls.over(connection, present=frozenset(tables), columns=columns)

    @property
    def versioned(self) -> frozenset[str]:
        """The tables that say when each row was known; the others are current state."""
        return frozenset(name for name in self.present if "known_at" in self.columns[name])

    @cached_property
    def accounts(self) -> pa.Array:
        """Every account id, ascending; its position is the account's dense number."""
        found = self.query("SELECT DISTINCT account_id FROM accounts ORDER BY account_id")
        return found.column("account_id").combine_chunks().cast(pa.string())

    @property
    def first(self) -> date:
        """The day of the oldest row of any table."""
        return self.span.first

    @property
    def until(self) -> date:
        """The first day after the newest row known and believed: the default cutoff and the horizon of labels."""
        return self.span.until

    @cached_property
    def span(self) -> Span:
        """How far the source reaches, and whether rows of a wrong clock say that it reaches further."""
        return span_of(self.query, self.present, self.usage)

    def as_of(self, cutoff: date) -> Snapshot:
        """What was known when the cutoff's day began."""
        return Snapshot(self, cutoff)

    def query(self, sql: str, parameters: Sequence[object] = ()) -> pa.Table:
        """The rows of one query, on a cursor of its own."""
        with reading_again():
            return self.connection.cursor().sql(sql, params=list(parameters)).to_arrow_table(TOGETHER)

    def derived(self, name: str, make: Callable[[], Made]) -> Made:
        """What is made once of this history and used again; of several threads that ask, one makes it."""
        with self._locks.setdefault(name, Lock()):
            if name not in self._derived:
                self._derived[name] = make()
        found: Made = self._derived[name]
        return found

    def keep(self, name: str, rows: pa.Table) -> None:
        """A small table that the queries of this history may read under a name."""
        cursor = self.connection.cursor()
        cursor.register("kept_rows", rows)
        cursor.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM kept_rows")
        cursor.unregister("kept_rows")

    @contextmanager
    def lent(self, name: str, rows: pa.Table) -> Iterator[None]:
        """A small table lent to the queries of this history under a name, and taken back."""
        self.keep(name, rows)
        try:
            yield
        finally:
            self.connection.cursor().execute(f"DROP TABLE IF EXISTS {name}")


@dataclass(frozen=True)
class Snapshot:
    """The state of every table at one cutoff."""

    history: History
    cutoff: date

    def rows(self, table: str, *, accounts: Sequence[str] | None = None, since: date | None = None) -> pa.Table:
        """The rows of a table as known at the cutoff, ordered by event time and key.

        One row a key: its newest version known before the cutoff. ``accounts`` limits the rows to those accounts (for
        ticket events, through their tickets), ``since`` to events on or after that day.
        """
        contract = TABLES[table]
        conditions = [f"{known_on(contract)} < {literal(self.cutoff)}"]
        parameters: list[object] = []
        if accounts is not None:
            conditions.append(_of_accounts(contract))
            parameters.append(list(accounts))
        newest = f"SELECT * FROM {table} WHERE {' AND '.join(conditions)} QUALIFY {_newest(contract)}"
        later = f"WHERE {contract.event_time} >= {literal(since)}" if since else ""
        columns = ", ".join(self._column(contract, name) for name in contract.names)
        order = ", ".join((contract.event_time, *(f'"{part}"' for part in contract.key)))
        return self.history.query(f"SELECT {columns} FROM ({newest}) {later} ORDER BY {order}", parameters)

    def _column(self, table: Table, name: str) -> str:
        hidden = set(table.future_times) - set(table.scheduled)
        if name in hidden and table.name not in self.history.versioned:
            return f'CASE WHEN "{name}" < {literal(self.cutoff)} THEN "{name}" END AS "{name}"'
        return f'"{name}"'


def _newest(table: Table) -> str:
    return f"row_number() OVER (PARTITION BY {key_of(table)} ORDER BY {order_of(table)} DESC) = 1"


def _of_accounts(table: Table) -> str:
    wanted = "account_id IN (SELECT unnest(CAST(? AS VARCHAR[])))"
    if "account_id" in table.names:
        return wanted
    return f"ticket_id IN (SELECT ticket_id FROM tickets WHERE {wanted})"


def _complete(connection: duckdb.DuckDBPyConnection) -> None:
    for name, table in TABLES.items():
        columns = as_columns(table, frozenset())
        connection.cursor().execute(f"CREATE VIEW IF NOT EXISTS {name} AS SELECT {columns} WHERE false")
