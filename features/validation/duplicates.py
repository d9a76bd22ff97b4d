"""Rows that share a key: an exact duplicate is dropped and counted, two different rows are both rejected.

Which keys occur twice is looked up by a 64-bit hash of each (``repeated_keys``); the few candidate rows are then
compared exactly, so that two keys with one hash cost time and never a row.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.arrow import number_array
from features.contract import Table
from features.history.repeated_keys import RepeatedKeys, all_have_own_ids, find_repeated_keys, key_hash
from features.quoting import quote_name, quote_text
from features.validation.incoming_table import IncomingTable
from features.validation.rules import Rule

DUPLICATE = "duplicate"
"""The mark of an exact duplicate among the rejected rows: it is not in quarantine."""


def reject_duplicates(incoming: IncomingTable, count: int) -> RepeatedKeys:
    """Add duplicates and conflicting rows to ``rejected_<table>``; returns the keys that occur more than once.

    ``count`` is about how many rows there are.
    """
    if incoming.source.view:
        return _reject_on_cluster(incoming)
    rows, own_id = incoming.remaining, incoming.table.own_id
    own_ids = own_id is not None and all_have_own_ids(incoming.cursor, incoming.columns[own_id], rows)
    hash_sql = key_hash(incoming.table, incoming.columns.__getitem__, own_ids=own_ids)
    repeated = find_repeated_keys(incoming.cursor, hash_sql, rows, count)
    candidates = repeated
    if not repeated.few:  # most rows are further versions of a key: look for equal keys known at the same instant
        hash_sql = version_hash(incoming)
        candidates = find_repeated_keys(incoming.cursor, hash_sql, rows, count)
    if len(candidates.hashes):
        _compare(incoming, rows, hash_sql, candidates)
    return repeated


def version_hash(incoming: IncomingTable) -> str:
    """SQL of the hash of a row's key and the instant at which the row was known."""
    return f"hash({', '.join(_version_key(incoming))})"


def reject_surplus(incoming: IncomingTable, hash_sql: str, candidates: NDArray[np.uint64]) -> pa.Table:
    """Compare the rows with one of these hashes, and reject those that are one too many; returns them with their hash.

    The hashes are of keys or of versions, as ``hash_sql`` makes them.
    """
    incoming.cursor.register("repeated_hashes", pa.table({"hash": number_array(candidates)}))
    key = _create_candidates(incoming, incoming.remaining, hash_sql)
    surplus = _surplus_rows(incoming.table, _candidates(incoming), key, sorted(incoming.types), ", hash")
    rows = incoming.cursor.sql(surplus).to_arrow_table()
    incoming.cursor.execute(f"DROP TABLE {_candidates(incoming)}")
    incoming.cursor.unregister("repeated_hashes")
    incoming.cursor.register("surplus_rows", rows)
    incoming.cursor.execute(f"INSERT INTO {incoming.rejected} SELECT * EXCLUDE hash FROM surplus_rows")
    incoming.cursor.unregister("surplus_rows")
    return rows


def duplicates_rule(incoming: IncomingTable) -> str:
    """The SQL that finds and compares candidates: all of it that does not depend on the rows."""
    hashes = [key_hash(incoming.table, quote_name, own_ids=own) for own in (False, True)]
    key = _version_key(incoming)
    return " ".join((*hashes, *key, _surplus_rows(incoming.table, "candidates", len(key), sorted(incoming.types))))


def _compare(incoming: IncomingTable, rows: str, hash_sql: str, candidates: RepeatedKeys) -> None:
    """Compare the candidates by all their values, and reject those that are one row too many."""
    incoming.cursor.register("repeated_hashes", pa.table({"hash": number_array(candidates.hashes)}))
    _reject_surplus(incoming, rows, hash_sql)
    incoming.cursor.unregister("repeated_hashes")


