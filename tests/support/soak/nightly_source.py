"""The source as each night of a soak finds it: rows that are not there yet, and exports that broke off."""

import shutil
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.contract import TABLES

LATE_DAYS = 3
"""Rows of the last days are the ones that may be late."""


@dataclass
class NightlySource:
    """A folder of tables, written anew where a night finds other rows than the night before.

    ``until`` is the last day that the world has rows of: later nights are late by rows of the days before it.
    """

    whole: Path
    folder: Path
    until: date
    known: dict[str, tuple[object, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shutil.copytree(self.whole, self.folder)

    def prepare(self, night: date, late: tuple[str, ...], stopped: int) -> None:
        """Write the tables of a night; a table that is as it was is left alone, and need not be read again."""
        day = min(night, self.until)
        for file in sorted(self.whole.glob("*.parquet")):
            name = file.stem
            missing_days = stopped if name == "usage_daily" else 0
            state = (day, missing_days, name in late) if missing_days or name in late else ()
            if self.known.get(name, ()) != state:
                self._write(file, day, missing_days, late=name in late)
                self.known[name] = state

    def truncated(self, name: str, to: Path) -> Path:
        """A copy in which the export of one table broke off after 40% of its rows."""
        shutil.copytree(self.folder, to)
        table = pq.read_table(self.folder / f"{name}.parquet")
        pq.write_table(table.slice(0, table.num_rows * 2 // 5), to / f"{name}.parquet")
        return to

    def without(self, name: str, to: Path) -> Path:
        """A copy without one table."""
        shutil.copytree(self.folder, to)
        (to / f"{name}.parquet").unlink()
        return to

    def _write(self, file: Path, day: date, missing_days: int, *, late: bool) -> None:
        table = pq.read_table(file)
        happened = table[TABLES[file.stem].event_time or "known_at"]
        if missing_days:
            table = table.filter(pc.invert(_between(happened, day - timedelta(days=missing_days + 1), day)))
        elif late:
            recent = _between(happened, day - timedelta(days=LATE_DAYS), day)
            third = pa.array([number % 3 == 0 for number in range(table.num_rows)])
            table = table.filter(pc.invert(pc.and_(recent, third)))
        pq.write_table(table, self.folder / file.name)


def _between(happened: pa.ChunkedArray, first: date, last: date) -> pa.ChunkedArray:
    """Whether a row is of the days from ``first`` until before ``last``; rows without a time are not."""
    low, high = (_as_value(day, happened.type) for day in (first, last))
    inside = pc.and_(pc.greater_equal(happened, low), pc.less(happened, high))
    return pc.fill_null(inside, False)


def _as_value(day: date, kind: pa.DataType) -> pa.Scalar:
    return pa.scalar(day if pa.types.is_date(kind) else datetime.combine(day, time.min), kind)
