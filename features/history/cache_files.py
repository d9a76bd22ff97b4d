"""Files that are kept from one night to the next, and are worth nothing when they cannot be trusted.

What is kept could always be made again, so a file that is not there, was torn, was altered or was written by another
version of Rescue is simply no file. Each is written beside its place and then put there in one step, so that nights
that run at once see an old file or a new one; its last bytes are a SHA-256 of all others.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

MAGIC = b"RESCUE STATE 01\n"
"""How a file of this format begins; a change of what stands in it is a new number."""

_SUM = hashlib.sha256().digest_size
_LENGTH = 8


@dataclass(frozen=True)
class Kept:
    """What a file holds: a few plain values, and tables whose columns lie in the file itself and are read when used."""

    told: Mapping[str, Any]
    tables: Sequence[pa.Table]


def write(path: Path, kept: Kept) -> bool:
    """Put a file in its place, whole or not at all; false where that cannot be done, because the disk is full, say."""
    half = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with half.open("wb") as file:
            _seal(kept, _Summed(file))
        half.replace(path)
    except OSError:
        with suppress(OSError):
            half.unlink(missing_ok=True)
        return False
    return True


def read(path: Path) -> Kept | None:
    """What a file holds; nothing where there is no such file, or it is not as it was written."""
    try:
        with pa.memory_map(str(path)) as file:
            return _opened(file.read_buffer())
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        return None


def keep_only(folder: Path, names: set[str], ending: str) -> None:
    """Drop a folder's files with that ending that are not named, and what a night left half written when it died."""
    with suppress(OSError):
        for entry in os.scandir(folder):
            ours = entry.name.endswith(ending) or entry.name.startswith(".")
            if ours and entry.name not in names:
                Path(entry.path).unlink(missing_ok=True)


class _Summed(io.RawIOBase):
    """A file that knows the sum and the number of the bytes that were written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.sum, self.length = file, hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self.sum.update(content)
        written = self.file.write(content)
        self.length += written
        return written


def _seal(kept: Kept, sink: _Summed) -> None:
    sink.write(MAGIC)
    ends = []
    for table in kept.tables:
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        ends.append(sink.length)
    index = json.dumps({"told": kept.told, "ends": ends}).encode()
    sink.write(index + len(index).to_bytes(_LENGTH, "little"))
    sink.file.write(sink.sum.digest())


def _opened(buffer: pa.Buffer) -> Kept | None:
    end = len(buffer) - _SUM
    body = buffer.slice(0, max(end, 0))
    if memoryview(body)[: len(MAGIC)] != MAGIC or hashlib.sha256(body).digest() != bytes(memoryview(buffer)[end:]):
        return None
    begin = end - _LENGTH - int.from_bytes(memoryview(buffer)[end - _LENGTH : end], "little")
    index = json.loads(bytes(memoryview(buffer)[begin : end - _LENGTH]))
    begins = [len(MAGIC), *index["ends"]]
    parts = [buffer.slice(first, end - first) for first, end in zip(begins, index["ends"], strict=False)]
    return Kept(index["told"], [pa.ipc.open_stream(part).read_all() for part in parts])


def cache_key(*parts: object) -> str:
    """A text that changes when any of the parts does."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()
