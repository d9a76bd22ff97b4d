"""The source with what the rescue team gave back, as rows like any other.

The lower rooms learn of rescues as rows of the contract's tables with the moment our copy knew them, so what comes
back is put beside the source's own files before admission, and judged as they are. Where the source brings the same
rows again, because they were exported into it, admission drops the repeats.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from features.raw import RawTable, quoted
from pipelines import assembly
from pipelines.settings import Settings
from pipelines.sources import Source
from serving.outcomes import outcomes


def with_returned(source: Source, settings: Settings, scratch: Path) -> Source:
    """The source beside the outcomes that the settings' queue holds; the source itself where there are none."""
    if settings.database is None and not (settings.home / "rescue.db").is_file():
        return source
    with assembly.store(settings) as store:
        rows = outcomes(store)
    if not rows.num_rows:
        return source
    scratch.mkdir(parents=True, exist_ok=True)
    file = scratch / "outcomes.queue.parquet"
    pq.write_table(rows, file)
    return WithReturned(source, {"outcomes": file})


@dataclass(frozen=True)
class WithReturned:
    """A source, and files of rows to add to some of its tables (by table)."""

    inner: Source
    files: Mapping[str, Path]

    @property
    def name(self) -> str:
        """The source's own name."""
        return self.inner.name

    @property
    def risks(self) -> Mapping[str, Mapping[str, Any]]:
        """The source's own settings of the risks."""
        return self.inner.risks

    def tables(self) -> tuple[str, ...]:
        """The source's tables, and those that only came back."""
        own = self.inner.tables()
        return (*own, *(name for name in self.files if name not in own))

    def stage(self, names: Sequence[str], scratch: Path, *, as_typed: bool = False) -> list[RawTable]:
        """The source's tables, each with the rows that came back."""
        own = set(self.inner.tables())
        staged = self.inner.stage([name for name in names if name in own], scratch, as_typed=as_typed)
        joined = [self._joined(table, scratch) if table.name in self.files else table for table in staged]
        only = [name for name in names if name in self.files and name not in own]
        return joined + [RawTable(name, (str(self.files[name]),), self._label(name)) for name in only]

    def fingerprint(self) -> dict[str, str]:
        """The source's own."""
        return self.inner.fingerprint()

    def _joined(self, table: RawTable, scratch: Path) -> RawTable:
        if table.partitioned:  # DuckDB reads no files with and without partitions together
            table = _whole(table, scratch / f"{table.name}.whole.parquet")
        labels = {file: table.labels.get(file, file) for file in table.files} | self._label(table.name)
        return replace(table, files=(*table.files, str(self.files[table.name])), labels=labels)

    def _label(self, name: str) -> dict[str, str]:
        return {str(self.files[name]): f"{name} of the queue"}


def _whole(table: RawTable, file: Path) -> RawTable:
    file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"COPY (FROM {table.relation}) TO {quoted(str(file))} (FORMAT parquet)")
    return replace(table, files=(str(file),), labels={str(file): table.label}, partitioned=False)
