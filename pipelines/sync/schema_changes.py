"""What a sync brought, and what has changed in the form of a system's tables since the one before."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from features.duckdb_connection import open_duckdb
from features.quoting import quote_name, quote_text

FEW = 20
"""New rows below which a column without values says nothing."""
USUALLY_FILLED = 0.5
"""Share of the rows before that had a value, from which its absence in all new rows is reported."""


@dataclass(frozen=True)
class SyncedTable:
    """A table: its rows, how many of them this sync brought, and how many are gone since the last one."""

    name: str
    rows: int
    new: int
    gone: int


def compare_files(
    before: Path, after: Path, schema: str, keys: Mapping[str, str]
) -> tuple[tuple[SyncedTable, ...], tuple[str, ...]]:
    """The tables after a sync, and the changes of their form, as sentences; children of nested records are left out.

    ``keys`` has the column of each table's key.
    """
    with _open(before, after) as connection:
        connection.execute(f"ATTACH {quote_text(str(after))} AS after (READ_ONLY)")
        if before.exists():
            connection.execute(f"ATTACH {quote_text(str(before))} AS before (READ_ONLY)")
        known = _columns(connection, "before", schema) if before.exists() else {}
        current = _columns(connection, "after", schema)
        tables = tuple(
            _table(connection, schema, name, keys[name], name in known)
            for name, columns in sorted(current.items())
            if "_dlt_load_id" in columns
        )
        warnings = tuple(_warnings(connection, schema, known, current)) if known else ()
    return tables, warnings


def copy_tables(data: Path, to_file: Path, schema: str) -> None:
    """Write the system's tables into a new file: without the working tables of ``dlt``, and without free space."""
    with _open(data, to_file) as connection:
        connection.execute(f"ATTACH {quote_text(str(data))} AS after (READ_ONLY)")
        connection.execute(f"ATTACH {quote_text(str(to_file))} AS published")
        connection.execute(f"CREATE SCHEMA published.{quote_name(schema)}")
        for name in _columns(connection, "after", schema):
            place = f"{quote_name(schema)}.{quote_name(name)}"
            connection.execute(f"CREATE TABLE published.{place} AS SELECT * FROM after.{place}")
        connection.execute("CHECKPOINT published")
        connection.execute("DETACH published")


def _open(*files: Path) -> duckdb.DuckDBPyConnection:
    endings = ("", ".wal", ".wal.checkpoint", ".wal.recovery")
    return open_duckdb(files=[f"{file}{ending}" for file in files for ending in endings])


def _columns(connection: duckdb.DuckDBPyConnection, catalog: str, schema: str) -> dict[str, dict[str, str]]:
    rows = connection.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "WHERE table_catalog = ? AND table_schema = ? AND NOT starts_with(table_name, '_dlt') ORDER BY ALL",
        [catalog, schema],
    ).fetchall()
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        tables.setdefault(table, {})[column] = kind
    return tables


def _table(connection: duckdb.DuckDBPyConnection, schema: str, name: str, key_column: str, known: bool) -> SyncedTable:
    place, key = f"{quote_name(schema)}.{quote_name(name)}", quote_name(key_column)
    fresh = _is_new(place) if known else "true"
    rows, new = connection.execute(f"SELECT count(*), count(*) FILTER ({fresh}) FROM after.{place}").fetchone() or (
        0,
        0,
    )
    gone = 0
    if known:
        (gone,) = connection.execute(
            f"SELECT count(*) FROM before.{place} WHERE {key} NOT IN (SELECT {key} FROM after.{place})"
        ).fetchone() or (0,)
    return SyncedTable(name, rows, new, gone)


def _is_new(place: str) -> str:
    """Whether a row came with a load that the file before does not know."""
    return f"_dlt_load_id NOT IN (SELECT _dlt_load_id FROM before.{place})"


def _warnings(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    before: dict[str, dict[str, str]],
    after: dict[str, dict[str, str]],
) -> Iterator[str]:
    """Tables and columns that are new, gone or of another type; and columns that have stopped to have values."""
    for table in sorted(before.keys() - after.keys()):
        yield f"There is no table {table} any more."
    for table in sorted(before.keys() & after.keys()):
        added = sorted(after[table].keys() - before[table].keys())
        variants = [name for name in added if "__v_" in name]
        plain = [name for name in added if name not in variants]
        if plain:
            yield f"{table} has new columns: {', '.join(plain)}."
        for name in variants:
            column, _, kind = name.partition("__v_")
            yield f"{table}.{column} now also has values of the type {kind}; they are in the column {name}."
        if lost := sorted(before[table].keys() - after[table].keys()):
            yield f"{table} has no columns {', '.join(lost)} any more."
        yield from _stopped(connection, schema, table, sorted(before[table].keys() & after[table].keys()))


def _stopped(connection: duckdb.DuckDBPyConnection, schema: str, table: str, columns: list[str]) -> Iterator[str]:
    """Columns that most rows of the last sync had a value of, and no row that this one brought."""
    if "_dlt_load_id" not in columns:
        return
    place = f"{quote_name(schema)}.{quote_name(table)}"
    named = [name for name in columns if not name.startswith("_dlt")]
    if not named:
        return
    was = ", ".join(f"count({quote_name(name)}) / greatest(count(*), 1)" for name in named)
    now = ", ".join(f"count({quote_name(name)})" for name in named)
    shares = connection.execute(f"SELECT {was} FROM before.{place}").fetchone() or ()
    count, *counts = connection.execute(
        f"SELECT count(*), {now} FROM after.{place} WHERE {_is_new(place)}"
    ).fetchone() or (0,)
    if count < FEW:
        return
    for name, share, values in zip(named, shares, counts, strict=True):
        if share >= USUALLY_FILLED and not values:
            yield f"{table}.{name} had values before, and has none in the {count:,} rows that are new: was it renamed?"
