"""Validation of daily usage by partitions of files: results of the previous night stay valid for unchanged partitions.

Usage is most of what a source holds, and nearly all of it is the same as the night before. Whether a row is accepted
depends on the row, on the rows of its partition, and on the accounts that there are. So the result of a partition stays
valid while its files are the same, no file that was read shares its days, and no account appeared that its rows had
lacked. All other files are read: each is scanned once, and duplicates are looked for among these files. The rows of an
account that vanished are looked for in one column, and then are no longer accepted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc

from features.contract import USAGE_DAILY
from features.history.partitions import (
    Delivery,
    FileScan,
    Partition,
    ValidatedPartitions,
    find_overlapping,
    group_by_shared_days,
)
from features.history.repeated_keys import MAX_HASHES
from features.history.versions import known_day
from features.quoting import quote_text
from features.source_table import explain_changed_files
from features.validation.duplicates import DUPLICATE, reject_duplicates
from features.validation.incoming_table import (
    IncomingTable,
    bad_rows_query,
    breaks_any,
    label_rejected_rows,
    read_rejected_rows,
    reject_cached_rows,
    tests_with_parents,
)
from features.validation.result_cache import CachedResult, result_key
from features.validation.rules import Rule
from features.validation.value_replacements import texts_with_empty_words
from features.validation.values.column_types import needs_parsing

_DAYS = ", ".join(f"({sql} - DATE '1970-01-01')" for sql in (known_day(USAGE_DAILY), "day"))
"""SQL of the day on which a row was known, and of the day that it describes."""

MAX_VALUE = 200
"""Characters of a bad value that are kept."""


def is_partitioned(incoming: IncomingTable) -> bool:
    """Whether the table is usage in several files with fingerprints, in types that need no parsing."""
    source = incoming.source
    if incoming.table.name != "usage_daily" or len(source.files) < 2 or source.unreadable_lines:
        return False
    parsing = any(needs_parsing(incoming.table.column(column), kind) for column, kind in incoming.types.items())
    return not parsing and all(file in source.fingerprints for file in source.files)


def validate_partitions(incoming: IncomingTable, state: Path) -> ValidatedPartitions | None:
    """Fill ``rejected_<table>``, from the folder ``state`` where its results are valid; returns the partitions.

    ``None``, and nothing is filled, where texts of a file are words for "empty": such a table is validated as a whole.
    """
    run = _Run(incoming, CachedPartitions.read(state, result_key(incoming, DUPLICATE)))
    unchanged, scans = run.split()
    if scans and texts_with_empty_words(run.select_files([*scans])):
        return None
    reject_cached_rows(incoming, run.cached.rejected_of(unchanged))
    unchanged = run.without_vanished(unchanged)
    if sum(scan.bad for scan in scans.values()):
        run.reject(bad_rows_query(*tests_with_parents(run.select_files([*scans]))))
    for files in _batches(scans):
        reject_duplicates(run.select_files(files), sum(scans[file].rows for file in files))
    label_rejected_rows(incoming)
    partitions = (*unchanged, *run.new_partitions(scans))
    run.write(partitions, state)
    return ValidatedPartitions(
        partitions,
        folder=state,
        key=run.cached.key,
        files_read=len(scans),
        rows_query=partial(_accepted_rows, incoming),
    )


def _batches(scans: Mapping[str, FileScan]) -> list[list[str]]:
    """The files by whole partitions, whose keys fit into memory together: no key is in two partitions.

    The keys of all files at once would be read part by part, and every file again for each part.
    """
    batches: list[list[str]] = []
    room = 0
    for files in group_by_shared_days(scans):
        rows = sum(scans[file].rows for file in files)
        if not batches or rows > room:
            batches.append([])
            room = MAX_HASHES
        batches[-1].extend(files)
        room -= rows
    return batches


def _accepted_rows(incoming: IncomingTable, partition: Partition) -> str:
    """SQL of the accepted rows of a partition."""
    labels, source = set(partition.labels), incoming.source
    files = [file for file in source.files if source.labels[file] in labels]
    part = replace(incoming, source=source.select_files(incoming.cursor, files, incoming.types))
    return f"SELECT {part.select} FROM {part.remaining}"


def _without(
    partition: Partition, unknown: Mapping[str, Sequence[str]], rows: Mapping[str, Mapping[tuple[int, int], int]]
) -> Partition:
    """A partition without some of its rows by file, and with the accounts that its files have and nobody knows."""
    counts: Counter[tuple[int, int]] = Counter()
    for label in partition.labels:
        counts.update(rows.get(label, {}))
    return partition.without({account for label in partition.labels for account in unknown.get(label, ())}, counts)


@dataclass(frozen=True)
class CachedPartitions:
    """The results of the previous night, with the accounts of that night."""

    key: str
    partitions: tuple[Partition, ...] = ()
    result: CachedResult | None = None

    @classmethod
    def read(cls, folder: Path, key: str) -> CachedPartitions:
        """The results that a folder holds under this key; empty where it holds none."""
        result = CachedResult.read(folder, key)
        if result is None:
            return cls(key)
        partitions = tuple(Partition.from_json(values) for values in result.values["partitions"])
        return cls(key, partitions, result)

    def valid(self, fingerprints: Mapping[str, str], accounts: pa.Table) -> tuple[Partition, ...]:
        """The partitions whose files have these fingerprints, and which lack no account that is new."""
        if self.result is None:
            return ()
        new_accounts = _missing_ids(accounts, self.result.keys)
        return tuple(partition for partition in self.partitions if partition.is_valid(fingerprints, new_accounts))

    def vanished(self, accounts: pa.Table) -> list[str]:
        """The accounts that there were then and are no longer."""
        return sorted(_missing_ids(self.result.keys, accounts)) if self.result else []

    def rejected_of(self, partitions: Iterable[Partition]) -> pa.Table:
        """The rejected rows of some partitions."""
        labels = [label for partition in partitions for label in partition.labels]
        return self.result.rejected_in(labels) if self.result else pa.table({})


def _missing_ids(ids: pa.Table, others: pa.Table) -> frozenset[str]:
    """The ids that are not among others."""
    inside = pc.is_in(ids["account_id"], value_set=others["account_id"].combine_chunks())
    return frozenset(ids["account_id"].filter(pc.invert(inside)).to_pylist())


@dataclass(frozen=True)
class _Run:
    """Tonight's files beside the cached results."""

    incoming: IncomingTable
    cached: CachedPartitions

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        source = self.incoming.source
        return {source.labels[file]: source.fingerprints[file] for file in source.files}

    @cached_property
    def accounts(self) -> pa.Table:
        sql = "SELECT account_id FROM accepted_accounts ORDER BY account_id"
        with explain_changed_files():
            return self.incoming.cursor.sql(sql).to_arrow_table().cast(pa.schema([("account_id", pa.string())]))

    def select_files(self, files: Sequence[str]) -> IncomingTable:
        """The incoming table with some of its files."""
        source = self.incoming.source.select_files(self.incoming.cursor, files, self.incoming.types)
        return replace(self.incoming, source=source)

    def files_without(self, partitions: Sequence[Partition]) -> list[str]:
        """The files of none of the partitions, in their order."""
        labels = {label for partition in partitions for label in partition.labels}
        return [file for file in self.incoming.source.files if self.incoming.source.labels[file] not in labels]

    def split(self) -> tuple[tuple[Partition, ...], dict[str, FileScan]]:
        """The partitions of which nothing need be read, and the scan of every other file."""
        unchanged = list(self.cached.valid(self.fingerprints, self.accounts))
        scans = self.scan(self.files_without(unchanged))
        overlapping = find_overlapping(unchanged, scans.values())
        if overlapping:
            unchanged = [partition for partition in unchanged if partition not in overlapping]
            scans |= self.scan([file for file in self.files_without(unchanged) if file not in scans])
        return tuple(unchanged), {file: scans[file] for file in self.files_without(unchanged)}

    def without_vanished(self, unchanged: Sequence[Partition]) -> tuple[Partition, ...]:
        """Reject the rows of accounts that have vanished since the cached results; returns the partitions without them.

        Rows that break a rule by themselves stay what they are, duplicates do not.
        """
        vanished, cursor, rejected = self.cached.vanished(self.accounts), self.incoming.cursor, self.incoming.rejected
        if not vanished or not unchanged:
            return tuple(unchanged)
        part = self.incoming.with_labels([label for partition in unchanged for label in partition.labels])
        account, known_at = part.columns["account_id"], part.columns["known_at"]
        cursor.execute(
            'CREATE OR REPLACE TEMP TABLE vanished AS SELECT s.filename AS file, s.file_row_number + 1 AS "row", '
            f"{account} AS account, {part.columns['day']} AS day, {known_at} AS known_at FROM {part.source.relation} s "
            f"WHERE {account} IN (SELECT unnest(CAST(? AS VARCHAR[])))",
            [vanished],
        )
        not_rejected = f'vanished v ANTI JOIN {rejected} r ON r.file = v.file AND r."row" = v."row"'
        counted = f"SELECT file, {_DAYS}, count(*) FROM {not_rejected} GROUP BY ALL"
        rows: dict[str, dict[tuple[int, int], int]] = {}
        for file, known, day, count in cursor.execute(counted).fetchall():
            rows.setdefault(part.source.labels[file], {})[known, day] = count
        others = f"rule IN ({quote_text(Rule.CONFLICT)}, {quote_text(DUPLICATE)})"
        cursor.execute(f'DELETE FROM {rejected} WHERE {others} AND (file, "row") IN (SELECT file, "row" FROM vanished)')
        self.reject(
            f"""SELECT NULL, v.file, v."row", 'account_id', {quote_text(Rule.UNKNOWN_ACCOUNT)}, """
            f"left(account, {MAX_VALUE}) FROM {not_rejected}"
        )
        label_rejected_rows(self.incoming)
        unknown = self._unknown_accounts()
        return tuple(_without(partition, unknown, rows) for partition in unchanged)

    def scan(self, files: Sequence[str]) -> dict[str, FileScan]:
        """One scan of some files."""
        if not files:
            return {}
        part = self.select_files(files)
        tests, relation = tests_with_parents(part)
        day = f"({part.columns['day']} - DATE '1970-01-01')"
        rows = part.cursor.execute(
            f"SELECT filename, count(*), count_if(bad), min(day) FILTER (NOT bad), max(day) FILTER (NOT bad) FROM "
            f"(SELECT s.filename AS filename, {day} AS day, {breaks_any(tests)} AS bad FROM {relation}) "
            "GROUP BY filename"
        ).fetchall()
        scans = {
            file: FileScan(count, bad, None if first is None else (first, last))
            for file, count, bad, first, last in rows
        }
        return {file: scans.get(file, FileScan()) for file in files}

    def reject(self, rows: str) -> None:
        """Add rows to those that are not accepted."""
        self.incoming.cursor.execute(f"INSERT INTO {self.incoming.rejected} {rows}")

    def new_partitions(self, scans: Mapping[str, FileScan]) -> list[Partition]:
        """The partitions of the files that were read, once it is decided which of their rows are accepted."""
        deliveries = self._deliveries(list(scans)) if scans else {}
        unknown = self._unknown_accounts()
        groups = group_by_shared_days(scans)
        return [self._partition({file: scans[file] for file in files}, deliveries, unknown) for files in groups]

    def _partition(
        self,
        scans: Mapping[str, FileScan],
        deliveries: Mapping[str, Sequence[Delivery]],
        unknown: Mapping[str, Sequence[str]],
    ) -> Partition:
        labels = [self.incoming.source.labels[file] for file in scans]
        days = [scan.days for scan in scans.values() if scan.days]
        rows: Counter[tuple[int, int]] = Counter()
        for known, day, count in (delivery for file in scans for delivery in deliveries.get(file, ())):
            rows[known, day] += count
        return Partition(
            files=tuple((label, self.fingerprints[label]) for label in labels),
            rows=sum(scan.rows for scan in scans.values()),
            days=(min(first for first, _ in days), max(last for _, last in days)) if days else None,
            unknown_accounts=tuple(sorted({account for label in labels for account in unknown.get(label, ())})),
            deliveries=tuple((known, day, count) for (known, day), count in sorted(rows.items())),
            name=uuid4().hex,
        )

    def _deliveries(self, files: Sequence[str]) -> dict[str, list[Delivery]]:
        """The deliveries of accepted rows by file."""
        part = self.select_files(files)
        rows = f"SELECT s.filename AS file, {part.columns['day']} AS day, {part.columns['known_at']} AS known_at"
        deliveries: dict[str, list[Delivery]] = {}
        for file, *row in part.cursor.execute(
            f"SELECT file, {_DAYS}, count(*) FROM ({rows} FROM {part.remaining}) GROUP BY ALL"
        ).fetchall():
            deliveries.setdefault(file, []).append((row[0], row[1], row[2]))
        return deliveries

    def _unknown_accounts(self) -> dict[str, list[str]]:
        """By file label the ids that no account has."""
        unknown: dict[str, list[str]] = {}
        rule = quote_text(Rule.UNKNOWN_ACCOUNT)
        sql = f"SELECT DISTINCT label, value FROM {self.incoming.rejected} WHERE rule = {rule}"
        for label, account in self.incoming.cursor.execute(sql).fetchall():
            unknown.setdefault(label, []).append(account)
        return unknown

    def write(self, partitions: Sequence[Partition], state: Path) -> None:
        """Cache the results for the next night, except those with ids that are too long to be kept whole."""
        whole = [
            asdict(partition)
            for partition in partitions
            if all(len(account) < MAX_VALUE for account in partition.unknown_accounts)
        ]
        CachedResult(self.cached.key, {"partitions": whole}, read_rejected_rows(self.incoming), self.accounts).write(
            state
        )
