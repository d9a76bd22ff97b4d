"""Unpack ``.gz`` files and members of ``.zip`` archives into the scratch folder, within limits."""

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, cast

from features.errors import DataGateError
from pipelines.sources.files.file_formats import Packing
from pipelines.sources.files.input_limits import CHUNK, limited_expansion, limited_lines

_BROKEN = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError)


def unpack_file(file: Path, packing: Packing, member: str, label: str, target: Path, *, in_lines: bool) -> Path:
    """The file itself where it is not packed; else its unpacked content as ``target``.

    ``in_lines`` is whether the format is one of lines, which have a limit of their own.

    Raises:
        DataGateError: it is truncated, encrypted or too large; the sentence names it.
    """
    if not packing:
        return file
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        if packing is Packing.GZIP:
            with gzip.open(file) as stream:
                _copy(cast("IO[bytes]", stream), file.stat().st_size, label, target, in_lines)
        else:
            with zipfile.ZipFile(file) as archive, archive.open(member) as stream:
                _copy(stream, archive.getinfo(member).compress_size, label, target, in_lines)
    except _BROKEN as error:
        raise DataGateError(f"{label} cannot be unpacked: {str(error).rstrip('.')}. Copy or export it again.") from None
    return target


def archive_members(file: Path) -> list[str] | None:
    """The names of the files in a zip archive; ``None`` where it cannot be read."""
    try:
        with zipfile.ZipFile(file) as archive:
            return sorted(entry.filename for entry in archive.infolist() if not entry.is_dir())
    except _BROKEN:
        return None


def chunks_of(stream: IO[bytes]) -> Iterator[bytes]:
    """The stream, a chunk at a time."""
    return iter(partial(stream.read, CHUNK), b"")


def _copy(stream: IO[bytes], packed: int, label: str, target: Path, in_lines: bool) -> None:
    chunks = limited_expansion(chunks_of(stream), packed, label)
    with target.open("wb") as copy:
        for chunk in limited_lines(chunks, label) if in_lines else chunks:
            copy.write(chunk)
