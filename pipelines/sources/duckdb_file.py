"""A DuckDB file: its tables and views, copied to Parquet so that the night does not hold the file open."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from features.duckdb_connection import open_duckdb
from features.errors import DataGateError
from features.quoting import quote_name, quote_text
from features.source_table import SourceTable
from pipelines.sources.files.folder_contents import UnreadFile


@dataclass(frozen=True)
class DuckDBFileSource:
    """A DuckDB database file, opened read-only; tables and views of its ``main`` schema."""

    path: Path

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
        listed = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'main' ORDER BY table_name"
        with self._open() as connection:
            return tuple(row[0] for row in connection.execute(listed).fetchall())

    def unread_files(self) -> tuple[UnreadFile, ...]:
        """None: a database holds tables only."""
        return ()

    def stage(self, names: Sequence[str], scratch: Path) -> list[SourceTable]:
        """Each as one Parquet file under ``scratch``; a database has types of its own."""
        scratch.mkdir(parents=True, exist_ok=True)
        targets = {name: scratch / f"{name}.parquet" for name in names}
        with self._open(targets.values(), scratch / "spill") as connection:
            return [self._copy(connection, name, target) for name, target in targets.items()]

    def fingerprint(self) -> dict[str, str]:
        """The file's size and time of change, for every table."""
        stat = self.path.stat()
        digest = hashlib.blake2b(f"{stat.st_size} {stat.st_mtime_ns}".encode(), digest_size=16).hexdigest()
        return dict.fromkeys(self.tables(), digest)

    def _copy(self, connection: duckdb.DuckDBPyConnection, name: str, target: Path) -> SourceTable:
        label = f"{self.path.name}, {name}"
        try:
            connection.execute(f"COPY {quote_name(name)} TO {quote_text(str(target))} (FORMAT parquet)")
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
