"""The only access to the rows of a source: what was known at a cutoff, and nothing that was learned later.

Tables arrive here validated, under the contract's names and types. A table with a ``known_at`` column is *history*: of
several rows with one key, the newest with ``known_at < T`` is the state at ``T``, and a date after ``T`` is legitimate
knowledge (a notice given today for next month). A table without one is *current state*: it shows how things ended, so
a time that is not before ``T`` is read as null. Because every cutoff is midnight, "known before T" is a comparison of
days, which makes one pass over the data for many cutoffs possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb
import pyarrow as pa

from features.arrow import CHUNK_ROWS
from features.contract import TABLES, Table
from features.duckdb_connection import open_duckdb
from features.history.cache_files import cache_key
from features.history.days_known import days_known
from features.history.span import Span, measure_span
from features.history.versions import contract_columns, date_literal, known_day, version_key, version_order
from features.source_table import explain_changed_files

if TYPE_CHECKING:
    import pandas as pd

    from features.history.partitions import ValidatedPartitions
    from features.history.repeated_keys import RepeatedKeys
    from features.history.row_parts import RowParts

Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class History:
    """Every row of a source, with the time at which it was known.

    ``connection`` holds one relation a table of the contract, with its columns and types; what the source lacks is
    there as NULL columns and empty relations. ``first`` is the day of the oldest row, ``until`` the first day after
    the newest known row that is no timestamp outlier: the natural next cutoff, and the horizon of every label.
    ``usage`` are the partitions of daily usage, where it has several files; ``repeated_keys`` are the keys of some
    tables that occur more than once. ``state`` is the folder in which results are kept between nights, and ``row_keys``
    has, by table of the source, a text that changes whenever its rows may have; ``None`` where there is no such text.
    ``row_parts`` are the files of the tables whose files say whether they have changed.
    ``scratch`` is a folder for what does not fit into memory; it is deleted with the history.
    """

    connection: duckdb.DuckDBPyConnection
    present: frozenset[str]
    columns: Mapping[str, frozenset[str]]
    usage: ValidatedPartitions | None = None
    repeated_keys: Mapping[str, RepeatedKeys] = field(default_factory=dict)
    state: Path | None = None
    row_keys: dict[str, str | None] = field(default_factory=dict)
    row_parts: dict[str, RowParts] = field(default_factory=dict)
    scratch: Path | None = None
    _cache: dict[str, Any] = field(default_factory=dict, repr=False)
    _locks: dict[str, Lock] = field(default_factory=dict, repr=False)

    @classmethod
    def from_relations(
        cls,
        connection: duckdb.DuckDBPyConnection,
        *,
        present: frozenset[str],
        columns: Mapping[str, frozenset[str]],
        usage: ValidatedPartitions | None = None,
        repeated_keys: Mapping[str, RepeatedKeys] | None = None,
        state: Path | None = None,
        row_keys: Mapping[str, str | None] | None = None,
        row_parts: Mapping[str, RowParts] | None = None,
        scratch: Path | None = None,
    ) -> History:
        """The history of a connection's validated relations; tables that the source lacks are added as empty."""
        _complete(connection)
        by_table = {name: frozenset(columns.get(name, ())) for name in TABLES}
        keys, parts = dict(row_keys or {}), dict(row_parts or {})
        return cls(connection, present, by_table, usage, repeated_keys or {}, state, keys, parts, scratch)

    @classmethod
    def from_tables(cls, tables: Mapping[str, pa.Table | pd.DataFrame]) -> History:
        """A history of small, trusted tables: no validation, only the contract's names and types."""
        connection = open_duckdb(files=None)
        columns: dict[str, frozenset[str]] = {}
        for name, rows in tables.items():
            connection.register(f"source_{name}", rows)
            columns[name] = frozenset(connection.table(f"source_{name}").columns) & frozenset(TABLES[name].names)
            selected = contract_columns(TABLES[name], columns[name])
            connection.execute(f"CREATE TABLE {name} AS SELECT {selected} FROM source_{name}")
            connection.unregister(f"source_{name}")
        return cls.from_relations(connection, present=frozenset(tables), columns=columns)

    @property
    def versioned(self) -> frozenset[str]:
        """The tables with a ``known_at``; the others are current state."""
        return frozenset(name for name in self.present if "known_at" in self.columns[name])

    def has_column(self, table: str, column: str) -> bool:
        """Whether a column can be read: the source has it, and says when its values were known."""
        if column not in self.columns.get(table, ()):
            return False
        return table in self.versioned or not TABLES[table].column(column).changing

    @cached_property
    def accounts(self) -> pa.Array:
        """Every account id, ascending; its position is the account's dense number."""
        rows = self.query("SELECT DISTINCT account_id FROM accounts ORDER BY account_id")
        return rows.column("account_id").combine_chunks().cast(pa.string())

    @property
    def first(self) -> date:
        """The day of the oldest row of any table."""
        return self.span.first

    @property
    def until(self) -> date:
        """The first day after the newest known row, outliers aside: the default cutoff and the horizon of labels."""
        return self.span.until

    @cached_property
    def span(self) -> Span:
        """The time span of the source, and whether there are timestamp outliers after it."""
        return measure_span(lambda name: days_known(self, name), self.present, self.usage)

    def as_of(self, cutoff: date) -> Snapshot:
        """What was known when the cutoff's day began."""
        return Snapshot(self, cutoff)

    def query(self, sql: str, parameters: Sequence[object] = ()) -> pa.Table:
        """The rows of one query, on a cursor of its own."""
        with explain_changed_files():
            return self.connection.cursor().sql(sql, params=list(parameters)).to_arrow_table(CHUNK_ROWS)

    def query_blocks(self, sql: str, rows: int = CHUNK_ROWS) -> Iterator[pa.Table]:
        """The rows of one query, about so many at a time: not all of them have to be in memory."""
        with explain_changed_files():
            for batch in self.connection.cursor().sql(sql).to_arrow_reader(rows):
                yield pa.Table.from_batches([batch])

    def cached(self, name: str, compute: Callable[[], Value]) -> Value:
        """A value that is computed once for this history; of several threads that ask for it, one computes it."""
        with self._locks.setdefault(name, Lock()):
            if name not in self._cache:
                self._cache[name] = compute()
        value: Value = self._cache[name]
        return value

    def replace_columns(self, name: str, columns: str) -> None:
        """Replace some columns of a table by expressions over its present ones, as a list of SQL."""
        before, cursor = f"{name}_before", self.connection.cursor()
        (kind,) = cursor.execute(
            "SELECT table_type FROM information_schema.tables WHERE table_name = ? AND table_schema = 'main'", [name]
        ).fetchone() or ("VIEW",)
        cursor.execute(f"ALTER {'VIEW' if kind == 'VIEW' else 'TABLE'} {name} RENAME TO {before}")
        cursor.execute(f"CREATE VIEW {name} AS SELECT * REPLACE ({columns}) FROM {before}")
        if key := self.row_keys.get(name):
            self.row_keys[name] = cache_key(key, columns)
        if parts := self.row_parts.get(name):
            self.row_parts[name] = parts.replace_columns(columns)

    def create_table(self, name: str, rows: pa.Table) -> None:
        """Create a small table that the queries of this history may read."""
        cursor = self.connection.cursor()
        cursor.register("new_rows", rows)
        cursor.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM new_rows")
        cursor.unregister("new_rows")

    @contextmanager
    def temporary_table(self, name: str, rows: pa.Table) -> Iterator[None]:
        """A small table that the queries of this history may read until the block ends."""
        self.create_table(name, rows)
        try:
            yield
        finally:
            self.connection.cursor().execute(f"DROP TABLE IF EXISTS {name}")


