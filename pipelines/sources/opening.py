"""From what an operator typed to a source."""

from collections.abc import Sequence
from pathlib import Path

from features.errors import UsageError
from pipelines.sources.base import Source
from pipelines.sources.databases.database import DatabaseSource
from pipelines.sources.databases.duckdb_file import DuckDBFileSource
from pipelines.sources.files.file_formats import file_kind
from pipelines.sources.folder import FolderSource
from pipelines.sources.mappings.mapping import MappedSource
from pipelines.sources.mappings.mapping_folder import find_mapping

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
    """The source that ``source`` names: a folder, one file of it, a DuckDB or SQLite file, or a database URL.

    With ``mapping``, a folder of ``<table>.sql`` files or the name of one that Rescue brings, the source's own tables
    are mapped onto the contract's. ``schema`` restricts a database to the tables of one schema; ``partition_by`` are
    the columns by whose months it is read in parts, and ``kept`` is the folder for what is not read again every night.

    Raises:
        UsageError: nothing is there, or it is nothing that can be read, or an option does not fit it.
    """
    opened = _plain(source, schema, tuple(partition_by), kept)
    return MappedSource(opened, find_mapping(mapping)) if mapping else opened


def _plain(source: str, schema: str | None, partition_by: tuple[str, ...], kept: Path | None) -> Source:
    if "://" in source:
        return DatabaseSource(source, schema, partition_by, kept)
    if partition_by:
        raise UsageError(f"{source} is no database with a server: leave the setting partition_by out.")
    path = Path(source)
    if path.is_dir():
        if schema is not None:
            raise UsageError(f"{source} is a folder, which has no schema {schema!r}: leave the setting schema out.")
        return FolderSource(path)
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
