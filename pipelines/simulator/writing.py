"""Tables as Parquet files whose bytes depend on the rows alone.

A small world is one file a table. A large one has its usage in a folder by month, ``usage_daily/month=YYYY-MM/``,
each file in (day, account) order, and its other tables in row groups by month, so that no more than a month is ever
in memory.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

LARGE: Final = 5_000
"""Accounts from which on usage is written by month."""

_USUAL: Final = {
    "compression": "zstd",
    "compression_level": 3,
    "store_schema": False,
    "dictionary_pagesize_limit": 16 * 2**20,
    "row_group_size": 1_000_000,
}
_PLAIN: Final = ("ticket_id", "event_id", "subscription_id", "invoice_id", "body")
"""Columns whose values hardly repeat: a dictionary would only cost."""


class Folder:
    """Writes the tables of a world, month by month."""

    def __init__(self, out: Path, *, large: bool) -> None:
        self._out, self._large = out, large
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._kept: dict[str, list[pa.Table]] = {}

    def write(self, tables: Mapping[str, pa.Table], month: date) -> dict[str, int]:
        """Take the rows that became known in a month; how many there were, by table."""
        for name, table in tables.items():
            if not self._large:
                self._kept.setdefault(name, []).append(table)
            elif name == "usage_daily":
                folder = self._out / name / f"month={month:%Y-%m}"
                folder.mkdir(parents=True, exist_ok=True)
                pq.write_table(table, folder / "part-0.parquet", **_options(table))
            else:
                own = _with_own_accounts(table)
                self._writer(name, own).write_table(own)
        return {name: table.num_rows for name, table in tables.items()}

    def close(self) -> None:
        """Finish every file."""
        for writer in self._writers.values():
            writer.close()
        for name, parts in self._kept.items():
            table = pa.concat_tables(parts).unify_dictionaries()
            pq.write_table(table, self._out / f"{name}.parquet", **_options(table))

    def _writer(self, name: str, table: pa.Table) -> pq.ParquetWriter:
        if name not in self._writers:
            self._writers[name] = pq.ParquetWriter(self._out / f"{name}.parquet", table.schema, **_open_options(table))
        return self._writers[name]


def _with_own_accounts(table: pa.Table) -> pa.Table:
    """A month's rows as a row group with the ids of their own accounts only: with all ids it would be mostly names."""
    if "account_id" not in table.column_names:
        return table
    place = table.column_names.index("account_id")
    return table.set_column(place, "account_id", table["account_id"].cast(pa.string()))


def _options(table: pa.Table) -> dict[str, object]:
    return {**_USUAL, "use_dictionary": [name for name in table.column_names if name not in _PLAIN]}


def _open_options(table: pa.Table) -> dict[str, object]:
    return {name: value for name, value in _options(table).items() if name != "row_group_size"}
