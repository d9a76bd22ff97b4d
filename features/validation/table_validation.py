"""Validation of one table: a scan, the rows it rejects, duplicates, and the view that the history reads.

``rejected_<table>`` holds every row that is not accepted, by its place (file and row number); the accepted rows are
all others. It has rows only where something is wrong, so the usual table is a view over its own file and nothing more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from features.contract import ACCOUNTS, PARENTS, Table
from features.history.cache_files import cache_key
from features.history.partitions import ValidatedPartitions
from features.history.repeated_keys import RepeatedKeys
from features.history.row_parts import RowParts
from features.history.versions import EPOCH
from features.quoting import quote_text
from features.source_table import SourceTable, explain_read_errors
from features.validation.accepted_rows import AcceptedRows, described_rows
from features.validation.by_file.kept_file import KeptFile, KeptTable, hash_table, read_hashes
from features.validation.by_file.validate_files import (
    can_validate_files,
    repeated_with,
    row_parts,
    validate_files,
)
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
from features.validation.quarantined_rows import find_quarantined_accounts, with_keys
from features.validation.reopened_tickets import (
    find_reopening,
    has_working_events,
    read_reopening,
    restore_reopening,
    select_accepted,
)
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
class ValidatedTable:
    """A table after validation: its report, and the contract's columns that the source has for it.

    ``files_read`` is how many files were read to validate it. ``partitions`` are those of usage in several files;
    ``repeated_keys`` are the keys that occur more than once. ``key`` changes whenever its accepted rows may have
    changed; ``None`` where there is no such key. ``parts`` are its rows by file, where that is known.
    """

    report: TableReport
    files_read: int
    columns: frozenset[str] = frozenset()
    partitions: ValidatedPartitions | None = None
    repeated_keys: RepeatedKeys | None = None
    key: str | None = None
    parts: RowParts | None = None


def validate_table(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    source: SourceTable,
    scratch: Path,
    state: Path,
    *,
    reading: ReadingRules | None = None,
    parents_key: str | None = "",
    keep: bool = True,
) -> ValidatedTable:
    """Validate every row of ``source`` and create the view of the accepted ones under the table's name.

    Results about files that have not changed are cached in the folder ``state``, and their rows are not read.
    ``reading`` says what values mean; ``parents_key`` is the key of the table that its rows belong to. ``keep`` is
    whether a later night will find the folder again.

    Raises:
        DataGateError: a file cannot be read; the sentence names it.
    """
    rules = reading or ReadingRules()
    with explain_read_errors(source.label):
        try:
            return _validate(connection, table, source, scratch, state, rules, parents_key, keep=keep)
        except duckdb.InvalidInputException as error:
            if SYMPTOM not in str(error):
                raise
            as_bytes = with_texts_as_bytes(source, scratch / "bytes")
            return _validate(connection, table, as_bytes, scratch, state, rules, parents_key, keep=keep)


def _validate(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    source: SourceTable,
    scratch: Path,
    state: Path,
    reading: ReadingRules,
    parents_key: str | None,
    *,
    keep: bool,
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
    outcome = _judge_rows(incoming, report.rows, state, parents_key, keep=keep)
    incoming, reopens, files = outcome.incoming, outcome.reopens, outcome.files
    _create_view(incoming, scratch, reopens=reopens)
    report = _with_counts(incoming, report, outcome.accepted)
    if table.name == ACCOUNTS.name:
        find_quarantined_accounts(incoming)
    parts = row_parts(incoming, files) if files else None
    return ValidatedTable(report, outcome.files_read, frozenset(types), None, outcome.repeated, outcome.key, parts)


def _missing_columns(table: Table, report: TableReport) -> str:
    names = ", ".join(name for name in report.missing_columns if name in table.required)
    has = f" (it has {', '.join(report.unknown_columns)})" if report.unknown_columns else ""
    return f"{report.source} lacks the required column {names}{has}: rename it, or map the table."


def _table_key(incoming: IncomingTable, parents_key: str | None) -> str | None:
    """A text that changes with everything that the result depends on; ``None`` where that is not known.

    This is the result of the whole table, which is used while no file and no parent has changed.
    """
    source = incoming.source
    if parents_key is None or source.unreadable_lines or not all(file in source.fingerprints for file in source.files):
        return None
    if not source.files:  # a cluster has the rows, and only it knows whether they have changed
        return None
    files = [(source.labels[file], source.fingerprints[file]) for file in source.files]
    return result_key(incoming, parents_key, files)


@dataclass(frozen=True)
class _Outcome:
    """What is decided of a table's rows: how they are read, and which are accepted.

    ``files`` are those of a table that is validated by file, ``key`` identifies the accepted rows.
    """

    incoming: IncomingTable
    repeated: RepeatedKeys | None
    accepted: AcceptedRows
    reopens: bool
    files_read: int
    key: str | None
    files: Mapping[str, KeptFile] | None = None


def _judge_rows(incoming: IncomingTable, count: int, state: Path, parents_key: str | None, *, keep: bool) -> _Outcome:
    """Fill ``rejected_<table>``: from a result of the same files, by files, or by reading all rows."""
    key = _table_key(incoming, parents_key)
    last = CachedResult.read_last(state)
    if last and key and last.key == key:
        return _reuse(incoming, last, key)
    if keep and can_validate_files(incoming):
        return _validate_by_file(incoming, state, key, parents_key, last)
    incoming = replace(incoming, replacements=find_replacements(incoming))
    repeated = _reject(incoming, count)
    accepted = _accepted_rows(incoming)
    reopens = has_working_events(incoming) and find_reopening(incoming)
    # Some rows are of another kind now, and so have another key; on a cluster no key is known here.
    known = None if reopens or incoming.source.view else repeated
    outcome = _Outcome(incoming, known, accepted, reopens, len(incoming.source.files), key)
    if key:
        tables = [read_reopening(incoming) if reopens else pa.table({})]
        rejected, hashes = read_rejected_rows(incoming), hash_table(repeated.hashes)
        CachedResult(key, _values(outcome, count, parents_key), rejected, hashes, tables).write(state)
    return outcome


def _validate_by_file(
    incoming: IncomingTable, state: Path, key: str | None, parents_key: str | None, last: CachedResult | None
) -> _Outcome:
    """Read only what the files that are new or gone concern, or the parents that are."""
    rules = result_key(incoming)
    kept = KeptTable.of_result(last, rules)
    same_parents = bool(kept and last and parents_key is not None and last.values["parents"] == parents_key)
    result = validate_files(incoming, state, rules, kept, same_parents=same_parents)
    outcome = _Outcome(
        result.incoming,
        result.repeated_keys,
        result.accepted,
        result.reopening is not None,
        result.files_read,
        _rows_key(result.files),
        result.files,
    )
    result.kept().to_result(key or "", rules, _values(outcome, result.rows, parents_key)).write(state)
    return outcome


def _rows_key(files: Mapping[str, KeptFile]) -> str:
    """A text that changes whenever the accepted rows of any file may have changed."""
    return cache_key(sorted(file.rows_key for file in files.values()))


def _values(outcome: _Outcome, rows: int, parents_key: str | None) -> dict[str, Any]:
    """The outcome as plain JSON values; ``rows`` is the number of all rows."""
    return {
        "parents": parents_key,
        "rows": rows,
        "accepted": outcome.accepted.as_json(),
        "replacements": outcome.incoming.replacements,
    }


def _reuse(incoming: IncomingTable, cached: CachedResult, key: str) -> _Outcome:
    """Fill ``rejected_<table>`` from the cached result of the same files."""
    values = cached.values
    incoming = replace(incoming, replacements=values["replacements"])
    reject_cached_rows(incoming, cached.rejected)
    label_rejected_rows(incoming)
    files = {label: KeptFile.from_json(file) for label, file in values.get("files", {}).items()}
    reopening = cached.further[0] if cached.further[0].num_columns else None
    reopens = reopening is not None and restore_reopening(incoming, reopening)
    return _Outcome(
        incoming,
        None if reopens and not files else repeated_with(read_hashes(cached.keys), values["rows"], reopening),
        AcceptedRows.from_json(values["accepted"]),
        reopens,
        0,
        _rows_key(files) if files else key,
        files,
    )


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
    """Create the table's view: over the source's file, or over a file of the rows whose texts had to be parsed."""
    name, accepted = incoming.table.name, select_accepted(incoming, reopens=reopens)
    parsing = any(needs_parsing(incoming.table.column(column), kind) for column, kind in incoming.types.items())
    if parsing and not incoming.source.view:
        scratch.mkdir(parents=True, exist_ok=True)
        file = quote_text(str(scratch / f"{name}.parquet"))
        incoming.cursor.execute(f"COPY ({accepted}) TO {file} (FORMAT parquet)")
        accepted = f"SELECT * FROM read_parquet({file})"
    incoming.cursor.execute(f"CREATE OR REPLACE VIEW {name} AS {accepted}")
    if name in PARENTS:
        ids = f"SELECT DISTINCT {PARENTS[name]} FROM {name}"
        kind = "TABLE" if incoming.source.view else "VIEW"  # most nights ask for none of them; a cluster asks again
        incoming.cursor.execute(f"CREATE OR REPLACE {kind} accepted_{name} AS {ids}")


def _accepted_rows(incoming: IncomingTable) -> AcceptedRows:
    rows = f"SELECT {described_rows(incoming)} FROM {incoming.remaining}"
    (row,) = incoming.cursor.execute(rows).fetchall()
    return AcceptedRows.of_row(incoming.table, row)


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
        examples=_examples(incoming, report.rows),
        first=accepted.first,
        last=accepted.last,
    )


def _examples(incoming: IncomingTable, count: int) -> tuple[QuarantinedRow, ...]:
    rows = incoming.cursor.execute(
        f'SELECT file, label, "row", "column", rule, value FROM {incoming.rejected} '
        f"WHERE rule <> {quote_text(DUPLICATE)} "
        f'QUALIFY row_number() OVER (PARTITION BY rule ORDER BY label, "row") <= {EXAMPLES} ORDER BY rule, label, "row"'
    ).fetchall()
    examples = [QuarantinedRow(label, row, column, Rule(rule), value) for _, label, row, column, rule, value in rows]
    return with_keys(incoming, [row[0] for row in rows], examples, count)