def _reject_on_cluster(incoming: IncomingTable) -> RepeatedKeys:
    """The same where the rows are on a cluster: no hash comes back, and no repeated key is known here."""
    rows, hash_sql = incoming.remaining, version_hash(incoming)
    repeated = f"SELECT hash FROM (SELECT {hash_sql} AS hash FROM {rows}) GROUP BY hash HAVING count(*) > 1"
    incoming.cursor.execute(f"CREATE OR REPLACE TEMP TABLE repeated_hashes AS {repeated}")
    if incoming.number("SELECT count(*) FROM repeated_hashes"):
        _reject_surplus(incoming, rows, hash_sql)
    incoming.cursor.execute("DROP TABLE repeated_hashes")
    return RepeatedKeys(np.empty(0, np.uint64), 0)


def _reject_surplus(incoming: IncomingTable, rows: str, hash_sql: str) -> None:
    """Compare the rows with one of ``repeated_hashes``, and reject those that are one too many."""
    key, name = _create_candidates(incoming, rows, hash_sql), _candidates(incoming)
    surplus = _surplus_rows(incoming.table, name, key, sorted(incoming.types))
    incoming.cursor.execute(f"INSERT INTO {incoming.rejected} {surplus}")
    incoming.cursor.execute(f"DROP TABLE {name}")


def _candidates(incoming: IncomingTable) -> str:
    return f"candidates_{incoming.table.name}"


def _create_candidates(incoming: IncomingTable, rows: str, hash_sql: str) -> int:
    """Create the table of the rows with one of ``repeated_hashes``; returns how many columns their key has."""
    key = _version_key(incoming)
    values = ", ".join(f"{incoming.columns[column]} AS {quote_name(column)}" for column in sorted(incoming.types))
    keys = ", ".join(f"{part} AS key{number}" for number, part in enumerate(key))
    selected = f"SELECT s.filename AS file, s.file_row_number AS n, {hash_sql} AS hash, {keys}, {values} FROM {rows}"
    incoming.cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE {_candidates(incoming)} AS "
        f"SELECT * FROM ({selected}) SEMI JOIN repeated_hashes USING (hash)"
    )
    return len(key)


def _version_key(incoming: IncomingTable) -> list[str]:
    """SQL of what identifies a version: the contract's key (or the row's own id) and when the row was known."""
    columns, table = incoming.columns, incoming.table
    parts = [columns[part] for part in table.key]
    if table.own_id is not None and table.own_id in incoming.types:
        own = columns[table.own_id]
        parts = [own, *(f"CASE WHEN {own} IS NULL THEN {part} END" for part in parts)]
    if "known_at" not in incoming.types:
        return parts
    if table.event_time is None:
        return [*parts, columns["known_at"]]
    return [*parts, f"coalesce({columns['known_at']}, CAST({columns[table.event_time]} AS TIMESTAMP))"]


def _surplus_rows(table: Table, candidates: str, parts: int, columns: list[str], further: str = "") -> str:
    """The query of duplicates and conflicting rows among the candidates, as rejected rows."""
    values = ", ".join(quote_name(column) for column in columns)
    key = ", ".join(f"key{number}" for number in range(parts))
    shown = " || ' | ' || ".join(f"coalesce(CAST(key{number} AS VARCHAR), '')" for number in range(parts))
    marked = f"SELECT *, row_number() OVER (PARTITION BY {values} ORDER BY file, n) > 1 AS again FROM {candidates}"
    counted = f"SELECT *, count_if(NOT again) OVER (PARTITION BY {key}) > 1 AS differ FROM ({marked})"
    rule = f"CASE WHEN again THEN {quote_text(DUPLICATE)} ELSE {quote_text(Rule.CONFLICT)} END"
    column = quote_text(table.key[0])
    return (
        f"SELECT NULL AS label, file, n + 1, {column}, {rule}, left({shown}, 200){further} "
        f"FROM ({counted}) WHERE again OR differ"
    )
