"""Which tables the files of a folder hold, and which files hold none: no file is ignored without a reason.

A table is a file of its name, a folder of parts, a member of a zip archive, or a sheet of a workbook. Files that are
known to hold no table (a README, hidden files) are not mentioned; all others that belong to no table are reported.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from features.contract import TABLES
from features.errors import UsageError
from pipelines.sources.files.file_formats import (
    FORMAT_LIST,
    FileFormat,
    FileKind,
    Packing,
    file_kind,
    is_known_without_table,
    table_name,
)
from pipelines.sources.files.unpacking import archive_members
from pipelines.sources.files.workbooks import sheet_names

NO_FORMAT = f"its ending is none of a format that can be read ({FORMAT_LIST})"
NO_ARCHIVE = "it is no zip archive that can be read"
NO_WORKBOOK = "it is no workbook that can be read"
FOLDER_OF_TABLES = "it is a folder of tables of its own; only one folder is read: name it as the source"
OTHER_SHEET = "only the first sheet of this workbook is read; name the sheets after the tables to read more"


@dataclass(frozen=True)
class FilePart:
    """One part of a table: a file, a member of an archive, or a sheet of a workbook; ``label`` names it in messages.

    ``partition`` holds the columns that the part's folders give (``day=2026-03-01``).
    """

    path: Path
    kind: FileKind
    label: str
    member: str = ""
    sheet: str = ""
    partition: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class UnreadFile:
    """A file that belongs to no table, and why."""

    file: str
    reason: str


@dataclass
class FolderContents:
    """The parts of every table, and the files that are not read."""

    tables: dict[str, list[FilePart]] = field(default_factory=dict)
    unread: list[UnreadFile] = field(default_factory=list)


def read_contents(folder: Path, only: str | None = None, without: frozenset[str] = frozenset()) -> FolderContents:
    """List the tables of a folder, or of its one file ``only``, without reading their rows.

    Entries with a name in ``without`` are no part of it.

    Raises:
        UsageError: two files hold one table.
    """
    contents = FolderContents()
    for entry in sorted(folder.iterdir()):
        if entry.name in without or (entry.name != only if only else is_known_without_table(entry.name)):
            continue
        found = _in_folder(entry) if entry.is_dir() else _in_file(entry, entry.name)
        for name, parts in found.tables.items():
            if name in contents.tables:
                first, second = contents.tables[name][0].label, parts[0].label
                raise UsageError(f"{folder} holds {name} twice ({first}, {second}): keep one of them.")
            contents.tables[name] = parts
        contents.unread += found.unread
    return contents


def _in_file(file: Path, label: str) -> FolderContents:
    kind = file_kind(file.name)
    if kind is None:
        return FolderContents(unread=[UnreadFile(label, NO_FORMAT)])
    if kind.packing is Packing.ZIP:
        return _in_archive(file, label, kind)
    if kind.format is FileFormat.WORKBOOK and not kind.packing:
        return _in_workbook(file, label, kind)
    return FolderContents({table_name(kind.stem): [FilePart(file, kind, label)]})


def _in_archive(file: Path, label: str, archive: FileKind) -> FolderContents:
    """The tables of a zip archive: its one member, its members by their names, or parts of the archive's own table."""
    own = table_name(PurePosixPath(archive.stem).stem if "." in archive.stem else archive.stem)
    members = archive_members(file)
    if members is None:
        return _unreadable(own, FilePart(file, archive, label), NO_ARCHIVE)
    contents, parts = FolderContents(), []
    for member in members:
        if any(is_known_without_table(name) for name in PurePosixPath(member).parts):
            continue
        kind = file_kind(PurePosixPath(member).name)
        if kind is None or kind.format is None or kind.packing:
            contents.unread.append(UnreadFile(f"{label}/{member}", NO_FORMAT))
        else:
            packed = FileKind(kind.stem, kind.format, Packing.ZIP)
            parts.append(FilePart(file, packed, f"{label}/{member}" if len(members) > 1 else label, member))
    if not parts and not contents.unread:
        contents.unread.append(UnreadFile(label, "it holds no files"))
    stems = {table_name(part.kind.stem) for part in parts}
    as_parts = own in TABLES and not stems & set(TABLES)
    for part in parts:
        contents.tables.setdefault(own if as_parts else table_name(part.kind.stem), []).append(part)
    return contents


def _in_workbook(file: Path, label: str, kind: FileKind) -> FolderContents:
    """The tables of a workbook: its one sheet by the name of the file, several sheets by their own names."""
    own, sheets = table_name(kind.stem), sheet_names(file)
    if not sheets:
        return _unreadable(own, FilePart(file, kind, label), NO_WORKBOOK)
    named = {table_name(sheet.strip()): sheet for sheet in sheets}
    if len(sheets) == 1 or (own in TABLES and not named.keys() & TABLES.keys()):
        others = [UnreadFile(f"{label}, sheet {sheet}", OTHER_SHEET) for sheet in sheets[1:]]
        return FolderContents({own: [FilePart(file, kind, label, sheet=sheets[0])]}, others)
    tables = {name: [FilePart(file, kind, f"{label}, sheet {sheet}", sheet=sheet)] for name, sheet in named.items()}
    return FolderContents(tables)


def _unreadable(table: str, part: FilePart, reason: str) -> FolderContents:
    """A damaged file: where it is named like a table of the contract, reading it stops the night."""
    if table in TABLES:
        return FolderContents({table: [part]})
    return FolderContents(unread=[UnreadFile(part.label, reason)])


def _in_folder(folder: Path) -> FolderContents:
    """A folder of parts is one table; a folder of several tables is not read."""
    files = list(_visible_files(folder, folder))
    kinds = {file: file_kind(file.name) for file in files}
    contents, name = FolderContents(), table_name(folder.name)
    parts = [
        FilePart(file, kind, str(file.relative_to(folder.parent)), partition=_partition(file, folder))
        for file, kind in kinds.items()
        if kind is not None and kind.format is not None
    ]
    stems = {table_name(part.kind.stem) for part in parts}
    if name not in TABLES and stems & set(TABLES) and not any(part.partition for part in parts):
        return FolderContents(unread=[UnreadFile(f"{folder.name}/", FOLDER_OF_TABLES)])
    for file, kind in kinds.items():
        if kind is None or kind.format is None:
            contents.unread.append(UnreadFile(str(file.relative_to(folder.parent)), NO_FORMAT))
    if parts:
        contents.tables[name] = [_single_member(part) for part in parts]
    return contents


def _single_member(part: FilePart) -> FilePart:
    """A zipped part with the name of its one member."""
    if part.kind.packing is not Packing.ZIP:
        return part
    members = archive_members(part.path) or [""]
    return FilePart(part.path, part.kind, part.label, members[0], partition=part.partition)


def _visible_files(folder: Path, top: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if is_known_without_table(entry.name):
            continue
        if entry.is_dir():
            yield from _visible_files(entry, top)
        else:
            yield entry


def _partition(file: Path, folder: Path) -> dict[str, str]:
    pairs = [part.partition("=") for part in file.relative_to(folder).parts[:-1]]
    return {key: value for key, sign, value in pairs if sign}


def all_parquet_in_place(parts: Sequence[FilePart]) -> bool:
    """Whether every part is a Parquet file that is read where it is."""
    return all(part.kind.format is FileFormat.PARQUET and not part.kind.packing for part in parts)
