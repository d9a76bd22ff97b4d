"""A folder of tables: Parquet is read in place, every other format is converted to Parquet first."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from features.errors import UsageError
from features.source_table import SourceTable
from pipelines.sources.files.file_formats import FORMAT_LIST
from pipelines.sources.files.folder_contents import FilePart, FolderContents, UnreadFile, read_contents
from pipelines.sources.files.stage_files import stage_parts


@dataclass(frozen=True)
class FolderSource:
    """Files ``<table>.<format>``, folders ``<table>/`` of parts, zip archives and workbooks of tables.

    ``only`` is the name of the one file that is read, where the source is a file; ``without`` are the names of entries
    that are no part of it. ``shown`` is its name in messages, where that is not the folder's.
    """

    folder: Path
    only: str | None = None
    without: frozenset[str] = frozenset()
    shown: str = ""

    @property
    def name(self) -> str:
        """The folder as it was given."""
        if self.shown:
            return self.shown
        return str(self.folder / self.only) if self.only else str(self.folder)

    @property
    def title(self) -> str:
        """The folder's own name."""
        return self.only or self.shown.rstrip("/").rpartition("/")[2] or self.folder.resolve().name

    def tables(self) -> tuple[str, ...]:
        """The names of all tables that the files hold."""
        return tuple(self._contents.tables)

    def unread_files(self) -> tuple[UnreadFile, ...]:
        """The files that belong to no table, and why."""
        return tuple(self._contents.unread)

    def stage(self, names: Sequence[str], scratch: Path) -> list[SourceTable]:
        """Parquet in place; everything else as Parquet under ``scratch``."""
        return [stage_parts(name, self._contents.tables[name], scratch) for name in names]

    def fingerprint(self) -> dict[str, str]:
        """Names, sizes and times of change of each table's files."""
        return {name: _fingerprint(self.folder, parts) for name, parts in self._contents.tables.items()}

    def files_of(self, name: str) -> str:
        """The file of a table, or the first of several, in messages."""
        return self._contents.tables[name][0].label

    @cached_property
    def _contents(self) -> FolderContents:
        contents = read_contents(self.folder, self.only, self.without)
        if not contents.tables:
            unread = "".join(f" {unread.file} is not read: {unread.reason}." for unread in contents.unread[:1])
            raise UsageError(f"{self.name} holds no tables: no file of it is {FORMAT_LIST}.{unread}")
        return contents


def _fingerprint(folder: Path, parts: list[FilePart]) -> str:
    stats = [(str(part.path.relative_to(folder)), part.member, part.path.stat()) for part in parts]
    facts = [(file, member, stat.st_size, stat.st_mtime_ns) for file, member, stat in stats]
    return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()
