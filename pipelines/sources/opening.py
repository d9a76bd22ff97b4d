"""From what an operator typed to a source."""

from collections.abc import Sequence
from pathlib import Path

from features.errors import UsageError
from pipelines.sources.base import Source
from pipelines.sources.databases.database import DatabaseSource
from pipelines.sources.databases.duckdb_file import DuckDBFileSource
from pipelines.sources.files.file_formats import file_kind
from pipelines.sources.folder import FolderSource
from pipelines.sources.lakes.lake_source import LakeSource, add_folder
from pipelines.sources.lakes.lake_table import find_in_folder
from pipelines.sources.mappings.mapping import MappedSource
from pipelines.sources.mappings.mapping_folder import find_mapping
from pipelines.sources.stores.object_store import is_store
from pipelines.sources.stores.store_source import ObjectStoreSource

DUCKDB_MAGIC = b"DUCK"
SQLITE_MAGIC = b"SQLite format 3"


def open_source(
    source: str,
    *,
    mapping: Path | None = None,
    schema: str | None = None,
    partition_by: Sequence[str] = (),
    kept: Path | None = None,
) -> Source:
    """The source that ``source`` names: a folder, one file of it, a DuckDB or SQLite file, or a URL.

    The URL is that of a database, or of a folder in an object store. A folder may hold tables of a lakehouse.

    With ``mapping``, a folder of ``<table>.sql`` files or the name of one that Rescue brings, the source's own tables
    are mapped onto the contract's. ``schema`` restricts a database to the tables of one schema; ``partition_by`` are
    the columns by whose months it is read in parts, and ``kept`` is the folder for what is not read again every night.

    Raises:
        UsageError: nothing is there, or it is nothing that can be read, or an option does not fit it.
    """
    opened = _plain(source, schema, tuple(partition_by), kept)
    return MappedSource(opened, find_mapping(mapping)) if mapping else opened


def _plain(source: str, schema: str | None, partition_by: tuple[str, ...], kept: Path | None) -> Source:
    if is_store(source):
        if schema is not None or partition_by:
            raise UsageError(f"{source.partition('?')[0]} is a store of files: leave schema and partition_by out.")
        return ObjectStoreSource(source, kept)
    if "://" in source:
        return DatabaseSource(source, schema, partition_by, kept)
    if partition_by:
        raise UsageError(f"{source} is no database with a server: leave the setting partition_by out.")
    path = Path(source)
    return _folder(source, path, schema, kept) if path.is_dir() else _file(source, path, schema)


def _folder(source: str, path: Path, schema: str | None, kept: Path | None) -> Source:
    """A folder of files, some of which may be tables of a lakehouse."""
    if schema is not None:
        raise UsageError(f"{source} is a folder, which has no schema {schema!r}: leave the setting schema out.")
    tables = find_in_folder(path)
    return add_folder(LakeSource(source, tables, kept), path) if tables else FolderSource(path)


def _file(source: str, path: Path, schema: str | None) -> Source:
    if not path.exists():
        raise UsageError(f"There is no folder or file {source}; a source is a folder, a DuckDB file or a database URL.")
    start = _start(path)
    if start[8:12] == DUCKDB_MAGIC:
        return DuckDBFileSource(path, schema)
    if start.startswith(SQLITE_MAGIC):
        return DatabaseSource(f"sqlite:///{path.absolute()}", schema)
    if file_kind(path.name) is not None:
        return FolderSource(path.parent, path.name)
    raise UsageError(f"{source} is no folder and no database; give the folder that holds <table>.parquet or .csv.")


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(16)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
