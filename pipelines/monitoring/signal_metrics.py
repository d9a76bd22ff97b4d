"""How many signals each account had on each day, as rows of the contract's table ``metrics``: features of later nights.

A signal counts on the day on which it was received, so a row of a past day never changes and a night sees what was
known then. Signals are deleted after some days, so an existing file is extended: its days stay as they are.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import UsageError
from serving.store import Store
from serving.store.queries.incident_queries import count_received_signals

METRIC, SOURCE = "signals", "rescue"
SIGNAL_METRICS = pa.schema(
    {
        "account_id": pa.string(),
        "metric": pa.string(),
        "measured_at": pa.timestamp("us"),
        "value": pa.float64(),
        "source": pa.string(),
        "known_at": pa.timestamp("us"),
    }
)


@dataclass(frozen=True)
class SignalMetrics:
    """The file, how many rows it has, and how many of them are new."""

    path: Path
    rows: int
    added: int


def export_signal_metrics(store: Store, folder: Path, now: datetime) -> SignalMetrics:
    """Write or extend ``metrics.parquet`` in a folder by the days that have ended before ``now`` (naive UTC).

    Every account that has had a signal has a row a day from then on, also without a signal.
    """
    path = folder / "metrics.parquet"
    earlier = _earlier(path)
    with store.reading() as session:
        counts = {(account, day): count for account, day, count in count_received_signals(session)}
    rows = _new_rows(earlier, counts, now.date())
    whole = pa.concat_tables([earlier, pa.Table.from_pylist(rows, SIGNAL_METRICS)])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        pq.write_table(whole, partial)
        partial.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from None
    return SignalMetrics(path, whole.num_rows, len(rows))


def _earlier(path: Path) -> pa.Table:
    if not path.exists():
        return SIGNAL_METRICS.empty_table()
    try:
        return pq.read_table(path).select(SIGNAL_METRICS.names).cast(SIGNAL_METRICS)
    except (pa.ArrowException, OSError, KeyError):
        raise UsageError(f"{path} was not written by this command: choose another folder.") from None


def _new_rows(earlier: pa.Table, counts: dict[tuple[str, date], int], today: date) -> list[dict[str, object]]:
    """The rows of the days after those of the file; before the first day of an account, it has none."""
    written = Counter(earlier["account_id"].to_pylist())
    last: datetime | None = max(earlier["measured_at"].to_pylist(), default=None)
    first_day = {account: min(day for name, day in counts if name == account) for account, _ in counts}
    starts = [last.date()] if last is not None else sorted(first_day.values())[:1]
    rows: list[dict[str, object]] = []
    day = starts[0] if starts else today
    while day < today:
        measured = datetime.combine(day + timedelta(days=1), time.min)
        for account in sorted(written.keys() | first_day.keys()):
            if account in written or first_day[account] <= day:
                value = float(counts.get((account, day), 0))
                values = (account, METRIC, measured, value, SOURCE, measured)
                rows.append(dict(zip(SIGNAL_METRICS.names, values, strict=True)))
        day += timedelta(days=1)
    return rows
