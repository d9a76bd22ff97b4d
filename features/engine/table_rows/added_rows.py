"""The rows that new files add to a relation, read without the rows of the files that were there before.

A new row leaves kept rows as they are unless it is another version of a row that was there, or says that a ticket was
merged. Accounts with such rows are read *again*, with all their rows; of every other account only the rows of the new
files are read. Where a file has changed or is gone, the accounts whose rows are others than before are read again
(``row_digests``), and no others. All are copied into a small history of their own, in which they are encoded as any
rows are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import combine_chunks, number_array, text_array, to_numpy
from features.contract import TABLES
from features.definitions.measures import Aggregate
from features.duckdb_connection import open_duckdb
from features.engine.account_range import Scope
from features.engine.table_rows.appended_rows import concatenate_rows
from features.engine.table_rows.read_rows import read_rows
from features.engine.table_rows.relations import NUMBERED
from features.engine.table_rows.rows import Rows
from features.engine.windows import Cutoffs, Flags
from features.history.days_known import kept_query
from features.history.history import History
from features.history.repeated_keys import key_hash
from features.history.row_digests import changed_accounts
from features.history.row_parts import are_all_there, new_labels
from features.quoting import quote_name

LARGEST_SHARE = 1 / 3
"""The share of a table's rows, or of the accounts, above which all rows are read: that takes no longer."""

TABLES_OF = {"timeline": ("tickets", "ticket_events"), "tickets": ("tickets", "ticket_events")}
"""The tables on which the rows of a relation depend, where it is not one table: an event may say that its ticket was
merged."""

MERGED = text_array(["merged"])

_names = count()


def tables_behind(relation: str) -> tuple[str, ...]:
    """The tables on which the rows of a relation depend."""
    return TABLES_OF.get(relation, (relation,))


