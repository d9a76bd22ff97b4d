"""Signals per account and day as the table ``metrics``: past days never change, a day without a signal is a zero."""

from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.nights.incident_factory import NOON, failed

from features.contract import TABLES
from features.errors import UsageError
from pipelines.monitoring.signal_metrics import SIGNAL_METRICS, export_signal_metrics
from serving.signals.signal_intake import add_signals
from serving.store import Store


def receive(store: Store, account: str | None, days: float, count: int = 1) -> None:
    signals = [failed(0, signal_id=f"{account}-{days}-{number}", account_id=account) for number in range(count)]
    add_signals(store, signals, sender="test", now=NOON + timedelta(days=days))


def values(path: Path) -> list[tuple[str, int, float]]:
    rows = pq.read_table(path).to_pylist()
    return [(row["account_id"], (row["measured_at"].date() - NOON.date()).days, row["value"]) for row in rows]


def test_each_day_is_counted_once_it_has_ended(store: Store, tmp_path: Path) -> None:
    receive(store, "a", 0, 3)
    receive(store, "b", 1)
    receive(store, None, 1)
    written = export_signal_metrics(store, tmp_path / "out", NOON + timedelta(days=2))
    expected = [("a", 1, 3.0), ("a", 2, 0.0), ("b", 2, 1.0)]
    assert values(written.path) == expected
    receive(store, "a", 2.1, 2)
    again = export_signal_metrics(store, tmp_path / "out", NOON + timedelta(days=2.2))
    assert (again.added, values(again.path)) == (0, expected)
    later = export_signal_metrics(store, tmp_path / "out", NOON + timedelta(days=3))
    assert values(later.path) == [*expected, ("a", 3, 2.0), ("b", 3, 0.0)]


def test_the_columns_are_those_of_the_contract() -> None:
    assert set(SIGNAL_METRICS.names) == {column.name for column in TABLES["metrics"].columns}


def test_a_file_of_somebody_else_is_not_overwritten(store: Store, tmp_path: Path) -> None:
    (tmp_path / "metrics.parquet").write_text("mine")
    with pytest.raises(UsageError, match="choose another folder"):
        export_signal_metrics(store, tmp_path, NOON)
