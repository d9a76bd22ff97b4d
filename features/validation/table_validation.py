"""Validation of one table: a scan, the rows it rejects, duplicates, and the view that the history reads.

``rejected_<table>`` holds every row that is not accepted, by its place (file and row number); the accepted rows are
all others. It has rows only where something is wrong, so the usual table is a view over its own file and nothing more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from features.arrow import number_array, to_numpy
from features.contract import PARENTS, Table
from features.history.partitions import ValidatedPartitions
from features.history.repeated_keys import RepeatedKeys
from features.history.versions import EPOCH
from features.quoting import quote_text
from features.source_table import SourceTable, explain_read_errors
from features.validation.duplicates import DUPLICATE, reject_duplicates
from features.validation.incoming_table import (
    IncomingTable,
    bad_rows_query,
    breaks_any,
    create_rejected_table,
    label_rejected_rows,
    read_rejected_rows,
    reject_cached_rows,
    tests_with_parents,
)
from features.validation.partitioned_usage import is_partitioned, validate_partitions
from features.validation.reopened_tickets import find_reopening, reopened_kind, with_reopening
from features.validation.result_cache import CachedResult, result_key
from features.validation.rules import Rule
from features.validation.validation_report import QuarantinedRow, TableReport
from features.validation.value_replacements import find_replacements
from features.validation.values.column_types import needs_parsing
from features.validation.values.invalid_text import SYMPTOM, with_texts_as_bytes
from features.validation.values.reading_rules import ReadingRules

EXAMPLES = 3
"""Bad rows shown by rule."""


@dataclass(frozen=True)
class AcceptedRows:
    """The first and last day of the accepted rows, and their number.

    ``empty`` is how many have no value, by column in which that has a meaning.
    """

    first: date | None
    last: date | None
    count: int
    empty: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ValidatedTable:
    """A table after validation: its report, and the contract's columns that the source has for it.

    ``files_read`` is how many files were read to validate it. ``partitions`` are those of usage in several files;
    ``repeated_keys`` are the keys that occur more than once. ``key`` changes whenever its accepted rows may have
    changed; ``None`` where there is no such key.
    """

    report: TableReport
    files_read: int
    columns: frozenset[str] = frozenset()
    partitions: ValidatedPartitions | None = None
    repeated_keys: RepeatedKeys | None = None
    key: str | None = None


def validate_table(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    source: SourceTable,
    scratch: Path,
    state: Path,
    *,
    reading: ReadingRules | None = None,
    parents_key: str | None = "",
) -> ValidatedTable:
    """Validate every row of ``source`` and create the view of the accepted ones under the table's name.

    Results about files that have not changed are cached in the folder ``state``, and their rows are not read.
    ``reading`` says what values mean; ``parents_key`` is the key of the table that its rows belong to.

    Raises:
        DataGateError: a file cannot be read; the sentence names it.
    """
    rules = reading or ReadingRules()
    with explain_read_errors(source.label):
        try:
            return _validate(connection, table, source, scratch, state, rules, parents_key)
        except duckdb.InvalidInputException as error:
            if SYMPTOM not in str(error):
                raise
            as_bytes = with_texts_as_bytes(source, scratch / "bytes")
            return _validate(connection, table, as_bytes, scratch, state, rules, parents_key)


def _validate(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    source: SourceTable,
    scratch: Path,
    state: Path,
    reading: ReadingRules,
    parents_key: str | None,
) -> ValidatedTable:
    source_types = source.types(connection)
    types = {name.lower(): kind for name, kind in source_types.items() if name.lower() in table.names}
    incoming = IncomingTable(connection.cursor(), table, source, types, reading)
    report = TableReport(
        table.name,
        source.label,
        rows=incoming.number(f"SELECT count(*) FROM {source.relation}") + len(source.unreadable_lines),
        unknown_columns=tuple(name for name in source_types if name.lower() not in table.names),
        missing_columns=tuple(name for name in table.names if name not in types),
    )
    if set(report.missing_columns) & set(table.required):
        return ValidatedTable(replace(report, problem=_missing_columns(table, report)), len(source.files))
    create_rejected_table(incoming)
    partitions = validate_partitions(incoming, state) if is_partitioned(incoming) else None
    if partitions:
        _create_view(incoming, scratch)
        report = _with_counts(incoming, report, _accepted_in(incoming, report, partitions))
        return ValidatedTable(report, partitions.files_read, frozenset(types), partitions)
    key = _table_key(incoming, parents_key)
    cached = CachedResult.read(state, key) if key else None
    replacements = cached.values["replacements"] if cached else find_replacements(incoming)
    incoming = replace(incoming, replacements=replacements)
    repeated, accepted = _reuse(incoming, cached) if cached else _compute(incoming, report.rows)
    reopens = bool(not cached or cached.values["reopens"]) and find_reopening(incoming)
    if key and not cached:
        _cache_result(incoming, key, repeated, accepted, reopens=reopens).write(state)
    _create_view(incoming, scratch, reopens=reopens)
    files_read = 0 if cached else len(source.files)
    report = _with_counts(incoming, report, accepted)
    # Some rows are of another kind now, and so have another key; on a cluster no key is known here.
    repeated_keys = None if reopens or source.view else repeated
    return ValidatedTable(report, files_read, frozenset(types), repeated_keys=repeated_keys, key=key)


def _missing_columns(table: Table, report: TableReport) -> str:
    names = ", ".join(name for name in report.missing_columns if name in table.required)
    has = f" (it has {', '.join(report.unknown_columns)})" if report.unknown_columns else ""
    return f"{report.source} lacks the required column {names}{has}: rename it, or map the table."


def _table_key(incoming: IncomingTable, parents_key: str | None) -> str | None:
    """A text that changes with everything that the result depends on; ``None`` where a file has no fingerprint.

    A row of any table but usage may have its duplicate in any file, so the whole table has one result.
    """
    source = incoming.source
    if parents_key is None or source.unreadable_lines or not all(file in source.fingerprints for file in source.files):
        return None
    files = [(source.labels[file], source.fingerprints[file]) for file in source.files]
    return result_key(incoming, parents_key, files)


def _compute(incoming: IncomingTable, rows: int) -> tuple[RepeatedKeys, AcceptedRows]:
    """Fill ``rejected_<table>`` by reading the rows."""
    repeated = _reject(incoming, rows)
    return repeated, _accepted_rows(incoming)


def _cache_result(
    incoming: IncomingTable, key: str, repeated: RepeatedKeys, accepted: AcceptedRows, *, reopens: bool
) -> CachedResult:
    values = {
        "rows": repeated.rows,
        "span": [day and day.isoformat() for day in (accepted.first, accepted.last)],
        "accepted": accepted.count,
        "empty": accepted.empty,
        "replacements": incoming.replacements,
        "reopens": reopens,
    }
    hashes = pa.table({"key": number_array(repeated.hashes)})
    return CachedResult(key, values, read_rejected_rows(incoming), hashes)


def _reuse(incoming: IncomingTable, cached: CachedResult) -> tuple[RepeatedKeys, AcceptedRows]:
    """Fill ``rejected_<table>`` from the cached result."""
    reject_cached_rows(incoming, cached.rejected)
    label_rejected_rows(incoming)
    values = cached.values
    first, last = (date.fromisoformat(day) if day else None for day in values["span"])
    hashes = to_numpy(cached.keys["key"]).astype(np.uint64, copy=False)
    return RepeatedKeys(hashes, values["rows"]), AcceptedRows(first, last, values["accepted"], values["empty"])


def _reject(incoming: IncomingTable, count: int) -> RepeatedKeys:
    """Fill ``rejected_<table>``: unreadable lines, rows that break a rule by themselves, then duplicates."""
    lines = [
        [line.file, None, line.line, line.column, str(Rule.TYPE if line.column else Rule.UNREADABLE), line.text]
        for line in incoming.source.unreadable_lines
    ]
    if lines:
        incoming.cursor.executemany(f"INSERT INTO {incoming.rejected} VALUES (?, ?, ?, ?, ?, ?)", lines)
    tests, relation = tests_with_parents(incoming)
    if incoming.number(f"SELECT count_if({breaks_any(tests)}) FROM {relation}"):
        incoming.cursor.execute(f"INSERT INTO {incoming.rejected} {bad_rows_query(tests, relation)}")
    repeated = reject_duplicates(incoming, count)
    label_rejected_rows(incoming)
    return repeated


def _create_view(incoming: IncomingTable, scratch: Path, *, reopens: bool = False) -> None:
    """Create the table's view: over the source's file, or over a file of the rows whose texts had to be parsed.

    The same where some events reopen their ticket: which ones, the table ``REOPENING`` says.
    """
    name, rows = incoming.table.name, incoming.remaining
    if reopens:
        kind = reopened_kind(incoming.columns["kind"])
        incoming, rows = replace(incoming, replacements={**incoming.replacements, "kind": kind}), with_reopening(rows)
    accepted = f"SELECT {incoming.select} FROM {rows}"
    parsing = any(needs_parsing(incoming.table.column(column), kind) for column, kind in incoming.types.items())
    if (reopens or parsing) and not incoming.source.view:
        scratch.mkdir(parents=True, exist_ok=True)
        file = quote_text(str(scratch / f"{name}.parquet"))
        incoming.cursor.execute(f"COPY ({accepted}) TO {file} (FORMAT parquet)")
        accepted = f"SELECT * FROM read_parquet({file})"
    incoming.cursor.execute(f"CREATE OR REPLACE VIEW {name} AS {accepted}")
    if name in PARENTS:
        ids = f"SELECT DISTINCT {PARENTS[name]} FROM {name}"
        incoming.cursor.execute(f"CREATE OR REPLACE TABLE accepted_{name} AS {ids}")


def _accepted_rows(incoming: IncomingTable) -> AcceptedRows:
    columns, table = incoming.columns, incoming.table
    event = columns[table.event_time] if table.event_time else "NULL"
    empty = [column.name for column in table.columns if column.empty_means]
    counts = "".join(f", count(*) - count({columns[name]})" for name in empty)
    span = f"SELECT CAST(min({event}) AS DATE), CAST(max({event}) AS DATE), count(*){counts} FROM {incoming.remaining}"
    ((first, last, count, *missing),) = incoming.cursor.execute(span).fetchall()
    return AcceptedRows(first, last, count, dict(zip(empty, missing, strict=True)))


def _accepted_in(incoming: IncomingTable, report: TableReport, partitions: ValidatedPartitions) -> AcceptedRows:
    count = report.rows - incoming.number(f"SELECT count(*) FROM {incoming.rejected}")
    if partitions.days is None:
        return AcceptedRows(None, None, count)
    first, last = (EPOCH + timedelta(days=day) for day in partitions.days)
    return AcceptedRows(first, last, count)


def _with_counts(incoming: IncomingTable, report: TableReport, accepted: AcceptedRows) -> TableReport:
    rules = f"SELECT rule, count(*) AS n FROM {incoming.rejected} GROUP BY rule ORDER BY n DESC, rule"
    counts = {str(rule): int(count) for rule, count in incoming.cursor.execute(rules).fetchall()}
    duplicates = counts.pop(DUPLICATE, 0)
    empty = dict(accepted.empty)
    account = incoming.table.parent.column if incoming.table.parent else ""
    return replace(
        report,
        accepted=accepted.count,
        duplicates=duplicates,
        unassigned=empty.pop(account, 0),
        not_measured=sum(empty.values()),
        quarantined={Rule(rule): count for rule, count in counts.items()},
        examples=_examples(incoming),
        first=accepted.first,
        last=accepted.last,
    )


def _examples(incoming: IncomingTable) -> tuple[QuarantinedRow, ...]:
    rows = incoming.cursor.execute(
        f'SELECT label, "row", "column", rule, value FROM {incoming.rejected} WHERE rule <> {quote_text(DUPLICATE)} '
        f'QUALIFY row_number() OVER (PARTITION BY rule ORDER BY label, "row") <= {EXAMPLES} ORDER BY rule, label, "row"'
    ).fetchall()
    return tuple(QuarantinedRow(file, row, column, Rule(rule), value) for file, row, column, rule, value in rows)
