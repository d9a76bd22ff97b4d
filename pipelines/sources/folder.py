"""A folder of tables: Parquet is read in place, CSV is converted to Parquet first."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import DataGateError, UsageError
from features.source_table import SourceTable
from pipelines.sources.csv_files import stage_csv

CSV_ENDINGS = (".csv", ".csv.gz")


@dataclass(frozen=True)
class FolderSource:
    """``<table>.parquet``, ``<table>.csv``, ``<table>.csv.gz``, or folders ``<table>/`` of Parquet files."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder as it was given."""
        return str(self.folder)

    @property
    def title(self) -> str:
        """The folder's own name."""
        return self.folder.resolve().name

    def tables(self) -> tuple[str, ...]:
        """The stem of every file, and the name of every folder, that holds a table."""
        return tuple(self._files)

    def stage(self, names: Sequence[str], scratch: Path, *, as_typed: bool = False) -> list[SourceTable]:
        """Parquet in place; CSV as Parquet under ``scratch``."""
        return [self._stage(name, self._files[name], scratch, as_typed) for name in names]

    def fingerprint(self) -> dict[str, str]:
        """Names, sizes and times of change of each table's files."""
        return {name: _fingerprint(self.folder, files) for name, files in self._files.items()}

    def _stage(self, name: str, files: list[Path], scratch: Path, as_typed: bool) -> SourceTable:
        if files[0].name.endswith(CSV_ENDINGS):
            return stage_csv(name, files[0], scratch, as_typed=as_typed)
        for file in files:
            check_parquet(file, self._label(file))
        labels = {str(file): self._label(file) for file in files}
        partitioned = any("=" in part for part in _parts(files, self.folder))
        prints = {str(file): _print(file) for file in files}
        return SourceTable(name, tuple(labels), labels, partitioned=partitioned, fingerprints=prints)

    def _label(self, file: Path) -> str:
        return str(file.relative_to(self.folder))

    @cached_property
    def _files(self) -> dict[str, list[Path]]:
        tables: dict[str, list[Path]] = {}
        for entry in sorted(self.folder.iterdir()):
            name, files = _table(entry)
            if not files:
                continue
            if name in tables:
                raise UsageError(f"{self.folder} holds {name} twice ({tables[name][0].name}, {entry.name}): keep one.")
            tables[name] = files
        if not tables:
            raise UsageError(f"{self.folder} holds no tables: no .parquet, .csv or .csv.gz file is in it.")
        return tables


def check_parquet(file: Path, label: str) -> None:
    """Read the file's footer.

    Raises:
        DataGateError: it is empty, truncated or no Parquet at all.
    """
    try:
        pq.read_metadata(file)
    except (pa.ArrowException, OSError):
        size = file.stat().st_size if file.exists() else 0
        raise DataGateError(
            f"{label} is not a complete Parquet file ({size:,} bytes, no readable footer): copy or export it again."
        ) from None


def _table(entry: Path) -> tuple[str, list[Path]]:
    """The table's name and files; no files where the entry holds none."""
    if entry.name.startswith((".", "_")):
        return "", []
    if entry.is_dir():
        return entry.name, sorted(file for file in entry.rglob("*.parquet") if not _hidden(file.relative_to(entry)))
    for ending in (".parquet", *CSV_ENDINGS):
        if entry.name.endswith(ending):
            return entry.name.removesuffix(ending), [entry]
    return "", []


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _parts(files: list[Path], folder: Path) -> set[str]:
    return {part for file in files for part in file.relative_to(folder).parts[:-1]}


def _fingerprint(folder: Path, files: list[Path]) -> str:
    facts = [(str(file.relative_to(folder)), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()


FOOTER = 8
"""Bytes at the end of a Parquet file: the length of its footer, and the magic bytes."""


def _print(file: Path) -> str:
    """What changes when a Parquet file does: its size, its time of change, and its footer.

    The footer holds the size and the extremes of every column of every row group, so that a file that was replaced by
    one of equal size within the tick of a clock, or that was given its old time, is still detected.
    """
    stat = file.stat()
    with file.open("rb") as opened:
        opened.seek(-FOOTER, os.SEEK_END)
        length = int.from_bytes(opened.read(4), "little")
        opened.seek(-(FOOTER + length), os.SEEK_END)
        footer = hashlib.blake2b(opened.read(length), digest_size=16).hexdigest()
    return f"{stat.st_size} {stat.st_mtime_ns} {footer}"