@dataclass(frozen=True)
class ChangedFiles:
    """Tables of a relation whose files are others than those of the kept rows, as they concern a range of accounts.

    ``kept`` are the keys of the parts of the kept rows, ``tonight`` the labels of tonight's by key. Rows that count at
    no cutoff from the day ``first`` on need not be read.
    """

    history: History
    scope: Scope
    relation: str
    measures: Sequence[Aggregate]
    first: int
    kept: Mapping[str, Collection[str]]
    tonight: Mapping[str, Mapping[str, str]]

    def read(self) -> tuple[Rows, Flags] | None:
        """The rows to add, and by account whether they are all its rows.

        ``None`` where to read the whole relation takes no longer.
        """
        if not are_all_there(self.kept, self.tonight):
            return self._read_changed()
        labels = new_labels(self.kept, self.tonight)
        queries = {table: self.history.row_parts[table].rows_query(some) for table, some in labels.items() if some}
        if not all(self._are_few(table, rows) for table, rows in queries.items()):
            return None
        files = {table: self.history.query(f"SELECT * FROM ({rows})") for table, rows in queries.items()}
        again = self._flags(self._changed_accounts(files))
        if again is None:
            return None
        added = self._read_new(files, again)
        if not again.any():
            return added, again
        return concatenate_rows(added, self._read_again(again)).copy_rows(), again

    def _read_changed(self) -> tuple[Rows, Flags] | None:
        """All rows of the accounts that have other rows than before, where files have changed or are gone."""
        changed = [changed_accounts(self.history, table, self.kept[table]) for table in self.tonight]
        ids = [some for some in changed if some is not None]
        again = self._flags(pa.concat_arrays(ids)) if len(ids) == len(changed) else None
        return None if again is None else (self._read_again(again), again)

    def _are_few(self, table: str, rows: str) -> bool:
        count: int = self.history.query(f"SELECT count(*) AS n FROM ({rows})")["n"][0].as_py()
        repeated = self.history.repeated_keys.get(table)
        return repeated is not None and count <= LARGEST_SHARE * repeated.rows

    def _flags(self, ids: pa.Array) -> Flags | None:
        """Which accounts of the range are among some; ``None`` where these are so many that all may as well be read."""
        place = self.scope.places(to_numpy(pc.index_in(ids, value_set=self.history.accounts).drop_null()))
        again = np.zeros(len(self.scope), np.bool_)
        again[place[(place >= 0) & (place < len(self.scope))]] = True
        return None if again.sum() > LARGEST_SHARE * len(again) else again

    def _changed_accounts(self, files: Mapping[str, pa.Table]) -> pa.Array:
        """The ids of the accounts of which a row that was there is not the same any more."""
        changed = {table: self._repeated_in(table, rows) for table, rows in files.items()}
        if "tickets" not in tables_behind(self.relation):
            (keys,) = changed.values()
            return self._ids("account_id", self.relation, f"{_hash(self.relation)} IN", keys)
        parts = [self._ids("ticket_id", "tickets", f"{_hash('tickets')} IN", changed.get("tickets"))]
        if "ticket_events" in files and self.relation == "timeline":
            parts.append(
                self._ids("ticket_id", "ticket_events", f"{_hash('ticket_events')} IN", changed["ticket_events"])
            )
            merged = self._merged_tickets()
            parts.append(merged.filter(pc.is_in(merged, value_set=combine_chunks(files["ticket_events"]["ticket_id"]))))
        elif "ticket_events" in files:
            events = files["ticket_events"]
            parts.append(combine_chunks(events.filter(pc.is_in(events["kind"], value_set=MERGED))["ticket_id"]))
        tickets = pa.table({"ticket_id": pa.concat_arrays([it.cast(pa.string()) for it in parts])})
        return self._ids("account_id", "tickets", "ticket_id IN", tickets)

    def _merged_tickets(self) -> pa.Array:
        """The ids of the tickets of which an event says that they were merged."""
        found = "SELECT DISTINCT ticket_id FROM {rows}"
        rows = kept_query(
            self.history, "ticket_events", "merged.tickets", f"{found} WHERE kind = 'merged'", f"{found} ORDER BY ALL"
        )
        return combine_chunks(rows["ticket_id"])

    def _repeated_in(self, table: str, rows: pa.Table) -> pa.Table:
        """The hashes of keys of new rows that occur more than once among all rows of a table."""
        with self._lookup(rows) as some:
            hashes = to_numpy(self.history.query(f"SELECT DISTINCT {_hash(table)} AS key FROM {some}")["key"])
        repeated = self.history.repeated_keys[table].hashes  # ascending
        place = np.minimum(np.searchsorted(repeated, hashes), len(repeated) - 1)
        return pa.table({"key": number_array(hashes[repeated[place] == hashes] if len(repeated) else hashes[:0])})

    def _ids(self, column: str, table: str, condition: str, values: pa.Table | None) -> pa.Array:
        """The different values of a column in rows for which an expression is among some values."""
        if values is None or not len(values):
            return text_array([])
        with self._lookup(values) as some:
            rows = self.history.query(f"SELECT DISTINCT {column} FROM {table} WHERE {condition} (SELECT * FROM {some})")
        return combine_chunks(rows[column]).drop_null()

    def _read_new(self, files: Mapping[str, pa.Table], again: Flags) -> Rows:
        """The rows of the new files, except those of accounts that are read again."""
        tables, begun = dict(files), None
        if self.relation == "timeline" and "ticket_events" in files:
            new = files["tickets"]["ticket_id"] if "tickets" in files else text_array([])
            begun = pc.unique(files["ticket_events"]["ticket_id"])
            begun = begun.filter(pc.invert(pc.is_in(begun, value_set=combine_chunks(new))))
            old = self._rows_among("tickets", "ticket_id", pa.table({"ticket_id": begun}))
            tables["tickets"] = pa.concat_tables([tables["tickets"], old]) if "tickets" in tables else old
        elif self.relation == "tickets":
            tables = {"tickets": files["tickets"]} if "tickets" in files else {}
        rows = self._encode(tables, begun)
        return rows.take_rows(np.flatnonzero(~again[rows.account]), None)

    def _read_again(self, again: Flags) -> Rows:
        """All rows of some accounts."""
        ids = pa.table(
            {"account_id": self.history.accounts.take(number_array(self.scope.codes[np.flatnonzero(again)]))}
        )
        table = "tickets" if "tickets" in tables_behind(self.relation) else self.relation
        tables = {table: self._all_versions(table, "account_id", ids)}
        if table == "tickets" and "ticket_events" in self.history.present:
            tickets = tables["tickets"].select(["ticket_id"])
            if self.relation == "timeline":
                tables["ticket_events"] = self._all_versions("ticket_events", "ticket_id", tickets)
            else:
                merged = self._rows_among("ticket_events", "ticket_id", tickets, "kind = 'merged'")
                tables["ticket_events"] = merged
        rows = self._encode(tables)
        return rows.take_rows(np.flatnonzero(again[rows.account]), None)

    def _all_versions(self, table: str, column: str, ids: pa.Table) -> pa.Table:
        """The rows whose value of a column is among some, and all other versions of these."""
        rows = self._rows_among(table, column, ids)
        if column in TABLES[table].key and TABLES[table].own_id is None:
            return rows
        keys = self._repeated_in(table, rows)
        if not len(keys):
            return rows
        with self._lookup(keys) as some, self._lookup(ids) as known:
            others = self.history.query(
                f"SELECT * FROM {table} WHERE {_hash(table)} IN (SELECT * FROM {some}) "
                f"AND ({column} IN (SELECT * FROM {known})) IS NOT TRUE"
            )
        return pa.concat_tables([rows, others])

    def _rows_among(self, table: str, column: str, values: pa.Table, condition: str = "true") -> pa.Table:
        with self._lookup(values) as some:
            rows = f"FROM {table} WHERE {condition} AND {column} IN (SELECT * FROM {some})"
            return self.history.query(f"SELECT * {self._without_texts(table)} {rows}")

    def _without_texts(self, table: str) -> str:
        """Leave out texts of people, which no measure reads: they only decide between versions of one instant."""
        texts = [column for column in TABLES[table].columns if column.free_text]
        if not texts or len(self.history.repeated_keys[table].hashes):
            return ""
        return f"REPLACE ({', '.join(f'CAST(NULL AS {it.kind}) AS {it.name}' for it in texts)})"

    def _encode(self, tables: Mapping[str, pa.Table], begun: pa.Array | None = None) -> Rows:
        with small_history(self.history, self.scope, tables) as small:
            return read_rows(
                self.relation, small, Scope(self.scope.codes), self.measures, Cutoffs(np.array([self.first])), begun
            )

    @contextmanager
    def _lookup(self, rows: pa.Table) -> Iterator[str]:
        """The name of a table of the history that has some rows until the block ends."""
        name = f"new_{self.relation}_{next(_names)}"
        with self.history.temporary_table(name, rows):
            yield name


@contextmanager
def small_history(history: History, scope: Scope, tables: Mapping[str, pa.Table]) -> Iterator[History]:
    """A history with some rows of another one; accounts have the numbers that they have there."""
    connection = open_duckdb(files=None)
    try:
        for name, rows in tables.items():
            connection.register(f"rows_of_{name}", rows)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM rows_of_{name}")
        small = History.from_relations(connection, present=history.present, columns=history.columns)
        ids = history.accounts.take(number_array(scope.codes))
        small.create_table(
            NUMBERED, pa.table({"account_id": ids, "account": number_array(scope.codes.astype(np.int32))})
        )
        yield small
    finally:
        connection.close()


def _hash(table: str) -> str:
    return key_hash(TABLES[table], quote_name)
