"""A DuckDB file: its tables and views, copied to Parquet so that the night does not hold the file open."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb

from features.duckdb_connection import open_duckdb
from features.errors import DataGateError
from features.quoting import quote_name, quote_text
from features.source_table import SourceTable
from pipelines.sources.databases.database_schemas import SchemaTable, addresses_of, check_schema, name_tables
from pipelines.sources.files.folder_contents import UnreadFile


@dataclass(frozen=True)
class DuckDBFileSource:
    """A DuckDB database file, opened read-only; tables and views of one schema, or of all."""

    path: Path
    schema: str | None = None

    @property
    def name(self) -> str:
        """The file as it was given."""
        return str(self.path)

    @property
    def title(self) -> str:
        """The file's own name."""
        return self.path.name

    def tables(self) -> tuple[str, ...]:
        """Every table and view."""
        return tuple(self._tables)

    def addresses(self, name: str) -> tuple[tuple[str, ...], ...]:
        """The table alone, where that is clear, and after its schema."""
        return addresses_of(self._tables, name)

    @cached_property
    def _tables(self) -> dict[str, SchemaTable]:
        listed = (
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_catalog = current_database() AND table_schema NOT IN ('information_schema', 'pg_catalog')"
        )
        with self._open() as connection:
            rows = connection.execute(listed).fetchall()
        if self.schema is not None:
            check_schema(self.schema, {schema for schema, _ in rows}, self.name)
            return name_tables(SchemaTable(schema, name) for schema, name in rows if schema == self.schema)
        return name_tables(SchemaTable(None if schema == "main" else schema, name) for schema, name in rows)

    def unread_files(self) -> tuple[UnreadFile, ...]:
        """None: a database holds tables only."""
        return ()

    def stage(self, names: Sequence[str], scratch: Path) -> list[SourceTable]:
        """Each as one Parquet file under ``scratch``; a database has types of its own."""
        scratch.mkdir(parents=True, exist_ok=True)
        tables = {name: self._tables[name] for name in names}
        targets = {name: scratch / f"{name}.parquet" for name in names}
        with self._open(targets.values(), scratch / "spill") as connection:
            return [self._copy(connection, name, tables[name], targets[name]) for name in names]

    def fingerprint(self) -> dict[str, str]:
        """The file's size and time of change, for every table."""
        stat = self.path.stat()
        digest = hashlib.blake2b(f"{stat.st_size} {stat.st_mtime_ns}".encode(), digest_size=16).hexdigest()
        return dict.fromkeys(self.tables(), digest)

    def _copy(self, connection: duckdb.DuckDBPyConnection, name: str, listed: SchemaTable, target: Path) -> SourceTable:
        label = f"{self.path.name}, {name}"
        try:
            table = ".".join(quote_name(part) for part in listed.addresses[-1])
            connection.execute(f"COPY {table} TO {quote_text(str(target))} (FORMAT parquet)")
        except duckdb.Error as error:
            raise DataGateError(f"{label} cannot be read: {str(error).splitlines()[0]}") from None
        return SourceTable(name, (str(target),), {str(target): label})

    def _open(self, files: Iterable[Path] = (), scratch: Path | None = None) -> duckdb.DuckDBPyConnection:
        """The file, whose views may read its own tables and nothing else of this machine."""
        try:
            return open_duckdb(self.path, files=files, scratch=scratch)
        except duckdb.Error as error:
            cause = str(error).splitlines()[0]
            raise DataGateError(f"{self.path} cannot be opened as a DuckDB file: {cause}") from None
