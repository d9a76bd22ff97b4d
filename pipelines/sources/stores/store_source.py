"""A source that is a folder or a file in an object store: read as a copy on this machine."""

import atexit
import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from features.errors import UsageError
from features.source_table import SourceTable
from pipelines.sources.files.folder_contents import UnreadFile
from pipelines.sources.folder import FolderSource
from pipelines.sources.lakes.lake_source import LakeSource, add_folder
from pipelines.sources.lakes.lake_table import find_in_paths
from pipelines.sources.stores.object_store import (
    StoreUrl,
    iceberg_options,
    lake_options,
    open_object_store,
    read_store_url,
)
from pipelines.sources.stores.store_copy import copy_objects, list_objects


@dataclass(frozen=True)
class ObjectStoreSource:
    """The tables of a folder in a store, of every format that a folder on this machine may have.

    The copy is in the folder ``kept`` and is brought up to date by every command; without ``kept`` it is made anew.
    """

    url: str
    kept: Path | None = None

    @property
    def name(self) -> str:
        """The URL without options."""
        return self._url.text

    @property
    def title(self) -> str:
        """The last part of the path, or the bucket."""
        return self._url.path.rpartition("/")[2] or self._url.bucket

    def tables(self) -> tuple[str, ...]:
        """The names of all tables."""
        return self._inner.tables()

    def unread_files(self) -> tuple[UnreadFile, ...]:
        """The objects that belong to no table, and why."""
        return self._inner.unread_files()

    def stage(self, names: Sequence[str], scratch: Path) -> list[SourceTable]:
        """The tables, from the copy; those of a lakehouse from the store."""
        return self._inner.stage(names, scratch)

    def fingerprint(self) -> dict[str, str]:
        """As of files on this machine."""
        return self._inner.fingerprint()

    def files_of(self, name: str) -> str:
        """The object of a table, in messages."""
        return self._inner.files_of(name)

    @cached_property
    def _url(self) -> StoreUrl:
        return read_store_url(self.url)

    @cached_property
    def _inner(self) -> LakeSource | FolderSource:
        url = self._url
        filesystem, place = open_object_store(url)
        objects = list_objects(filesystem, place, url)
        tables = find_in_paths([it.path for it in objects], url.text, lake_options(url), iceberg_options(url))
        roots = [table.path for table in tables.values()]
        plain = [it for it in objects if not any(root in (it.path, *it.path.parents) for root in roots)]
        folder = self._folder()
        copy_objects(filesystem, plain, folder, url)
        if not tables:
            single = len(objects) == 1 and objects[0].place == place
            return FolderSource(folder, str(objects[0].path) if single else None, shown=url.text)
        return add_folder(LakeSource(url.text, tables, self.kept), folder, shown=url.text)

    def _folder(self) -> Path:
        if self.kept is None:
            folder = Path(tempfile.mkdtemp(prefix="rescue-store-"))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            return folder
        digest = hashlib.blake2b(repr((self._url.text, self._url.endpoint)).encode(), digest_size=8).hexdigest()
        folder = self.kept / f"{self.title}-{digest}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{folder} cannot be written: {error.strerror}.") from None
        return folder