@dataclass(frozen=True)
class Snapshot:
    """The state of every table at one cutoff."""

    history: History
    cutoff: date

    def rows(
        self,
        table: str,
        *,
        accounts: Sequence[str] | None = None,
        tickets: Sequence[str] | None = None,
        since: date | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """The rows of a table as known at the cutoff, ordered by event time and key.

        One row a key: its newest version known before the cutoff. ``accounts`` limits the rows to those accounts (for
        ticket events, through their tickets), ``tickets`` to those of these tickets, ``since`` to events on or after
        that day, ``columns`` to some columns of the contract: others need not be read.
        """
        contract = TABLES[table]
        conditions = [f"{known_day(contract)} < {date_literal(self.cutoff)}"]
        parameters: list[object] = []
        for condition, ids in ((_of_accounts(contract), accounts), (f"ticket_id IN {_GIVEN}", tickets)):
            if ids is not None:
                conditions.append(condition)
                parameters.append(list(ids))
        repeated = self.history.repeated_keys.get(table)
        chosen, newest, given = f"SELECT * FROM {table} WHERE {' AND '.join(conditions)}", "", ""
        if repeated is None or len(repeated.hashes):
            newest = f" QUALIFY {_newest(contract)}"
        if newest and parameters and since is None:  # few rows: what is asked of them is not to be asked of all
            chosen, given = "SELECT * FROM given", f"WITH given AS MATERIALIZED ({chosen}) "
        later = f"WHERE {contract.event_time} >= {date_literal(since)}" if since else ""
        selected = ", ".join(self._column(contract, name) for name in columns or contract.names)
        times = (contract.event_time,) if contract.event_time else ()
        order = ", ".join((*times, *(f'"{part}"' for part in contract.key)))
        sql = f"{given}SELECT {selected} FROM ({chosen}{newest}) {later} ORDER BY {order}"
        return self.history.query(sql, parameters)

    def _column(self, table: Table, name: str) -> str:
        if not self.history.has_column(table.name, name):
            return f'CAST(NULL AS {table.column(name).kind}) AS "{name}"'
        hidden = set(table.future_times) - set(table.scheduled)
        if name in hidden and table.name not in self.history.versioned:
            return f'CASE WHEN "{name}" < {date_literal(self.cutoff)} THEN "{name}" END AS "{name}"'
        return f'"{name}"'


def _newest(table: Table) -> str:
    return f"row_number() OVER (PARTITION BY {version_key(table)} ORDER BY {version_order(table)} DESC) = 1"


_GIVEN = "(SELECT unnest(CAST(? AS VARCHAR[])))"


def _of_accounts(table: Table) -> str:
    wanted = f"account_id IN {_GIVEN}"
    if "account_id" in table.names:
        return wanted
    return f"ticket_id IN (SELECT ticket_id FROM tickets WHERE {wanted})"


def _complete(connection: duckdb.DuckDBPyConnection) -> None:
    for name, table in TABLES.items():
        columns = contract_columns(table, frozenset())
        connection.cursor().execute(f"CREATE VIEW IF NOT EXISTS {name} AS SELECT {columns} WHERE false")
