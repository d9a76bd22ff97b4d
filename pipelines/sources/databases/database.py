"""A database behind a URL: rows through SQLAlchemy to Parquet, a batch at a time, in one consistent transaction."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from features.contract import TABLES
from features.errors import DataGateError, UsageError
from features.source_table import SourceTable
from pipelines.sources.databases.database_schemas import SchemaTable, addresses_of, check_schema, name_tables
from pipelines.sources.databases.postgresql_copy import copy_table
from pipelines.sources.files.folder_contents import UnreadFile

SYSTEM_SCHEMAS = frozenset({"information_schema", "pg_catalog", "pg_toast"})
"""Schemas of PostgreSQL that hold nothing of the owner's."""

BATCH = 50_000
"""Rows held in memory at once."""

ARROW_TYPES = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us"),
    "datetime+zone": pa.timestamp("us", tz="UTC"),
}


_PLAIN_TYPES = (sa.Boolean, sa.Integer, sa.Numeric, sa.Date, sa.DateTime, sa.String, sa.Uuid)
"""Types whose text is their value; names of enumerations are strings, too."""


@dataclass(frozen=True)
class DatabaseSource:
    """Tables and views of a database, read through SQLAlchemy (SQLite and PostgreSQL are tested).

    ``schema`` restricts it to one schema. Without it, every schema of PostgreSQL is read, and the default schema of
    every other database.
    """

    url: str
    schema: str | None = None

    @property
    def name(self) -> str:
        """The URL without its password."""
        return self._url.render_as_string(hide_password=True)

    @property
    def title(self) -> str:
        """The name of the database, or of the file that holds it."""
        return Path(self._url.database or self._url.get_backend_name()).name

    def tables(self) -> tuple[str, ...]:
        """Every table and view."""
        return tuple(self._tables)

    def addresses(self, name: str) -> tuple[tuple[str, ...], ...]:
        """The table alone, where that is clear, and after its schema."""
        return addresses_of(self._tables, name)

    @cached_property
    def _tables(self) -> dict[str, SchemaTable]:
        with self._connected() as connection:
            inspector = sa.inspect(connection)
            default = inspector.default_schema_name
            schemas = [default]
            if self.schema is not None:
                check_schema(self.schema, inspector.get_schema_names(), self.name)
                schemas = [self.schema]
            elif connection.dialect.name == "postgresql":
                schemas = [name for name in inspector.get_schema_names() if name not in SYSTEM_SCHEMAS]
            return name_tables(
                SchemaTable(None if schema == default else schema, name)
                for schema in schemas
                for name in {*inspector.get_table_names(schema=schema), *inspector.get_view_names(schema=schema)}
            )

    def unread_files(self) -> tuple[UnreadFile, ...]:
        """None: a database holds tables only."""
        return ()

    def stage(self, names: Sequence[str], scratch: Path) -> list[SourceTable]:
        """Each as one Parquet file under ``scratch``, all of one moment."""
        scratch.mkdir(parents=True, exist_ok=True)
        with self._connected() as connection:
            return [self._read(connection, name, scratch / f"{name}.parquet") for name in names]

    def fingerprint(self) -> dict[str, str]:
        """Rows and, where the table has it, the newest ``known_at``."""
        with self._connected() as connection:
            inspector = sa.inspect(connection)
            return {name: _fingerprint(connection, inspector, table) for name, table in self._tables.items()}

    def _read(self, connection: sa.Connection, name: str, target: Path) -> SourceTable:
        texts: set[str] = set()
        if connection.dialect.name == "postgresql" and _copy(connection, self._tables[name], target):
            return SourceTable(name, (str(target),), {str(target): f"{self.name}, {name}"})
        while (misfit := _write(connection, self._tables[name], target, frozenset(texts))) is not None:
            texts.add(misfit)
        return SourceTable(name, (str(target),), {str(target): f"{self.name}, {name}"})

    @cached_property
    def _url(self) -> sa.URL:
        try:
            url = sa.make_url(self.url)
        except ArgumentError:
            raise UsageError("The source is no database URL: write it as dialect://user:password@host/name.") from None
        return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgresql", "postgres") else url

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        """A transaction in which every table is of one moment; read, never written.

        Raises:
            DataGateError: the database cannot be reached or read.
            UsageError: no driver for it is installed.
        """
        try:
            engine = sa.create_engine(self._url, poolclass=sa.NullPool)
        except (NoSuchModuleError, ImportError):
            kind = self._url.drivername
            raise UsageError(f"No driver for {kind} is installed; PostgreSQL needs the extra named postgres.") from None
        if engine.dialect.name == "sqlite" and not Path(self._url.database or "").is_file():
            raise UsageError(f"There is no file {self._url.database} behind {self.name}.")
        if engine.dialect.name == "postgresql":
            engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        try:
            with engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise DataGateError(f"The database {self.name} cannot be read: {cause.rstrip('.')}.") from None
        finally:
            engine.dispose()


