"""A database behind a URL: its tables to Parquet, a batch at a time, in one consistent transaction."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from features.contract import TABLES
from features.errors import DataGateError, UsageError
from features.source_table import FileNote, SourceTable
from pipelines.sources.column_changes import compare_columns
from pipelines.sources.databases.arrow_tables import arrow_cursor, arrow_value, can_read_arrow, sql_text, write_arrow
from pipelines.sources.databases.database_schemas import SchemaTable, addresses_of, check_schema, name_tables
from pipelines.sources.databases.drivers import create_engine, read_url
from pipelines.sources.databases.month_parts import CHECKED, MonthTable, PartReader, choose_column, read_parts
from pipelines.sources.databases.row_tables import write_rows
from pipelines.sources.files.folder_contents import UnreadFile

SYSTEM_SCHEMAS = frozenset({"information_schema", "pg_catalog", "pg_toast"})
"""Schemas of PostgreSQL that hold nothing of the owner's."""

ColumnTypes = dict[str, sa.types.TypeEngine[Any]]


@dataclass(frozen=True)
class DatabaseSource:
    """Tables and views of a database, read through SQLAlchemy, those of PostgreSQL in bulk.

    ``schema`` restricts it to one schema. Without it, every schema of PostgreSQL is read, and the default schema of
    every other database. With ``partition_by``, a table with one of these columns is read in parts of one month, and
    parts that have not changed are taken from the folder ``kept``.
    """

    url: str
    schema: str | None = None
    partition_by: tuple[str, ...] = ()
    kept: Path | None = None
    _used: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

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
            elif default is None and connection.dialect.name in ("mysql", "mariadb"):
                raise UsageError(f"{self.name} names no database: write it after the host, or set schema.")
            return name_tables(
                SchemaTable(None if schema == default else schema, name)
                for schema in schemas
                for name in {*inspector.get_table_names(schema=schema), *inspector.get_view_names(schema=schema)}
            )

    def unread_files(self) -> tuple[UnreadFile, ...]:
        """None: a database holds tables only."""
        return ()

    def stage(self, names: Sequence[str], scratch: Path) -> list[SourceTable]:
        """Each as Parquet under ``scratch``, all of one moment; or as the files of its months that are kept."""
        return self.stage_columns(dict.fromkeys(names), scratch)

    def stage_columns(self, columns: Mapping[str, Collection[str] | None], scratch: Path) -> list[SourceTable]:
        """The same with some columns only: by table their names in lower case, or None for all of them."""
        scratch.mkdir(parents=True, exist_ok=True)
        self._used.update(columns)
        with ExitStack() as stack:
            connection = stack.enter_context(self._connected())
            types = {name: self._columns(connection, name, wanted) for name, wanted in columns.items()}
            if can_read_arrow(self._url):
                reader = _arrow_reader(stack.enter_context(arrow_cursor(self._url)))
            else:
                reader = _row_reader(connection)
            staged = [self._read(reader, name, own, scratch) for name, own in types.items()]
        return [self._with_changes(table, types[table.name]) for table in staged]

    def fingerprint(self) -> dict[str, str]:
        """Rows and, where the table has it, the newest ``known_at``; of the tables that were read, if any were."""
        with self._connected() as connection:
            inspector = sa.inspect(connection)
            tables = {name: table for name, table in self._tables.items() if name in self._used or not self._used}
            return {name: _fingerprint(connection, inspector, table) for name, table in tables.items()}

    def _columns(self, connection: sa.Connection, name: str, wanted: Collection[str] | None) -> ColumnTypes:
        own = self._tables[name]
        types = {str(it["name"]): it["type"] for it in sa.inspect(connection).get_columns(own.name, schema=own.schema)}
        chosen = {it: kind for it, kind in types.items() if wanted is None or it.lower() in wanted}
        by = choose_column(self.partition_by, types, f"{self.name}, {name}") if self.partition_by else None
        return (chosen or types) | ({by: types[by]} if by else {})

    def _read(self, reader: "_Reader", name: str, types: ColumnTypes, scratch: Path) -> SourceTable:
        own = self._tables[name]
        table = sa.table(own.name, *(sa.column(column) for column in types), schema=own.schema)
        values = tuple(reader.value(column, kind) for column, kind in types.items())
        label = f"{self.name}, {name}"
        by = choose_column(self.partition_by, types, label) if self.partition_by else None
        if by is not None and self.kept is not None and reader.dialect in CHECKED:
            parts = PartReader(reader.dialect, reader.rows, partial(reader.write, types))
            months = MonthTable(table, by, tuple(types), values)
            prints = read_parts(months, parts, self._folder(name))
            labels = {file: f"{label}, {by} {Path(file).name.partition('.')[0]}" for file in prints}
            return SourceTable(name, tuple(prints), labels, fingerprints=prints)
        target = scratch / f"{name}.parquet"
        reader.write(types, sa.select(*values).select_from(table), target)
        return SourceTable(name, (str(target),), {str(target): label})

    def _with_changes(self, table: SourceTable, types: ColumnTypes) -> SourceTable:
        """The table with a note where the columns that are read of it have changed since the last time."""
        if self.kept is None:
            return table
        named = {it: str(own) for it, own in types.items()}
        changes = compare_columns(self._folder(table.name) / "columns.json", named)
        return replace(table, notes=(FileNote(table.label, changed_columns=changes),)) if changes else table

    def _folder(self, name: str) -> Path:
        place = self._url.set(password=None).render_as_string(), self.schema, name
        digest = hashlib.blake2b(repr(place).encode(), digest_size=8).hexdigest()
        return (self.kept or Path()) / f"{self.title}-{digest}"

    @cached_property
    def _url(self) -> sa.URL:
        return read_url(self.url)

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        """A transaction in which every table is of one moment; read, never written.

        Raises:
            DataGateError: the database cannot be reached or read.
            UsageError: no driver for it is installed, or a setting does not fit it.
        """
        engine = create_engine(self._url)
        kind = engine.dialect.name
        if kind == "sqlite" and not Path(self._url.database or "").is_file():
            raise UsageError(f"There is no file {self._url.database} behind {self.name}.")
        if self.partition_by and kind not in CHECKED:
            raise UsageError(f"{self.name} cannot be read with partition_by, only PostgreSQL, MySQL and MariaDB can.")
        if kind == "postgresql":
            engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        elif kind in ("mysql", "mariadb"):
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        try:
            with engine.connect() as connection:
                if kind in ("mysql", "mariadb"):
                    connection.exec_driver_sql("SET time_zone = '+00:00'")
                yield connection
        except SQLAlchemyError as error:
            raise DataGateError(f"The database {self.name} cannot be read: {_cause(error).rstrip('.')}.") from None
        finally:
            engine.dispose()


