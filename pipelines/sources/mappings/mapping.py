"""A mapping: each of the contract's tables as one SELECT over the source's own tables, and nothing else.

A mapping is somebody's SQL, perhaps copied from the web, so it runs in a DuckDB of its own that can read the source's
tables and no other file, and has no network. Its results are Parquet files that are validated like any others.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from features.contract import TABLES
from features.duckdb_connection import open_duckdb
from features.errors import UsageError, suggest_name
from features.quoting import quote_name
from features.source_table import FileNote, SourceTable
from pipelines.sources.base import ColumnSource, FileSource, Source, stage_columns, table_addresses
from pipelines.sources.files.folder_contents import UnreadFile
from pipelines.sources.mappings.column_use import QueryUse, read_query, with_safe_casts
from pipelines.sources.mappings.mapping_errors import MissingInputError, query_error
from pipelines.sources.mappings.mapping_folder import MappingFolder
from pipelines.sources.mappings.mapping_inputs import MappingInput, read_inputs, read_views
from pipelines.sources.mappings.typed_columns import with_types

CROSSWALK = "crosswalk"
"""A query of a mapping that is no table of the contract: the names by which other systems know its companies."""

NOT_IN_MAPPING = "no query of the mapping reads it"

ALWAYS_MADE = ("accounts", CROSSWALK)
"""Tables that are made even if they have no row."""

_BAD_VALUES = (duckdb.ConversionException, duckdb.InvalidInputException, duckdb.OutOfRangeException)
"""What DuckDB raises for one value that a query cannot use."""


@dataclass(frozen=True)
class MappingQuery:
    """The one SELECT of a file, the lines before it, and what it does with tables and columns (if that is clear)."""

    file: Path
    sql: str
    lines_before: int
    use: QueryUse | None

    def reads(self, *addresses: tuple[str, ...]) -> bool:
        """Whether the query may read the table that has these addresses."""
        if self.use is not None:
            return any(".".join(parts).lower() in self.use.tables for parts in addresses)
        words = set(re.findall(r"\w+", self.sql.lower()))
        return any(set(re.findall(r"\w+", " ".join(parts).lower())) <= words for parts in addresses)


@dataclass(frozen=True)
class MappedSource:
    """A source seen through a folder of ``<table>.sql`` files.

    A mapping that declares its inputs makes only the tables whose needed inputs the source has.
    """

    origin: Source
    mapping: MappingFolder

    @property
    def name(self) -> str:
        """The origin and the mapping."""
        return f"{self.origin.name} through {self.mapping.name}"

    @property
    def title(self) -> str:
        """The titles of both."""
        own = self.mapping.name if self.mapping.system else self.mapping.folder.resolve().name
        return f"{self.origin.title} through {own}"

    def tables(self) -> tuple[str, ...]:
        """The tables that the mapping makes of those that the source has."""
        return tuple(name for name in self._queries if name != CROSSWALK)

    @property
    def has_crosswalk(self) -> bool:
        """Whether it says by which names other systems know its companies."""
        return CROSSWALK in self._queries

    def unread_files(self) -> tuple[UnreadFile, ...]:
        """The files of a folder that hold no table, and those that no query reads."""
        unread = self.origin.unread_files()
        if not isinstance(self.origin, FileSource):
            return unread
        unused = (name for name in self.origin.tables() if not self._readers(name))
        return (*unread, *(UnreadFile(self.origin.files_of(name), NOT_IN_MAPPING) for name in unused))

    def stage(self, names: Sequence[str], scratch: Path) -> list[SourceTable]:
        """The results of the queries as Parquet files under ``scratch``.

        A mapping that declares its inputs has no table without rows: nobody uses this part of the system, and no row is
        not the same as none known.
        """
        queries = {name: self._queries[name] for name in names}
        if not isinstance(self.origin, ColumnSource):
            return self._stage(queries, dict.fromkeys(self.origin.tables()), scratch)
        try:
            return self._stage(queries, self._columns(queries), scratch)
        except UsageError:  # its message names the columns that the table has
            return self._stage(queries, dict.fromkeys(self.origin.tables()), scratch / "whole")

    def _stage(
        self, queries: Mapping[str, MappingQuery], columns: Mapping[str, Collection[str] | None], scratch: Path
    ) -> list[SourceTable]:
        scratch.mkdir(parents=True, exist_ok=True)
        inputs = self._inputs(queries, columns, scratch / "native")
        targets = {name: scratch / f"{name}.parquet" for name in queries}
        files = [file for tables in inputs.values() for table in tables for file in table.files]
        paths = [*files, *(str(target) for target in targets.values())]
        with _locked(paths, scratch, self._catalogs) as connection:
            tables = [self._run(connection, name, inputs[name], targets[name]) for name in queries]
        return [table for table in tables if not self.inputs or table.name in ALWAYS_MADE or not _is_empty(table)]

    def fingerprint(self) -> dict[str, str]:
        """The origin's tables and the mapping's text: any change of either may change any table."""
        texts = [
            *sorted((name, query.sql) for name, query in self._queries.items()),
            repr(self.inputs),
            *sorted((name, view.sql) for name, view in self._views.items()),
        ]
        return dict.fromkeys(self.tables(), repr((sorted(self.origin.fingerprint().items()), texts)))

    @cached_property
    def _queries(self) -> dict[str, MappingQuery]:
        queries = {file.stem: _read_file(file) for file in self.mapping.query_files()}
        if not queries:
            raise UsageError(f"The mapping folder {self.mapping.folder} holds no <table>.sql.")
        own = set(self.origin.tables()) if self.inputs else set()
        absent = [it for it in self.inputs.values() if it.needed and it.table_in(own) is None]
        made = {name: query for name, query in queries.items() if not any(self._reads(query, it.name) for it in absent)}
        if not made or (absent and len(absent) == sum(it.needed for it in self.inputs.values())):
            names = " or ".join(it.tables[0] for it in absent)
            raise MissingInputError(
                f"{self.origin.name} has no table {names}, which the mapping {self.mapping.name} reads; "
                f"{suggest_name(absent[0].tables[0], own)}"
            )
        return made

    @cached_property
    def _catalogs(self) -> frozenset[str]:
        """The sources whose tables lie in schemas: ``source.schema.table`` is a table of a catalog."""
        every = (parts for name in self.origin.tables() for parts in table_addresses(self.origin, name))
        return frozenset(parts[0] for parts in every if len(parts) > 2)

    @cached_property
    def inputs(self) -> dict[str, MappingInput]:
        """The tables that the mapping declares, by the names under which its queries read them."""
        return read_inputs(self.mapping.settings)

    @cached_property
    def _views(self) -> dict[str, MappingQuery]:
        """Queries over inputs that several queries of the mapping read."""
        views = read_views(self.mapping.settings)
        return {name: MappingQuery(self.mapping.settings, sql, 0, read_query(sql)) for name, sql in views.items()}

    def _reads(self, query: MappingQuery, *names: str | tuple[str, ...]) -> bool:
        """Whether a query reads one of these tables, itself or through a view."""
        addresses = [(name,) if isinstance(name, str) else name for name in names]
        through = (view for name, view in self._views.items() if query.reads((name,)))
        return query.reads(*addresses) or any(self._reads(view, *names) for view in through if view is not query)

    def _readers(self, table: str) -> list[str]:
        declared = [it.name for it in self.inputs.values() if it.table_in([table])]
        addresses: list[str | tuple[str, ...]] = [*table_addresses(self.origin, table), *declared]
        return [name for name, query in self._queries.items() if self._reads(query, *addresses)]

    def _columns(self, queries: Mapping[str, MappingQuery]) -> dict[str, frozenset[str] | None]:
        """By table of the source the columns that the queries read; ``None`` where that may be any."""
        return {table: self._columns_of(table, queries) for table in self.origin.tables()}

    def _columns_of(self, table: str, queries: Mapping[str, MappingQuery]) -> frozenset[str] | None:
        read = [frozenset(it.uses) for it in self.inputs.values() if it.table_in(self.origin.tables()) == table]
        for query in (*queries.values(), *self._views.values()):
            if query.reads(*table_addresses(self.origin, table)):
                if query.use is None or query.use.named is None:
                    return None
                read.append(query.use.named)
        return frozenset().union(*read)

    def _inputs(
        self, queries: Mapping[str, MappingQuery], columns: Mapping[str, Collection[str] | None], scratch: Path
    ) -> dict[str, list[SourceTable]]:
        """By query the source's tables that it reads; those of text files with the types that it needs."""
        readers = {name: set(self._readers(name)) & queries.keys() for name in self.origin.tables()}
        wanted = {name: columns[name] for name, reading in readers.items() if reading}
        staged = stage_columns(self.origin, wanted, scratch)
        scratch.mkdir(parents=True, exist_ok=True)
        inputs: dict[str, list[SourceTable]] = {name: [] for name in queries}
        declared = {it.table_in(self.origin.tables()): it.uses for it in self.inputs.values()}
        typed = {
            table.name: with_types(table, declared[table.name], scratch / f"{table.name}.declared.parquet")
            for table in staged
            if table.untyped and table.name in declared
        }
        for name, query in queries.items():
            for table in (table for table in staged if name in readers[table.name]):
                uses = query.use.columns if query.use else None
                target = scratch / f"{name}.{table.name}.typed.parquet"
                own = typed.get(table.name) or (with_types(table, uses, target) if table.untyped else table)
                inputs[name].append(own)
        return inputs

    def _create_views(self, connection: duckdb.DuckDBPyConnection, name: str, tables: Sequence[SourceTable]) -> None:
        """What the query sees: the source's tables by all their names, and the inputs that the mapping declares."""
        for table in tables:
            for parts in table_addresses(self.origin, table.name):
                _create_view(connection, parts, table.select_all, self._catalogs)
        by_name = {table.name: table for table in tables}
        for declared in self.inputs.values():
            if not self._reads(self._queries[name], declared.name):
                continue
            own = declared.table_in(self.origin.tables())
            found = by_name.get(own) if own is not None else None
            if found is None:
                _create_view(connection, (declared.name,), declared.empty())
            else:
                place = f"{self.mapping.name}, {own}"
                select = declared.select(found.types(connection), found.relation, place)
                _create_view(connection, (declared.name,), select)
        for view, query in self._views.items():
            if self._reads(self._queries[name], view):
                _create_view(connection, (view,), query.sql)

    def _run(
        self, connection: duckdb.DuckDBPyConnection, name: str, inputs: Sequence[SourceTable], target: Path
    ) -> SourceTable:
        """The result of one query, with the unreadable lines and the notes of the tables that it read."""
        query = self._queries[name]
        self._create_views(connection, name, inputs)
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