def _fingerprint(connection: sa.Connection, inspector: sa.Inspector, own: SchemaTable) -> str:
    columns = inspector.get_columns(own.name, schema=own.schema)
    table = sa.table(own.name, *(sa.column(column["name"]) for column in columns), schema=own.schema)
    measures: list[sa.ColumnElement[Any]] = [sa.func.count()]
    if "known_at" in table.c and own.name in TABLES:
        measures.append(sa.func.max(table.c.known_at))
    values = connection.execute(sa.select(*measures).select_from(table)).one()
    return hashlib.blake2b(repr(tuple(values)).encode(), digest_size=16).hexdigest()


def _copy(connection: sa.Connection, own: SchemaTable, target: Path) -> bool:
    """Read a table of PostgreSQL in bulk, where its types allow that."""
    columns = sa.inspect(connection).get_columns(own.name, schema=own.schema)
    if not all(isinstance(column["type"], _PLAIN_TYPES) for column in columns):
        return False
    types = {str(column["name"]): _arrow_type(column["type"], sqlite=False) for column in columns}
    try:
        return copy_table(connection.connection.driver_connection, own.schema, own.name, types, target)
    except connection.dialect.loaded_dbapi.Error as error:
        raise SQLAlchemyError(str(error)) from None


def _write(connection: sa.Connection, own: SchemaTable, target: Path, texts: frozenset[str]) -> str | None:
    """Write a table to Parquet; answers the column whose values are not all of its declared type, if there is one.

    SQLite accepts any value in any column; such a column is written again, as text, and then validated.
    """
    columns = sa.inspect(connection).get_columns(own.name, schema=own.schema)
    sqlite = connection.dialect.name == "sqlite"
    schema = pa.schema(
        [
            (column["name"], pa.string() if column["name"] in texts else _arrow_type(column["type"], sqlite))
            for column in columns
        ]
    )
    # No types are given to the columns: SQLAlchemy would parse SQLite's dates, and fail on the first bad one.
    query = sa.select(*(sa.column(column["name"]) for column in columns)).select_from(
        sa.table(own.name, schema=own.schema)
    )
    rows = connection.execution_options(yield_per=BATCH).execute(query)
    with pq.ParquetWriter(target, schema) as writer:
        for part in rows.partitions():
            arrays = []
            for column, values in zip(schema, zip(*part, strict=True), strict=True):
                array = _array(values, column.type)
                if array is None:
                    rows.close()
                    return str(column.name)
                arrays.append(array)
            writer.write_batch(pa.record_batch(arrays, schema=schema))
    return None


def _arrow_type(declared: sa.types.TypeEngine[Any], sqlite: bool) -> pa.DataType:
    if sqlite and isinstance(declared, (sa.Date, sa.DateTime, sa.Boolean)):
        return pa.int64() if isinstance(declared, sa.Boolean) else pa.string()
    if isinstance(declared, sa.DateTime):
        return ARROW_TYPES["datetime+zone" if declared.timezone else "datetime"]
    if isinstance(declared, sa.Date):
        return ARROW_TYPES["date"]
    if isinstance(declared, sa.Boolean):
        return ARROW_TYPES[bool]
    if isinstance(declared, sa.Integer):
        return ARROW_TYPES[int]
    return ARROW_TYPES[float] if isinstance(declared, sa.Numeric) else pa.string()


def _array(values: Sequence[Any], wanted: pa.DataType) -> pa.Array | None:
    """The values as an array of the wanted type; ``None`` where one is not of it."""
    if pa.types.is_string(wanted):
        return pa.array([_text(value) for value in values], wanted)
    if pa.types.is_floating(wanted):
        values = [float(value) if isinstance(value, (int, Decimal)) else value for value in values]
    try:
        return pa.array(values, wanted)
    except (pa.ArrowException, TypeError, OverflowError):
        return None


def _text(value: Any) -> str | bytes | None:
    if value is None or isinstance(value, str):
        return value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