@dataclass(frozen=True)
class _Reader:
    """A way to read tables: how a query names a column, answers rows, and is written to a file."""

    dialect: str
    value: Callable[[str, sa.types.TypeEngine[Any]], sa.ColumnElement[Any]]
    rows: Callable[[sa.Select[Any]], Sequence[Sequence[Any]]]
    write: Callable[[ColumnTypes, sa.Select[Any], Path], None]


def _arrow_reader(cursor: Any) -> _Reader:
    def rows(query: sa.Select[Any]) -> Sequence[Sequence[Any]]:
        cursor.execute(sql_text(query))
        return list(cursor.fetchall())

    return _Reader("postgresql", arrow_value, rows, lambda types, query, file: write_arrow(cursor, query, types, file))


def _row_reader(connection: sa.Connection) -> _Reader:
    dialect = connection.dialect.name
    # No types are given to the columns: SQLAlchemy would parse SQLite's dates, and fail on the first bad one.
    return _Reader(
        dialect,
        arrow_value if dialect == "postgresql" else lambda name, _: sa.column(name),
        lambda query: connection.execute(query).all(),
        lambda types, query, file: write_rows(connection, query, types, file),
    )


def _cause(error: SQLAlchemyError) -> str:
    """What the database says, in one line; MySQL's drivers put a number before it."""
    cause = getattr(error, "orig", None) or error
    text = cause.args[1] if len(cause.args) > 1 and isinstance(cause.args[1], str) else str(cause)
    return text.strip().splitlines()[0] if text.strip() else type(cause).__name__


def _fingerprint(connection: sa.Connection, inspector: sa.Inspector, own: SchemaTable) -> str:
    columns = inspector.get_columns(own.name, schema=own.schema)
    table = sa.table(own.name, *(sa.column(column["name"]) for column in columns), schema=own.schema)
    measures: list[sa.ColumnElement[Any]] = [sa.func.count()]
    if "known_at" in table.c and own.name in TABLES:
        measures.append(sa.func.max(table.c.known_at))
    values = connection.execute(sa.select(*measures).select_from(table)).one()
    return hashlib.blake2b(repr(tuple(values)).encode(), digest_size=16).hexdigest()
