"""Signals from a file, from standard input, or from the table ``signals`` of the source.

A row has the fields of a signal as columns: ``signal_id``, ``occurred_at``, ``source``, ``kind``, and any others. A
JSON file may also hold CloudEvents, or the payload of a vendor. Times without a zone are UTC. ``kind`` and ``source``
may be missing: then the signals have the name of the file.
"""

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import UsageError, suggest_name
from pipelines.scratch import scratch_folder
from pipelines.settings import Settings
from pipelines.sources.named.open_sources import open_configured_source
from serving.signals.cloud_events import MOST_IN_REQUEST, parse_json, read_events
from serving.signals.payload_adapter import load_adapters
from serving.signals.signal_fields import AcceptedTimes, Signal, SignalError, make_signal, read_time
from serving.store.database import utcnow

TABLE = "signals"
SIGNAL_FORMATS = (".json", ".jsonl", ".ndjson", ".csv", ".parquet")
MOST_IN_FILE = 1_000_000
LARGEST_FILE = 1 << 30
"""Bytes of a file: it is read whole, so that one bad signal can refuse all of it."""


def read_signal_file(path: Path, settings: Settings, adapter: str = "") -> list[Signal]:
    """The signals of a file; ``-`` is standard input, which holds JSON.

    Raises:
        UsageError: the file cannot be read, or one of its signals is not valid.
    """
    accepted = AcceptedTimes.at(utcnow(), settings.signals.keep_days)
    suffix = ".json" if str(path) == "-" else path.suffix.lower()
    if suffix not in SIGNAL_FORMATS:
        raise UsageError(f"{path} cannot be read: a file of signals ends in {', '.join(SIGNAL_FORMATS)}.")
    if adapter:
        adapters = load_adapters(settings.signals.adapters)
        if adapter not in adapters:
            raise UsageError(f"There is no adapter {adapter!r}; {suggest_name(adapter, adapters)}")
        return adapters[adapter].read_signals(parse_json(_bytes(path)), accepted)
    content = _bytes(path)
    if suffix == ".parquet":
        return _from_rows(_parquet_rows(content, path), accepted, path.stem)
    if suffix == ".csv":
        return _from_rows(csv.DictReader(io.StringIO(_text(content, path))), accepted, path.stem)
    return _from_json(_objects(content, suffix, path), accepted, "stdin" if str(path) == "-" else path.stem)


def read_signal_table(settings: Settings) -> list[Signal]:
    """The signals of the table ``signals`` of the source that the settings name.

    Raises:
        UsageError: the source has no such table, or one of its signals is not valid.
    """
    source = open_configured_source(settings)
    if TABLE not in source.tables():
        raise UsageError(f"The source has no table {TABLE}: name a file, or give a source that has one with --data.")
    accepted = AcceptedTimes.at(utcnow(), settings.signals.keep_days)
    with scratch_folder() as scratch:
        (table,) = source.stage((TABLE,), scratch)
        if table.unreadable_lines:
            line = table.unreadable_lines[0]
            raise UsageError(f"{line.file}, line {line.line}: {line.reason}.")
        rows = [row for file in table.files for row in pq.read_table(file).to_pylist()]
    return _from_rows(rows, accepted, TABLE)


def _bytes(path: Path) -> bytes:
    try:
        if str(path) == "-":
            content = sys.stdin.buffer.read(LARGEST_FILE + 1)
        else:
            with path.open("rb") as file:
                content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    if len(content) > LARGEST_FILE:
        raise UsageError(f"{path} is larger than {LARGEST_FILE >> 30} GiB: split it.")
    return content


def _text(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{path} cannot be read: it is not UTF-8 text.") from None


def _parquet_rows(content: bytes, path: Path) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = pq.read_table(pa.BufferReader(content)).to_pylist()
    except (pa.ArrowException, OSError):
        raise UsageError(f"{path} cannot be read: it is no Parquet file.") from None
    return rows


def _objects(content: bytes, suffix: str, path: Path) -> list[Any]:
    """The objects of a JSON file: a list, one object, or an object a line."""
    text = _text(content, path)
    try:
        if suffix == ".json":
            found = json.loads(text)
            return found if isinstance(found, list) else [found]
    except (ValueError, RecursionError):
        pass  # several objects, one a line
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        raise UsageError(f"{path} cannot be read: it is not JSON.") from None


def _from_json(objects: list[Any], accepted: AcceptedTimes, name: str) -> list[Signal]:
    if objects and isinstance(objects[0], dict) and "specversion" in objects[0]:
        now = utcnow()
        parts = range(0, len(objects), MOST_IN_REQUEST)
        return [signal for at in parts for signal in read_events(objects[at : at + MOST_IN_REQUEST], accepted, now)]
    for place, row in enumerate(objects, 1):
        if not isinstance(row, dict):
            raise SignalError(f"Signal {place} is not an object.")
    return _from_rows(objects, accepted, name)


def _from_rows(rows: Iterable[Mapping[str, Any]], accepted: AcceptedTimes, name: str) -> list[Signal]:
    signals = []
    for place, row in enumerate(rows, 1):
        if place > MOST_IN_FILE:
            raise UsageError(f"A file can have at most {MOST_IN_FILE:,} signals: split it.")
        values = {"kind": name, "source": name} | {key: value for key, value in row.items() if value not in (None, "")}
        values["occurred_at"] = _utc(values.get("occurred_at"), f"Signal {place}")
        signals.append(make_signal(values, accepted, f"Signal {place}"))
    return signals


def _utc(value: Any, place: str) -> datetime | None:
    """The time as naive UTC."""
    return None if value is None else read_time(value, place, zone_needed=False)
