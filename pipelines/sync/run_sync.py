"""Reads one system: what is new since the last time, or everything; and publishes it as one DuckDB file.

The work goes on in a folder of its own, ``HOME/sync/NAME``: ``dlt`` keeps its state there, so a sync that was killed
goes on where it was. The file that nights read, ``HOME/sync/NAME.duckdb``, is replaced in one step when everything was
read; a sync that fails leaves the file of the one before.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from features.errors import UsageError, extra_command
from pipelines.setting_sections.sync_settings import SyncSettings
from pipelines.sync.schema_changes import SyncedTable, compare_files, copy_tables
from pipelines.sync.sync_errors import SyncError, sync_error
from pipelines.sync.vendor_files import VendorFile, read_vendor

DLT_SETTINGS = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL", "EXTRACT__WORKERS": "1"}
"""``dlt`` reports to nobody, and writes no log of its own."""


@dataclass(frozen=True)
class SyncReport:
    """What a sync did: whether everything was read again, the tables, and what has changed in their form."""

    name: str
    title: str
    full: bool
    file: Path
    mapping: str | None
    tables: tuple[SyncedTable, ...] = ()
    warnings: tuple[str, ...] = field(default=())


def synced_file(home: Path, name: str) -> Path:
    """The file that nights read of a system."""
    return home / "sync" / f"{name}.duckdb"


def sync_system(
    home: Path, name: str, settings: SyncSettings, *, full: bool = False, clock: Callable[[], datetime] | None = None
) -> SyncReport:
    """Read one system, and publish its file.

    Raises:
        SyncError: it could not be read; the sentence says what to do. The published file is that of the last sync.
        UsageError: the extra ``sync`` is not installed, or the settings name a table that there is not.
    """
    now = (clock or (lambda: datetime.now(UTC)))()
    vendor, folder, published = read_vendor(settings.kind), home / "sync" / name, synced_file(home, name)
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder, name):
        asked = _question(settings)
        state = _read_state(folder)
        whole = full or state.get("question") != asked or _is_due(state, settings, now)
        if whole and (state.get("question") != asked or not state.get("running_full")):
            _empty(folder)
            _write_state(folder, {"question": asked, "running_full": now.isoformat()})
        keys = _load(folder, name, settings, vendor)
        began = state.get("running_full") or now.isoformat() if whole else state["full_at"]
        tables, warnings = compare_files(published, folder / "data.duckdb", settings.kind, keys)
        half = published.with_suffix(".half")
        half.unlink(missing_ok=True)
        copy_tables(folder / "data.duckdb", half, settings.kind)
        half.replace(published)
        _write_state(folder, {"question": asked, "full_at": began, "synced_at": now.isoformat()})
    return SyncReport(name, vendor.title, whole, published, vendor.mapping, tables, warnings)


def _load(folder: Path, name: str, settings: SyncSettings, vendor: VendorFile) -> dict[str, str]:
    """Read what is new into the working file; what was left over from a sync that was killed is loaded first.

    Returns the column of each table's key, as it is called in the file.
    """
    os.environ.update(DLT_SETTINGS | {"DLT_DATA_DIR": str(folder / "dlt")})
    try:
        import dlt

        from pipelines.sync.rest_tables import rest_source
    except ImportError as error:
        raise UsageError(f"`rescue sync` needs an extra that is not installed: {extra_command('sync')}.") from error
    source = rest_source(name, settings, vendor)
    pipeline: Any = dlt.pipeline(
        pipeline_name=name,
        pipelines_dir=str(folder / "state"),
        destination=dlt.destinations.duckdb(str(folder / "data.duckdb")),
        dataset_name=settings.kind,
    )
    try:
        if pipeline.has_pending_data:
            pipeline.load()
        pipeline.run(source)
    except Exception as error:
        pipeline.abort_packages()
        raise sync_error(name, error) from error
    return {
        table: column
        for table, described in pipeline.default_schema.tables.items()
        for column, hints in described["columns"].items()
        if hints.get("primary_key")
    }


def _question(settings: SyncSettings) -> dict[str, Any]:
    """What is asked of the system: where it differs from the last time, everything is read again."""
    return json.loads(settings.model_dump_json(include={"kind", "address", "tables", "since", "fields"}))  # type: ignore[no-any-return]


def _is_due(state: dict[str, Any], settings: SyncSettings, now: datetime) -> bool:
    """Whether everything is to be read again, because the last time was long ago, or was never finished."""
    full_at = state.get("full_at")
    return full_at is None or now - datetime.fromisoformat(full_at) >= timedelta(days=settings.full_every)


def _empty(folder: Path) -> None:
    for name in ("state", "dlt"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for file in folder.glob("data.duckdb*"):
        file.unlink()


def _read_state(folder: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = json.loads((folder / "sync.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return state


def _write_state(folder: Path, state: dict[str, Any]) -> None:
    half = folder / "sync.json.half"
    half.write_text(json.dumps(state), encoding="utf-8")
    half.replace(folder / "sync.json")


@contextmanager
def _lock(folder: Path, name: str) -> Iterator[None]:
    """Two syncs of one system at once would write one file."""
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SyncError(f"[sync.{name}]: another sync of it is running.") from None
        yield


def sync_systems(
    home: Path, systems: Mapping[str, SyncSettings], names: Collection[str] | None, *, full: bool = False
) -> Iterator[SyncReport | str]:
    """Read several systems one after the other: a report of each, or the sentence of why it could not be read."""
    for name in names or sorted(systems):
        try:
            yield sync_system(home, name, systems[name], full=full)
        except SyncError as error:
            yield str(error)