def _is_empty(table: SourceTable) -> bool:
    return not table.unreadable_lines and not pq.read_metadata(table.files[0]).num_rows


def _create_view(
    connection: duckdb.DuckDBPyConnection, parts: Sequence[str], select: str, catalogs: Collection[str] = ()
) -> None:
    """A view, in the catalog and schema that its name begins with."""
    path = [parts[0], "main", parts[1]] if len(parts) == 2 and parts[0] in catalogs else list(parts)
    *schema, _ = quoted = [quote_name(part) for part in path]
    if schema:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {'.'.join(schema)}")
    connection.execute(f"CREATE OR REPLACE VIEW {'.'.join(quoted)} AS {select}")


def _locked(paths: Sequence[str], scratch: Path, catalogs: Collection[str]) -> duckdb.DuckDBPyConnection:
    """A DuckDB that can open these files only, with a catalog in memory for each of these names."""
    connection = open_duckdb(files=paths, scratch=scratch / "spill")
    for catalog in sorted(catalogs):
        connection.execute(f"ATTACH ':memory:' AS {quote_name(catalog)}")
    return connection


def _read_file(file: Path) -> MappingQuery:
    """The file's one SELECT.

    Raises:
        UsageError: the file is not named after a table of the contract, or does not hold exactly one SELECT.
    """
    if file.stem not in TABLES and file.stem != CROSSWALK:
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
