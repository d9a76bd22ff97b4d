"""Cache files from one night to the next, which are ignored when they cannot be trusted.

Everything in the cache can be computed again, so a file that is missing, truncated, altered or written by another
version of Rescue counts as no file. Each is written beside its place and then renamed, so that nights that run at the
same time see an old file or a new one, never a part. Its last bytes are a checksum of all others, which finds what a
full disk or a crash leaves behind; whoever can alter a file could alter any checksum.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

MAGIC = b"RESCUE STATE 06\n"
"""The first bytes of a file of this format; whenever the content of any cache file changes, the number rises."""

_failures: list[tuple[Path, str]] = []
"""The folder and the reason of each file that could not be written, in this process."""

_CHECKSUM_BYTES = 4
_PAGE_BYTES = 4096
_LENGTH_BYTES = 8


@dataclass(frozen=True)
class CachedFile:
    """The content of a file: plain JSON values, and tables whose columns are memory-mapped and read when used."""

    values: Mapping[str, Any]
    tables: Sequence[pa.Table]


def write_cache_file(path: Path, content: CachedFile) -> bool:
    """Write a file, whole or not at all; false where that fails, because the disk is full, say."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            _write_content(content, file)
        with pa.memory_map(str(temporary)) as mapped:
            checksum = _checksum(memoryview(mapped.read_buffer()))
        with temporary.open("ab") as file:
            file.write(checksum)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        _failures.append((path.parent.parent, error.strerror or str(error)))
        return False
    return True


def take_write_failures() -> list[str]:
    """A sentence for each folder into which nothing could be written since the last call."""
    failures = dict(_failures)
    _failures.clear()
    return [
        f"What the next run could use again cannot be kept in {folder} ({reason}), so that it will read all rows."
        for folder, reason in failures.items()
    ]


def read_cache_file(path: Path) -> CachedFile | None:
    """The content of a file; ``None`` where there is no such file, or it is not as it was written."""
    try:
        with pa.memory_map(str(path)) as file:
            return _read_content(file.read_buffer())
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        return None


def remove_other_files(folder: Path, names: set[str], suffix: str) -> None:
    """Remove files with that suffix that are not in ``names``, and unfinished files of an interrupted night."""
    with suppress(OSError):
        for entry in os.scandir(folder):
            cached = entry.name.endswith(suffix) or entry.name.startswith(".")
            if cached and entry.name not in names:
                Path(entry.path).unlink(missing_ok=True)


def cache_key(*parts: object) -> str:
    """A text that changes when any of the parts does."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _write_content(content: CachedFile, file: BinaryIO) -> None:
    file.write(MAGIC)
    ends = []
    for table in content.tables:
        with pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table)
        ends.append(file.tell())
    index = json.dumps({"values": content.values, "ends": ends}).encode()
    file.write(index + len(index).to_bytes(_LENGTH_BYTES, "little"))


def _checksum(content: memoryview) -> bytes:
    """The CRC-32 of the sum of all pages, by place in a page: it takes a third of the time of one of all bytes."""
    whole = len(content) // _PAGE_BYTES * _PAGE_BYTES
    pages = np.frombuffer(content[:whole], np.uint64).reshape(-1, _PAGE_BYTES // 8)
    total = np.add.reduce(pages, axis=0)
    return zlib.crc32(content[whole:], zlib.crc32(total)).to_bytes(_CHECKSUM_BYTES, "little")


def _read_content(buffer: pa.Buffer) -> CachedFile | None:
    end = len(buffer) - _CHECKSUM_BYTES
    body = buffer.slice(0, max(end, 0))
    checksum = bytes(memoryview(buffer)[max(end, 0) :])
    if memoryview(body)[: len(MAGIC)] != MAGIC or _checksum(memoryview(body)) != checksum:
        return None
    index_end = end - _LENGTH_BYTES
    begin = index_end - int.from_bytes(memoryview(buffer)[index_end:end], "little")
    index = json.loads(bytes(memoryview(buffer)[begin:index_end]))
    begins = [len(MAGIC), *index["ends"]]
    parts = [buffer.slice(first, last - first) for first, last in zip(begins, index["ends"], strict=False)]
    return CachedFile(index["values"], [pa.ipc.open_stream(part).read_all() for part in parts])
