"""Signals of a launch by their code, and which cluster of tickets each belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv, json

from features.errors import DataGateError, UsageError

NEAR = timedelta(hours=2)
"""A signal belongs to a ticket of its account that is opened within this time."""

WINDOW = timedelta(minutes=15)
LEAST_SIGNALS = 5
LEAST_SHARE, LEAST_RATIO = 0.2, 2.0
"""A code belongs to a cluster if this share of its tickets has such a signal, and so many times more than others."""

LEAST_COUNT = 3


@dataclass(frozen=True)
class SignalGroup:
    """The signals of one code: how many, of how many accounts, the most within 15 minutes, and their cluster.

    ``cluster`` is None where none has clearly more of them than the other tickets; ``share`` is the share of its
    tickets with such a signal.
    """

    code: str
    signals: int
    accounts: int
    busiest: int
    cluster: int | None
    share: float

    @property
    def count(self) -> int:
        """Signals within 15 minutes from which an incident is proposed: half of the most there were."""
        return max(LEAST_COUNT, (self.busiest + 1) // 2)


def read_signals(file: Path) -> list[dict[str, Any]]:
    """The rows of a file of signals: Parquet, CSV, JSON lines.

    Raises:
        UsageError: there is no such file, or it is of another kind.
        DataGateError: it cannot be read, or has no times.
    """
    readers = {".parquet": pq.read_table, ".csv": csv.read_csv, ".jsonl": json.read_json, ".ndjson": json.read_json}
    if not file.is_file():
        raise UsageError(f"There is no file of signals {file}.")
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise UsageError(f"Signals are read from .parquet, .csv, .jsonl or .ndjson files, not from {file.name}.")
    try:
        table: pa.Table = reader(file)
    except (pa.ArrowInvalid, OSError):
        raise DataGateError(f"The file of signals {file} cannot be read.") from None
    if "occurred_at" not in table.column_names:
        raise DataGateError(f"The file of signals {file} has no column occurred_at.")
    rows = [{**row, "occurred_at": _instant(row["occurred_at"], file)} for row in table.to_pylist()]
    return [row for row in rows if row["occurred_at"] is not None]


def group_signals(
    signals: Sequence[dict[str, Any]],
    tickets: Sequence[tuple[str | None, datetime, int]],
    begin: datetime,
    until: datetime,
    product: str | None,
) -> list[SignalGroup]:
    """The signals of a time by code, the most frequent first.

    Args:
        signals: rows with ``occurred_at`` and, where known, ``code``, ``product`` and ``account_id``.
        tickets: account, opening and cluster of each ticket.
        begin: the start of the launch, UTC without a zone; ``until`` the end.
        until: see ``begin``.
        product: only signals of this product, if it is given.
    """
    by_code: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in signals:
        code = row.get("code") or row.get("fingerprint")
        wanted = product is None or row.get("product") == product
        if code and wanted and begin <= row["occurred_at"] < until:
            by_code[str(code)].append(row)
    groups = [_group(code, rows, tickets) for code, rows in by_code.items() if len(rows) >= LEAST_SIGNALS]
    return sorted(groups, key=lambda it: (-it.signals, it.code))


def _group(
    code: str, rows: Sequence[dict[str, Any]], tickets: Sequence[tuple[str | None, datetime, int]]
) -> SignalGroup:
    times = sorted(row["occurred_at"] for row in rows)
    by_account: dict[str, list[datetime]] = defaultdict(list)
    for row in rows:
        if row.get("account_id"):
            by_account[str(row["account_id"])].append(row["occurred_at"])
    near: dict[int, list[bool]] = defaultdict(list)
    for account, opened, number in tickets:
        near[number].append(any(abs(opened - at) <= NEAR for at in by_account.get(account or "", ())))
    cluster, share = _cluster_of(near)
    return SignalGroup(code, len(rows), len(by_account), _busiest(times), cluster, share)


def _cluster_of(near: dict[int, list[bool]]) -> tuple[int | None, float]:
    best: int | None = None
    best_share = 0.0
    for number, flags in near.items():
        share = sum(flags) / len(flags)
        others = [flag for other, values in near.items() if other != number for flag in values]
        rest = sum(others) / len(others) if others else 0.0
        if number >= 0 and share >= LEAST_SHARE and share >= LEAST_RATIO * rest and share > best_share:
            best, best_share = number, share
    return best, best_share


def _busiest(times: Sequence[datetime]) -> int:
    """The most signals within 15 minutes."""
    first = most = 0
    for place, at in enumerate(times):
        while at - times[first] >= WINDOW:
            first += 1
        most = max(most, place - first + 1)
    return most


def _instant(value: object, file: Path) -> datetime | None:
    """A time as UTC without a zone."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise DataGateError(f"The file of signals {file} has {value!r} as occurred_at, which is no time.") from None
    if not isinstance(value, datetime):
        return None
    return (value - value.utcoffset()).replace(tzinfo=None) if value.utcoffset() is not None else value  # type: ignore[operator]
