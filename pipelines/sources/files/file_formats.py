"""What a file is, by its name: its format, how it is packed, and files that are known to hold no table."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath

from features.contract import TABLES


class FileFormat(StrEnum):
    """How a file writes its rows; the value is the name in messages."""

    PARQUET = "Parquet"
    DELIMITED = "delimited text"
    JSON = "JSON"
    JSON_LINES = "JSON lines"
    WORKBOOK = "workbook"


class Packing(StrEnum):
    """How a file is compressed."""

    NONE = ""
    GZIP = ".gz"
    ZIP = ".zip"


FORMATS = {
    ".parquet": FileFormat.PARQUET,
    ".pq": FileFormat.PARQUET,
    ".csv": FileFormat.DELIMITED,
    ".tsv": FileFormat.DELIMITED,
    ".tab": FileFormat.DELIMITED,
    ".psv": FileFormat.DELIMITED,
    ".txt": FileFormat.DELIMITED,
    ".json": FileFormat.JSON,
    ".jsonl": FileFormat.JSON_LINES,
    ".ndjson": FileFormat.JSON_LINES,
    ".xlsx": FileFormat.WORKBOOK,
    ".xlsm": FileFormat.WORKBOOK,
    ".xlsb": FileFormat.WORKBOOK,
    ".xls": FileFormat.WORKBOOK,
    ".ods": FileFormat.WORKBOOK,
}
"""The format of each ending, in lower case."""

FORMAT_LIST = "Parquet, CSV, TSV, JSON, JSON lines or an Excel workbook, also as .gz or .zip"

_WITHOUT_TABLE = re.compile(
    r"[._~].*"  # hidden files, _SUCCESS, locks of an open workbook
    r"|(readme|license|licence|changelog|notice|authors)(\..*)?"
    r"|.*\.(md|rst|crc|sql|toml|py|ipynb|sh|md5|sha1|sha256|sha512|sig|asc|log)"
    r"|thumbs\.db|desktop\.ini|__macosx",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class FileKind:
    """A file's table by its name, its format (``None`` for a zip archive of unknown contents) and its packing."""

    stem: str
    format: FileFormat | None
    packing: Packing = Packing.NONE


def is_known_without_table(name: str) -> bool:
    """Whether a file or folder of this name holds no table, so that nobody misses it."""
    return _WITHOUT_TABLE.fullmatch(name) is not None


def file_kind(name: str) -> FileKind | None:
    """What a file of this name is; ``None`` where no ending is known.

    >>> file_kind("Tickets.CSV.gz")
    FileKind(stem='Tickets', format=<FileFormat.DELIMITED: 'delimited text'>, packing=<Packing.GZIP: '.gz'>)
    """
    path = PurePath(name)
    packing = Packing(path.suffix.lower()) if path.suffix.lower() in tuple(Packing) else Packing.NONE
    if packing:
        path = path.with_suffix("")
    known = FORMATS.get(path.suffix.lower())
    if path.suffix.lower() == ".txt" and table_name(path.stem) not in TABLES:
        known = None  # notes are more frequent than tables
    if known is not None:
        return FileKind(path.stem, known, packing)
    return FileKind(path.name, None, packing) if packing is Packing.ZIP else None


def table_name(stem: str) -> str:
    """The name of a table: that of the contract where the stem differs from it by its case only."""
    return stem.lower() if stem.lower() in TABLES else stem
