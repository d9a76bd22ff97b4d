"""A mapping: each of the contract's tables as one SELECT over the source's own tables, and nothing else.

A mapping is somebody's SQL, perhaps copied from the web, so it runs in a DuckDB of its own that can read the source's
tables and no other file, and has no network. Its results are Parquet files that are validated like any others.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import duckdb

from features.contract import TABLES
from features.duckdb_connection import open_duckdb
from features.errors import UsageError, suggest_name
from features.quoting import quote_name
from features.source_table import FileNote, SourceTable
from pipelines.sources.base import Source
from pipelines.sources.files.folder_contents import UnreadFile
from pipelines.sources.folder import FolderSource
from pipelines.sources.mappings.column_use import QueryUse, read_query, with_safe_casts
from pipelines.sources.mappings.mapping_errors import query_error
from pipelines.sources.mappings.typed_columns import with_types

NOT_IN_MAPPING = "no query of the mapping reads it"

_BAD_VALUES = (duckdb.ConversionException, duckdb.InvalidInputException, duckdb.OutOfRangeException)
"""What DuckDB raises for one value that a query cannot use."""


@dataclass(frozen=True)
class MappingQuery:
    """The one SELECT of a file, the lines before it, and what it does with tables and columns (if that is clear)."""

    file: Path
    sql: str
    lines_before: int
    use: QueryUse | None

    def reads(self, table: str) -> bool:
        """Whether the query may read a table of the source."""
        if self.use is not None:
            return table.lower() in self.use.tables
        words = set(re.findall(r"\w+", self.sql.lower()))
        return set(re.findall(r"\w+", table.lower())) <= words


@dataclass(frozen=True)
class MappedSource:
    """A source seen through a folder of ``<table>.sql`` files."""

    origin: Source
    folder: Path

    @property
    def name(self) -> str:
        """The origin and the mapping."""
        return f"{self.origin.name} through {self.folder}"

    @property
    def title(self) -> str:
        """The titles of both."""
        return f"{self.origin.title} through {self.folder.resolve().name}"

    def tables(self) -> tuple[str, ...]:
        """The tables that the mapping makes."""
        return tuple(self._queries)

    def unread_files(self) -> tuple[UnreadFile, ...]:
        """The files of a folder that hold no table, and those that no query reads."""
        unread = self.origin.unread_files()
        if not isinstance(self.origin, FolderSource):
            return unread
        unused = (name for name in self.origin.tables() if not self._readers(name))
        return (*unread, *(UnreadFile(self.origin.files_of(name), NOT_IN_MAPPING) for name in unused))

    def stage(self, names: Sequence[str], scratch: Path) -> list[SourceTable]:
        """The results of the queries as Parquet files under ``scratch``."""
        scratch.mkdir(parents=True, exist_ok=True)
        queries = {name: self._queries[name] for name in names}
        inputs = self._inputs(queries, scratch / "native")
        targets = {name: scratch / f"{name}.parquet" for name in queries}
        files = [file for tables in inputs.values() for table in tables for file in table.files]
        with _locked([*files, *(str(target) for target in targets.values())], scratch) as connection:
            return [self._run(connection, name, inputs[name], targets[name]) for name in queries]

    def fingerprint(self) -> dict[str, str]:
        """The origin's tables and the mapping's text: any change of either may change any table."""
        texts = sorted((name, query.sql) for name, query in self._queries.items())
        return dict.fromkeys(self.tables(), repr((sorted(self.origin.fingerprint().items()), texts)))

    @cached_property
    def _queries(self) -> dict[str, MappingQuery]:
        if not self.folder.is_dir():
            raise UsageError(f"There is no mapping folder {self.folder}.")
        files = sorted(self.folder.glob("*.sql"))
        if not files:
            raise UsageError(f"The mapping folder {self.folder} holds no <table>.sql.")
        return {file.stem: _read_file(file) for file in files}

    def _readers(self, table: str) -> list[str]:
        return [name for name, query in self._queries.items() if query.reads(table)]

    def _inputs(self, queries: Mapping[str, MappingQuery], scratch: Path) -> dict[str, list[SourceTable]]:
        """By query the source's tables that it reads; those of text files with the types that it needs."""
        wanted = [name for name in self.origin.tables() if any(query.reads(name) for query in queries.values())]
        staged = self.origin.stage(wanted, scratch)
        scratch.mkdir(parents=True, exist_ok=True)
        inputs: dict[str, list[SourceTable]] = {name: [] for name in queries}
        for name, query in queries.items():
            for table in (table for table in staged if query.reads(table.name)):
                uses = query.use.columns if query.use else None
                target = scratch / f"{name}.{table.name}.typed.parquet"
                inputs[name].append(with_types(table, uses, target) if table.untyped else table)
        return inputs

    def _run(
        self, connection: duckdb.DuckDBPyConnection, name: str, inputs: Sequence[SourceTable], target: Path
    ) -> SourceTable:
        """The result of one query, with the unreadable lines and the notes of the tables that it read."""
        query = self._queries[name]
        for table in inputs:
            connection.execute(f"CREATE OR REPLACE VIEW {quote_name(table.name)} AS SELECT * FROM {table.relation}")
        columns = [column for table in inputs for column in table.types(connection)]
        notes = [note for table in inputs for note in table.notes]
        try:
            try:
                connection.sql(query.sql).write_parquet(str(target))
            except _BAD_VALUES as error:
                safe = with_safe_casts(query.sql)
                if safe is None:
                    raise
                connection.sql(safe).write_parquet(str(target))
                cause = str(error).partition("\n")[0].partition(": ")[2].rstrip(". ")
                notes.append(FileNote(query.file.name, unusable_value=cause))
        except duckdb.Error as error:
            located = _with_line(connection, query.sql) or error
            tables = self.origin.tables()
            raise query_error(located, str(query.file), query.sql, query.lines_before, tables, columns) from None
        lines = tuple(line for table in inputs for line in table.unreadable_lines)
        result = SourceTable(name, (str(target),), {str(target): query.file.name}, lines)
        return replace(result, notes=tuple(notes))


def _with_line(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Error | None:
    """The error of a query with its line, which DuckDB names for statements only; ``None`` where it fails later."""
    try:
        connection.execute(f"EXPLAIN {sql}")
    except duckdb.Error as error:
        return error
    return None


def _locked(paths: Sequence[str], scratch: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB that can open these files only."""
    return open_duckdb(files=paths, scratch=scratch / "spill")


def _read_file(file: Path) -> MappingQuery:
    """The file's one SELECT.

    Raises:
        UsageError: the file is not named after a table of the contract, or does not hold exactly one SELECT.
    """
    if file.stem not in TABLES:
        raise UsageError(f"{file}: there is no table {file.stem!r} in the contract; {suggest_name(file.stem, TABLES)}")
    try:
        text = file.read_text("utf-8-sig")
        statements = duckdb.extract_statements(text)
    except (duckdb.Error, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not SQL: {' '.join(str(error).split())[:300]}") from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise UsageError(f"{file} must hold one SELECT and nothing else.")
    sql = str(statements[0].query)
    before = text[: max(0, text.find(sql))].count("\n")
    return MappingQuery(file, sql, before, read_query(sql))
