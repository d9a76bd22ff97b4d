"""Sources for races: a simulated world whose rows are not copied, and which gets the files of one more day."""

from datetime import date, timedelta
from pathlib import Path

import duckdb

NEW_IDS = {"accounts": "account_id", "tickets": "ticket_id", "invoices": "invoice_id"}
"""Tables in which a row of another day is another thing, and the column that names it."""

FILES_OF_USAGE = 4
"""Files of usage in a day, as from four products."""


TIMES = ("TIMESTAMP", "DATE")
"""Types of columns that a later day moves."""


class GrowingSource:
    """A folder for each table: links to the files of a simulated world, and files of days that follow it.

    The rows of a further day are those of the world's last day, with times so many days later, new accounts,
    tickets and invoices, and new versions of contracts. Each table gets one file, usage gets four: ten files for
    seven tables.
    """

    def __init__(self, world: Path, folder: Path) -> None:
        self.world, self.folder = world, folder
        for file in sorted(world.rglob("*.parquet")):
            table, *inner = file.relative_to(world).parts
            place = folder / Path(table).stem / "/".join(inner or [file.name])
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(file.resolve())
        self.tables = sorted(path.name for path in folder.iterdir() if path.name != "truth")
        self.accounts: int = _value(f"SELECT count(DISTINCT account_id) FROM '{self._files('accounts')}'")
        self.last_day: date = _value(f"SELECT max(day) FROM {self._rows('usage_daily')}")
        self.added = 0

    def add_day(self) -> list[Path]:
        """Write the files of the next day; they are returned."""
        self.added += 1
        return [file for table in self.tables for file in self._add(table)]

    def _add(self, table: str) -> list[Path]:
        known = "day" if table == "usage_daily" else "known_at"
        rows = f"SELECT * REPLACE ({self._later(table)}) FROM {self._rows(table)} WHERE CAST({known} AS DATE) = {{day}}"
        day = _value(f"SELECT max(CAST({known} AS DATE)) FROM {self._rows(table)}")
        shift = (self.last_day - day).days + self.added
        parts = FILES_OF_USAGE if table == "usage_daily" else 1
        folder = self.folder / table
        if table == "usage_daily":
            folder /= f"month={self.last_day + timedelta(days=self.added):%Y-%m}"
            folder.mkdir(exist_ok=True)
        files = [folder / f"new-{self.added:02}-{part}.parquet" for part in range(parts)]
        for part, file in enumerate(files):
            chosen = f"{rows} AND hash(account_id) % {parts} = {part}" if parts > 1 else rows
            written = chosen.format(day=f"DATE '{day}'", days=f"INTERVAL {shift} DAY", name=f"'-n{self.added}'")
            duckdb.execute(f"COPY ({written}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)")
        return files

    def _later(self, table: str) -> str:
        """The columns of a row of a later day that differ."""
        types = duckdb.execute(f"DESCRIBE SELECT * FROM {self._rows(table)}").fetchall()
        names = ["known_at"] if table == "subscriptions" else [n for n, kind, *_ in types if kind in TIMES]
        later = [f"CAST({name} + {{days}} AS {kind}) AS {name}" for name, kind, *_ in types if name in names]
        if table in NEW_IDS:
            later.append(f"{NEW_IDS[table]} || {{name}} AS {NEW_IDS[table]}")
        if table == "ticket_events":
            opened = f"SELECT ticket_id FROM {self._rows('tickets')} WHERE CAST(known_at AS DATE) = {{day}}"
            later.append(
                f"CASE WHEN ticket_id IN ({opened}) THEN ticket_id || {{name}} ELSE ticket_id END AS ticket_id"
            )
            later.append("event_id || {name} AS event_id")
        return ", ".join(later)

    def _files(self, table: str) -> str:
        place = self.world / f"{table}.parquet"
        return str(place if place.exists() else self.world / table / "**" / "*.parquet")

    def _rows(self, table: str) -> str:
        return f"read_parquet('{self._files(table)}', hive_partitioning = false)"


def _value(query: str) -> object:
    return duckdb.execute(query).fetchall()[0][0]
