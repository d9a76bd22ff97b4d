"""The source with what the rescue team gave back, as rows like any other.

Features and labels read outcomes as rows of the contract's tables, with the time at which they became known. So the
outcomes of the queue are added to the source's own files before validation. If the source contains the same rows,
because they were exported into it, validation drops the duplicates. Rows of accounts that the source does not have are
left out and reported.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.duckdb_connection import open_duckdb
from features.quoting import quote_text
from features.source_table import SourceTable
from pipelines import assembly
from pipelines.settings import Settings
from pipelines.sources import Source
from pipelines.sources.base import stage_for_cluster
from pipelines.sources.files.folder_contents import UnreadFile
from serving.night_report.report_schema import UnknownAccounts


def with_queue_outcomes(source: Source, settings: Settings, scratch: Path) -> Source:
    """The source beside the outcomes that the settings' queue holds; the source itself where there are none."""
    if settings.database is None and not (settings.home / "rescue.db").is_file():
        return source
    from serving.cases.outcomes import outcomes  # late: a home without a queue needs no SQLAlchemy

    with assembly.open_store(settings) as store:
        rows = outcomes(store)
    if not rows.num_rows:
        return source
    scratch.mkdir(parents=True, exist_ok=True)
    file = scratch / "outcomes.queue.parquet"
    pq.write_table(rows, file)
    return SourceWithQueueOutcomes(source, {"outcomes": file})


@dataclass(frozen=True)
class SourceWithQueueOutcomes:
    """A source, and files of rows to add to some of its tables (by table)."""

    inner: Source
    files: Mapping[str, Path]
    _left_out: dict[str, int] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The source's own name."""
        return self.inner.name

    @property
    def title(self) -> str:
        """The source's own title."""
        return self.inner.title

    @property
    def warnings(self) -> tuple[UnknownAccounts, ...]:
        """How many rows of the queue were left out, because the source does not have their accounts; by table."""
        return tuple(UnknownAccounts(table=name, rows=count) for name, count in sorted(self._left_out.items()))

    def tables(self) -> tuple[str, ...]:
        """The source's tables, and those that only came back."""
        own = self.inner.tables()
        return (*own, *(name for name in self.files if name not in own))

    def unread_files(self) -> tuple[UnreadFile, ...]:
        """The source's own."""
        return self.inner.unread_files()

    def stage(self, names: Sequence[str], scratch: Path) -> list[SourceTable]:
        """The source's tables, each with the rows that came back."""
        return self._stage(names, scratch, lambda source, *asked: source.stage(*asked))

    def stage_for_cluster(self, names: Sequence[str], scratch: Path) -> list[SourceTable]:
        """The same for a cluster."""
        return self._stage(names, scratch, stage_for_cluster)

    def _stage(self, names: Sequence[str], scratch: Path, stage: Callable[..., list[SourceTable]]) -> list[SourceTable]:
        own = set(self.inner.tables())
        staged = stage(self.inner, [name for name in names if name in own], scratch)
        files = self._of_known_accounts(staged, scratch)
        joined = [self._joined(table, files[table.name], scratch) if table.name in files else table for table in staged]
        only = [name for name in names if name in files and name not in own]
        return joined + [SourceTable(name, (str(files[name]),), _label(files[name], name)) for name in only]

    def fingerprint(self) -> dict[str, str]:
        """The source's own."""
        return self.inner.fingerprint()

    def _of_known_accounts(self, staged: Sequence[SourceTable], scratch: Path) -> dict[str, Path]:
        """The files of what came back, without the rows of accounts that the source does not have."""
        from pipelines.sources.source_guard import account_ids  # late, for the same reason

        accounts = next((table for table in staged if table.name == "accounts"), None)
        if accounts is None:
            return dict(self.files)
        if accounts.cluster:
            (accounts,) = self.inner.stage(["accounts"], scratch / "accounts")
        known = account_ids(accounts)
        if known is None:
            return dict(self.files)
        return {name: self._of_accounts(name, known, scratch) for name in self.files}

    def _of_accounts(self, name: str, known: pa.Array, scratch: Path) -> Path:
        rows = pq.read_table(self.files[name])
        own = rows.filter(pc.is_in(rows["account_id"], value_set=known.cast(rows["account_id"].type)))
        if own.num_rows == rows.num_rows:
            return self.files[name]
        self._left_out[name] = rows.num_rows - own.num_rows
        scratch.mkdir(parents=True, exist_ok=True)
        file = scratch / f"{name}.known.parquet"
        pq.write_table(own, file)
        return file

    def _joined(self, table: SourceTable, file: Path, scratch: Path) -> SourceTable:
        if table.partitioned:  # DuckDB reads no files with and without partitions together
            table = _whole(table, scratch / f"{table.name}.whole.parquet")
        labels = {own: table.labels.get(own, own) for own in table.files} | _label(file, table.name)
        return replace(table, files=(*table.files, str(file)), labels=labels)


def _label(file: Path, name: str) -> dict[str, str]:
    return {str(file): f"{name} of the queue"}


def _whole(table: SourceTable, file: Path) -> SourceTable:
    file.parent.mkdir(parents=True, exist_ok=True)
    with open_duckdb(files=[*table.files, file], scratch=file.parent / "spill") as connection:
        connection.execute(f"COPY (FROM {table.relation}) TO {quote_text(str(file))} (FORMAT parquet)")
    return replace(table, files=(str(file),), labels={str(file): table.label}, partitioned=False)
