"""The queue's rows as JSON lines, for backups of PostgreSQL; a snapshot that is consistent while the queue is in use.

SQLite has a backup of its own. A dump of PostgreSQL with its tools needs those tools in the server's version. So the
rows are written by Rescue itself, in one read-only transaction that sees a single state, with the revision of the
schema. Restored, they are inserted into that revision and then upgraded like any database.
"""

import base64
import gzip
import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Connection,
    Date,
    DateTime,
    LargeBinary,
    MetaData,
    Table,
    func,
    insert,
    select,
    text,
)

from features.errors import UsageError
from serving.store import Store
from serving.store.migrations import current_revision, upgrade

ROWS_AT_ONCE = 1_000
VERSION_TABLE = "alembic_version"


def dump_tables(store: Store, target: Path) -> str | None:
    """Write every row of every table; returns the revision of the schema."""
    with store.engine.connect() as plain, gzip.open(target, "wt", encoding="utf-8") as lines:
        connection = plain if store.is_sqlite else plain.execution_options(isolation_level="REPEATABLE READ")
        revision = current_revision(connection)
        lines.write(json.dumps({"revision": revision}) + "\n")
        for table in _tables(connection):
            stored = [column for column in table.columns if column.computed is None]
            rows = connection.execute(select(*stored).order_by(*table.primary_key.columns)).yield_per(ROWS_AT_ONCE)
            for row in rows.mappings():
                lines.write(json.dumps([table.name, dict(row)], default=_plain) + "\n")
    return revision


def load_tables(store: Store, source: Path) -> int:
    """Insert the rows of a dump into an empty database, and bring it to the present schema; the number of rows.

    Raises:
        UsageError: the database is not empty.
    """
    with store.engine.connect() as connection:
        if current_revision(connection) is not None:
            raise UsageError("The database holds a queue already: restore into an empty one.")
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        revision = json.loads(next(lines))["revision"]
        upgrade(store.engine, revision)
        with store.engine.begin() as connection:
            count = _insert_rows(connection, lines)
    store.migrate()
    return count


def _insert_rows(connection: Connection, lines: Iterator[str]) -> int:
    tables = {table.name: table for table in _tables(connection)}
    batch: list[dict[str, Any]] = []
    name, count = "", 0
    for line in lines:
        table_name, row = json.loads(line)
        if batch and (table_name != name or len(batch) >= ROWS_AT_ONCE):
            connection.execute(insert(tables[name]), batch)
            batch = []
        name, count = table_name, count + 1
        batch.append(_typed(tables[name], row))
    if batch:
        connection.execute(insert(tables[name]), batch)
    if connection.dialect.name == "postgresql":
        for table in tables.values():
            _advance_sequence(connection, table)
    return count


def _tables(connection: Connection) -> list[Table]:
    """The tables in the order in which their rows can be inserted; views and the revision are left out."""
    schema = MetaData()
    schema.reflect(connection)
    for table in schema.tables.values():
        for column in table.columns:
            if isinstance(column.type, JSON):
                column.type.none_as_null = True  # an unknown value is no JSON null
    return [table for table in schema.sorted_tables if table.name != VERSION_TABLE]


def _advance_sequence(connection: Connection, table: Table) -> None:
    """Numbers that the database gives go on after those that were restored."""
    for column in table.primary_key.columns:
        sequence = connection.scalar(text("SELECT pg_get_serial_sequence(:t, :c)"), {"t": table.name, "c": column.name})
        newest = connection.scalar(select(func.max(column))) if sequence else None
        if newest is not None:
            connection.execute(text("SELECT setval(:s, :n)"), {"s": sequence, "n": newest})


def _typed(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    typed = {}
    for name, value in row.items():
        if table.columns[name].computed is not None:
            continue
        kind = table.columns[name].type
        if isinstance(value, str) and isinstance(kind, DateTime):
            value = datetime.fromisoformat(value)
        elif isinstance(value, str) and isinstance(kind, Date):
            value = date.fromisoformat(value)
        elif isinstance(value, str) and isinstance(kind, LargeBinary):
            value = base64.b64decode(value)
        typed[name] = value
    return typed


def _plain(value: object) -> object:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} cannot be written")
