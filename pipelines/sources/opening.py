"""From what an operator typed to a source."""

from pathlib import Path

from features.errors import UsageError
from pipelines.sources.base import Source
from pipelines.sources.database import DatabaseSource
from pipelines.sources.duckdb_file import DuckDBFileSource
from pipelines.sources.folder import FolderSource
from pipelines.sources.mappings.mapping import MappedSource

DUCKDB_MAGIC = b"DUCK"
SQLITE_MAGIC = b"SQLite format 3"


def open_source(source: str, *, mapping: Path | None = None) -> Source:
    """The source that ``source`` names: a folder, a DuckDB or SQLite file, or a database URL.

    With ``mapping``, a folder of ``<table>.sql`` files, the source's own tables are mapped onto the contract's.

    Raises:
        UsageError: nothing is there, or it is nothing that can be read.
    """
    opened = _plain(source)
    return MappedSource(opened, mapping) if mapping else opened


def _plain(source: str) -> Source:
    if "://" in source:
        return DatabaseSource(source)
    path = Path(source)
    if path.is_dir():
        return FolderSource(path)
    if not path.exists():
        raise UsageError(f"There is no folder or file {source}; a source is a folder, a DuckDB file or a database URL.")
    start = _start(path)
    if start[8:12] == DUCKDB_MAGIC:
        return DuckDBFileSource(path)
    if start.startswith(SQLITE_MAGIC):
        return DatabaseSource(f"sqlite:///{path.absolute()}")
    raise UsageError(f"{source} is no folder and no database; give the folder that holds <table>.parquet or .csv.")


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(16)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
