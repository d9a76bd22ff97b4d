"""A backup of a home and its queue while they are in use, in one file; and the way back.

SQLite's own backup copies a database that is being written, PostgreSQL gives one snapshot, and the model store's files
are written once and never changed. A manifest holds the SHA-256 of every file: a backup that was damaged is refused
before anything is restored. The restored home may be in another place: paths in the model store are repaired.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import RescueError, UsageError

if TYPE_CHECKING:
    from pipelines.settings import Settings

MANIFEST = "manifest.json"
QUEUE_FILE, QUEUE_DUMP, MODELS_FILE = "rescue.db", "queue.jsonl.gz", "mlflow.db"
FOLDERS = ("mlartifacts", "champions", "uplift", "nights")
"""Folders of the home that are backed up; `state` holds only what can be computed again."""


@dataclass(frozen=True)
class BackupSummary:
    """What a backup holds: its files and their bytes, and the revision of the queue's schema."""

    files: int
    size: int
    revision: str | None


def write_backup(settings: Settings, target: Path) -> BackupSummary:
    """Write the backup of the home and its queue into the file ``target``, completely or not at all.

    Raises:
        UsageError: the file exists already, or there is nothing to back up.
        RescueError: it cannot be written.
    """
    if target.exists():
        raise UsageError(f"{target} exists already: name a new file.")
    unfinished = target.with_name(f".{target.name}.part")
    try:
        with tempfile.TemporaryDirectory(prefix="rescue-backup-", dir=target.absolute().parent) as scratch:
            summary = _collect(settings, Path(scratch), unfinished)
        unfinished.replace(target)
    except OSError as error:
        raise RescueError(f"The backup {target} cannot be written: {error.strerror}.") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return summary


def restore_backup(settings: Settings, source: Path) -> BackupSummary:
    """Restore a backup into an empty home, and its queue into an empty database where the settings name one.

    Raises:
        UsageError: the file is no backup, the home is not empty, or the database holds a queue.
        RescueError: the backup is damaged; nothing was restored.
    """
    home = settings.home
    if home.exists() and any(home.iterdir()):
        raise UsageError(f"The home folder {home} is not empty: restore into a new one.")
    home.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".rescue-restore-", dir=home.absolute().parent) as scratch:
        content = Path(scratch) / "content"
        manifest = _unpack(source, content)
        _restore_queue(settings, content)
        _place(content, home)
    from models.registry.relocation import relocate_store

    relocate_store(home / MODELS_FILE)
    return BackupSummary(
        len(manifest["files"]), sum(size for _, size in manifest["files"].values()), manifest["revision"]
    )


def _collect(settings: Settings, scratch: Path, unfinished: Path) -> BackupSummary:
    """Copies of what changes while it is used, then everything into the archive, the manifest last."""
    revision, own = _copy_databases(settings, scratch)
    files: dict[str, tuple[str, int]] = {}
    with tarfile.open(unfinished, "w:gz") as archive:
        for name, path in [*own.items(), *_home_files(settings.home)]:
            files[name] = (_sha256(path), path.stat().st_size)
            archive.add(path, arcname=name, recursive=False)
        manifest = scratch / MANIFEST
        content = {"rescue": version("rescue"), "created": _now(), "revision": revision, "files": files}
        manifest.write_text(json.dumps(content, indent=1), encoding="utf-8")
        archive.add(manifest, arcname=MANIFEST)
    return BackupSummary(len(files), sum(size for _, size in files.values()), revision)


def _copy_databases(settings: Settings, scratch: Path) -> tuple[str | None, dict[str, Path]]:
    from pipelines import assembly
    from serving.operations.table_dump import dump_tables

    own: dict[str, Path] = {}
    with assembly.open_queue(settings) as store:
        if store.is_sqlite and store.url.database:
            own[QUEUE_FILE] = _copy_sqlite(Path(store.url.database), scratch / QUEUE_FILE)
            with closing(sqlite3.connect(own[QUEUE_FILE])) as copy:
                (revision,) = copy.execute("SELECT version_num FROM alembic_version").fetchone()
        else:
            own[QUEUE_DUMP] = scratch / QUEUE_DUMP
            revision = dump_tables(store, own[QUEUE_DUMP])
    if settings.tracking is None and (settings.home / MODELS_FILE).exists():
        own[MODELS_FILE] = _copy_sqlite(settings.home / MODELS_FILE, scratch / MODELS_FILE)
    return revision, own


def _copy_sqlite(source: Path, target: Path) -> Path:
    """A consistent copy, also while another process writes."""
    with closing(sqlite3.connect(source, timeout=30)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
    return target


def _home_files(home: Path) -> Iterator[tuple[str, Path]]:
    for folder in FOLDERS:
        for path in sorted((home / folder).rglob("*")):
            if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                yield path.relative_to(home).as_posix(), path


def _unpack(source: Path, content: Path) -> dict[str, Any]:
    """Unpack and check every file; an archive that holds anything else is refused."""
    try:
        with tarfile.open(source, "r:gz") as archive:
            archive.extractall(content, filter="data")
        manifest: dict[str, Any] = json.loads((content / MANIFEST).read_text(encoding="utf-8"))
        listed = {name: (digest, int(size)) for name, (digest, size) in manifest["files"].items()}
    except FileNotFoundError:
        raise UsageError(f"There is no backup {source}.") from None
    except (OSError, EOFError, tarfile.TarError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{source} is no backup of Rescue that can be read: {str(error).rstrip('.')}.") from None
    (content / MANIFEST).unlink()
    found = {path.relative_to(content).as_posix(): path for path in content.rglob("*") if path.is_file()}
    damaged = [name for name, path in found.items() if name in listed and _sha256(path) != listed[name][0]]
    wrong = sorted([*damaged, *(found.keys() ^ listed.keys())])
    if wrong:
        raise RescueError(f"The backup {source} is damaged ({wrong[0]}); nothing was restored.")
    manifest["files"] = listed
    return manifest


def _restore_queue(settings: Settings, content: Path) -> None:
    """Load a dump into the database of the settings; a copy of SQLite is a file of the home."""
    from serving.operations.table_dump import load_tables
    from serving.store import Store

    if (content / QUEUE_DUMP).exists():
        url = settings.database or f"sqlite:///{content / QUEUE_FILE}"
        with Store(url) as store:
            load_tables(store, content / QUEUE_DUMP)
        (content / QUEUE_DUMP).unlink()
    elif settings.database is not None:
        raise UsageError("The backup is of a queue in SQLite: restore it without a `database` in the settings.")


def _place(content: Path, home: Path) -> None:
    if home.exists():
        home.rmdir()
    for leftover in content.glob(f"{QUEUE_FILE}-*"):
        leftover.unlink()
    shutil.move(content, home)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
