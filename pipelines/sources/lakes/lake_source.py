"""A source with tables of a lakehouse, beside files of other formats."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

from features.source_table import FileNote, SourceTable
from pipelines.sources.column_changes import compare_columns
from pipelines.sources.files.folder_contents import UnreadFile, read_contents
from pipelines.sources.folder import FolderSource
from pipelines.sources.lakes.delta_files import delta_on_cluster, is_delta_here
from pipelines.sources.lakes.lake_table import LakeTable, table_version, write_table

COLUMNS_FILE = "columns.json"


@dataclass(frozen=True)
class LakeSource:
    """Tables that a log describes (Delta Lake, Iceberg), and the ``rest`` of the folder as files.

    A table is written as Parquet once a version: where ``kept`` is a folder, a version that is there is not read again.
    """

    place: str
    lakes: Mapping[str, LakeTable]
    kept: Path | None = None
    rest: FolderSource | None = None
    unread: tuple[UnreadFile, ...] = ()

    @property
    def name(self) -> str:
        """The folder as it was given."""
        return self.place

    @property
    def title(self) -> str:
        """The folder's own name."""
        return self.place.rstrip("/").rpartition("/")[2]

    def tables(self) -> tuple[str, ...]:
        """The names of all tables."""
        return (*self.lakes, *(name for name in (self.rest.tables() if self.rest else ()) if name not in self.lakes))

    def unread_files(self) -> tuple[UnreadFile, ...]:
        """The files that belong to no table, and why."""
        return (*self.unread, *(self.rest.unread_files() if self.rest else ()))

    def stage(self, names: Sequence[str], scratch: Path) -> list[SourceTable]:
        """The valid rows of each table as Parquet; files as a folder of files is read."""
        scratch.mkdir(parents=True, exist_ok=True)
        plain = [name for name in names if name not in self.lakes]
        staged = {table.name: table for table in self.rest.stage(plain, scratch)} if self.rest and plain else {}
        staged |= {name: self._stage(name, scratch) for name in names if name in self.lakes}
        return [staged[name] for name in names]

    def stage_for_cluster(self, names: Sequence[str], scratch: Path) -> list[SourceTable]:
        """As ``stage``, but a cluster reads the files of a Delta table on this machine itself."""
        own = [name for name in names if name in self.lakes and is_delta_here(self.lakes[name])]
        staged = {table.name: table for table in self.stage([name for name in names if name not in own], scratch)}
        staged |= {
            name: SourceTable(name, (), cluster=delta_on_cluster(self.lakes[name], self.files_of(name), scratch))
            for name in own
        }
        return [staged[name] for name in names]

    def fingerprint(self) -> dict[str, str]:
        """The versions of tables, and what changes with files."""
        versions = {name: table_version(table, self.files_of(name)) for name, table in self.lakes.items()}
        return {**(self.rest.fingerprint() if self.rest else {}), **versions}

    def files_of(self, name: str) -> str:
        """A table or file, in messages."""
        if name in self.lakes:
            return f"{self.place}, {name}"
        return self.rest.files_of(name) if self.rest else name

    def _stage(self, name: str, scratch: Path) -> SourceTable:
        table, label = self.lakes[name], self.files_of(name)
        if self.kept is None:
            target = scratch / f"{name}.lake.parquet"
            version = write_table(table, label, target)
            return SourceTable(name, (str(target),), {str(target): label}, fingerprints={str(target): version})
        folder = self.kept / f"{self.title}-{_digest(table.place)}"
        folder.mkdir(parents=True, exist_ok=True)
        version = table_version(table, label)
        target = folder / f"{_digest(version)}.parquet"
        if not target.is_file():
            half = folder / f".{os.getpid()}.parquet"
            try:
                version = write_table(table, label, half)
                target = folder / f"{_digest(version)}.parquet"
                half.replace(target)
            finally:
                half.unlink(missing_ok=True)
        types = {item.name: str(item.type) for item in pq.read_schema(target)}
        changes = compare_columns(folder / COLUMNS_FILE, types)
        _remove_older(folder, target)
        notes = (FileNote(label, changed_columns=changes),) if changes else ()
        return SourceTable(name, (str(target),), {str(target): label}, fingerprints={str(target): version}, notes=notes)


def add_folder(lake: LakeSource, folder: Path, shown: str = "") -> LakeSource:
    """The source with the files of a folder that belong to none of its tables."""
    entries = frozenset(table.path.parts[0] for table in lake.lakes.values() if table.path.parts)
    whole = len(entries) < len(lake.lakes)  # the folder itself is a table
    contents = None if whole else read_contents(folder, None, entries)
    if contents is None or not contents.tables:
        return replace(lake, unread=tuple(contents.unread) if contents else ())
    return replace(lake, rest=FolderSource(folder, None, entries, shown))


def _remove_older(folder: Path, used: Path) -> None:
    """Keep the version in use and the one before it, which another command may still read."""
    older = sorted((file for file in folder.glob("*.parquet") if file != used), key=lambda file: file.stat().st_mtime)
    for file in older[:-1]:
        file.unlink(missing_ok=True)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
