"""A copy of a folder in an object store: objects that have not changed since the last night are not read again."""

import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs

from features.errors import DataGateError, UsageError
from pipelines.sources.files.file_formats import is_known_without_table
from pipelines.sources.stores.object_store import StoreUrl, store_message

THREADS = 8
OBJECT_PIECE = 8 * 2**20
"""Bytes of an object held in memory at once."""

SAME_TICK = 2.0
"""Seconds within which a second change of an object may have the time of the first."""


@dataclass(frozen=True)
class StoredObject:
    """An object: its path from the folder, its path in the store, its size in bytes, and its time of change."""

    path: PurePosixPath
    place: str
    size: int
    changed: float


def list_objects(filesystem: Any, place: str, url: StoreUrl) -> list[StoredObject]:
    """The objects of a folder, or the one that the place names, without those that hold no table.

    Raises:
        DataGateError: the store cannot be read.
        UsageError: nothing is there, or a name leads out of the folder.
    """
    try:
        try:
            found = filesystem.get_file_info(pafs.FileSelector(place, recursive=True))
        except FileNotFoundError:  # asked first: a question for one object gets no text with the cause of a refusal
            itself = filesystem.get_file_info(place)
            found = []
            if itself.type is pafs.FileType.File:
                return [_object(itself, PurePosixPath(place).parent)]
    except (OSError, pa.ArrowException) as error:
        raise DataGateError(store_message(url, str(error))) from None
    objects = [_object(info, PurePosixPath(place)) for info in found if info.type is pafs.FileType.File]
    for it in objects:
        if ".." in it.path.parts or it.path.is_absolute():
            raise UsageError(f"{url.text} has an object whose name leads out of the folder: {it.path}.")
    if not objects:
        raise UsageError(f"There is nothing at {url.text}.")
    return objects


def _object(info: Any, root: PurePosixPath) -> StoredObject:
    return StoredObject(
        PurePosixPath(info.path).relative_to(root),
        info.path,
        info.size or 0,
        info.mtime.timestamp() if info.mtime else 0,
    )


def copy_objects(filesystem: Any, objects: Iterable[StoredObject], folder: Path, url: StoreUrl) -> None:
    """Make ``folder`` a copy of these objects; each is replaced at once, and what the store lost is removed.

    Raises:
        DataGateError: an object cannot be read; the copies of the others remain.
    """
    wanted = [it for it in objects if not any(is_known_without_table(part) for part in it.path.parts)]
    new = [it for it in wanted if not _is_copied(folder / it.path, it)]
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda it: _copy(filesystem, it, folder / it.path), new))
    except (OSError, pa.ArrowException) as error:
        raise DataGateError(store_message(url, str(error))) from None
    names = {str(folder / it.path) for it in wanted}
    for file in [file for file in folder.rglob("*") if file.is_file() and str(file) not in names]:
        file.unlink(missing_ok=True)


def _is_copied(file: Path, it: StoredObject) -> bool:
    """Whether the copy is of this version; one that was made right after the change may be of an earlier one."""
    if not file.is_file():
        return False
    stat = file.stat()
    return stat.st_size == it.size and stat.st_mtime == it.changed and stat.st_ctime - it.changed > SAME_TICK


def _copy(filesystem: Any, it: StoredObject, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with filesystem.open_input_stream(it.place) as source, half.open("wb") as target:
            shutil.copyfileobj(source, target, OBJECT_PIECE)
        os.utime(half, (it.changed, it.changed))
        half.replace(file)
    finally:
        half.unlink(missing_ok=True)
