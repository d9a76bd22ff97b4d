"""The company of the demo: its source as files, week by week, and what the team's work changes in it.

A rescue halves an account's hazard of leaving, so the rest of its life depends on what the team did. The source has the
troubles of real ones: a feed that is late for some days, and one morning an export that broke off.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.demo.contacts import contacts_table, links_table
from pipelines.simulator.run import months
from pipelines.simulator.simulation import Simulation
from pipelines.simulator.simulator_settings import SimulatorSettings
from pipelines.simulator.situations import NIGHT, RealWorld

RESCUES_A_MONTH = 3
"""Accounts that the team worked each month before it used Rescue, from the second year on."""


@dataclass(frozen=True)
class LateFeed:
    """A table whose rows that were due from ``first`` on arrive only on ``last``."""

    table: str
    first: date
    last: date


class Company:
    """A simulated company whose source is a folder with one Parquet file per table."""

    def __init__(self, settings: SimulatorSettings, folder: Path, late: LateFeed | None = None) -> None:
        self.folder = folder
        self._settings, self._late = settings, late
        self._world = Simulation(settings)
        self._real = RealWorld(settings, self._world.accounts, self._world.monthly)
        self._rows: dict[str, list[pa.Table]] = {}
        self._names = frozenset(self._world.accounts)
        self._has_people = False
        folder.mkdir(parents=True)

    def live_until(self, day: date) -> None:
        """Live on to a day and write what the source knows then; the years before the first one are lived by month."""
        months_before = [month for month in months(self._settings) if self._world.today < month < day]
        for until in (*months_before, day):
            self._advance(until)
            if until != day and (until - self._settings.start).days >= 365:
                self._world.rescue(self._world.worst(RESCUES_A_MONTH))
        for name, parts in self._rows.items():
            self._rows[name] = [pa.concat_tables(parts).unify_dictionaries()]
            if not name.startswith("truth"):
                pq.write_table(self._rows[name][0], self.folder / f"{name}.parquet")

        if not self._has_people:
            self._write_people()

    def rescue(self, accounts: Iterable[str]) -> None:
        """These accounts were helped; those that the world knows under this name leave less often from now on."""
        self._world.rescue([name for name in accounts if name in self._names], recorded=False)

    def names(self) -> Mapping[str, str]:
        """The name of every account, by its id."""
        table = self._rows["accounts"][0]
        return dict(zip(table["account_id"].to_pylist(), table["name"].to_pylist(), strict=True))

    @contextmanager
    def broken_export(self, table: str, share: float) -> Iterator[None]:
        """Within the block, the file of a table ends after a share of its rows, as after an export that broke off."""
        path, whole = self.folder / f"{table}.parquet", self._rows[table][0]
        pq.write_table(whole.slice(0, int(whole.num_rows * share)), path)
        try:
            yield
        finally:
            pq.write_table(whole, path)

    def _write_people(self) -> None:
        """Contacts of every account, and links to its records; they do not change while the demo is played."""
        known_at = datetime.combine(self._settings.start, time())
        seed = self._settings.seed
        pq.write_table(contacts_table(self.names(), seed, known_at), self.folder / "contacts.parquet")
        pq.write_table(links_table(self.names(), known_at), self.folder / "links.parquet")
        self._has_people = True

    def _advance(self, until: date) -> None:
        begin, last = self._world.today, until == self._settings.until
        tables = self._world.advance(until, after=NIGHT if last else timedelta(0))
        for name, table in self._real.apply(tables, begin, until).items():
            self._rows.setdefault(name, []).append(self._delayed(name, table))

    def _delayed(self, name: str, table: pa.Table) -> pa.Table:
        if self._late is None or name != self._late.table:
            return table
        first, last = (
            pa.scalar(datetime.combine(day, time()), pa.timestamp("us")) for day in (self._late.first, self._late.last)
        )
        known = table["known_at"]
        waits = pc.and_(pc.greater_equal(known, first), pc.less(known, last))
        place = table.column_names.index("known_at")
        return table.set_column(place, "known_at", pc.if_else(waits, last, known))
