"""Validation: rows in = accepted + duplicates + quarantined, and only accepted rows are ever scored.

Each table is validated in three set-based steps: one scan counts rows that break a rule by themselves (nearly always
none, and then nothing is copied); one hash of each key finds keys that occur twice, whose rows are then compared
exactly; and the accepted rows become a view over the source's own file, or, where texts had to be parsed, a Parquet
file of their own. Bad rows go to quarantine with their place, column, rule and value.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import Self

import duckdb

from features.contract import PARENTS, TABLES
from features.errors import DataGateError
from features.history.history import History
from features.history.timestamp_outliers import find_timestamp_outliers
from features.progress import report_share
from features.quoting import quote_text
from features.source_table import SourceTable, explain_changed_files
from features.validation.duplicates import DUPLICATE
from features.validation.rules import Rule
from features.validation.table_validation import ValidatedTable, validate_table
from features.validation.tolerance import TOLERANCE, Tolerance
from features.validation.unknown_accounts import UnknownAccounts, describe_correction, find_unknown_accounts
from features.validation.validation_report import TableReport, ValidationReport
from features.validation.values.reading_rules import ReadingRules


@dataclass(frozen=True)
class FileCounts:
    """How many of a table's files were read, and how many were not, because their results are cached."""

    read: int
    cached: int = 0


@dataclass(frozen=True)
class Validation:
    """The accepted rows as a ``History``, the report on all rows, and by table how many files were read."""

    history: History
    report: ValidationReport
    files: Mapping[str, FileCounts] = field(default_factory=dict)

    def require_fit(self) -> Self:
        """The validation itself, where the data is fit for a night.

        Raises:
            DataGateError: a required table is missing or empty, or too much of a table is bad; nothing may be scored.
        """
        if self.report.problems:
            raise DataGateError(self.report.problems[0])
        return self

    @property
    def quarantine_queries(self) -> dict[str, str]:
        """By table with bad rows, the query of them: table, file, row, column, rule, value."""
        return {
            name: f'SELECT {quote_text(name)} AS "table", label AS file, "row", "column", rule, value '
            f"FROM rejected_{name} WHERE rule <> {quote_text(DUPLICATE)}"
            for name, table in self.report.tables.items()
            if table.quarantined
        }

    def write_quarantine(self, folder: Path) -> list[Path]:
        """Write every bad row to ``<table>.parquet``: table, file, row, column, rule, value."""
        queries = {folder / f"{name}.parquet": query for name, query in self.quarantine_queries.items()}
        if queries:
            folder.mkdir(parents=True, exist_ok=True)
        for path, query in queries.items():
            rows = f"{query} ORDER BY ALL"
            self.history.connection.cursor().execute(f"COPY ({rows}) TO {quote_text(str(path))} (FORMAT parquet)")
        return list(queries)


def validate_tables(
    connection: duckdb.DuckDBPyConnection,
    tables: Iterable[SourceTable],
    *,
    scratch: Path,
    state: Path | None = None,
    tolerance: Tolerance | float = TOLERANCE,
    reading: ReadingRules | None = None,
) -> Validation:
    """Validate a source's tables and open the history of their accepted rows.

    ``scratch`` is a folder for accepted rows that had to be parsed; it must outlive the history. ``state`` is a folder
    that outlives the night: results about files that do not change are cached there, and the files are not read again.
    What would stop a night is in the report's ``problems``; ``require_fit`` raises it.
    """
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    sources = {source.name: source for source in tables}
    on_cluster = any(source.view for source in sources.values())
    for parents, key in PARENTS.items():
        nobody = f"({key} VARCHAR)" if on_cluster else f"AS SELECT CAST(NULL AS VARCHAR) AS {key} WHERE false"
        connection.execute(f"CREATE OR REPLACE {'TABLE' if on_cluster else 'VIEW'} accepted_{parents} {nobody}")
    folder, limits = state or scratch / "state", Tolerance.of(tolerance)
    validated: dict[str, ValidatedTable] = {}
    sizes = {name: sum(Path(file).stat().st_size for file in source.files) for name, source in sources.items()}
    for name in (name for name in TABLES if name in sources):
        validated[name] = validate_table(
            connection,
            TABLES[name],
            sources[name],
            scratch,
            folder / name,
            reading=reading,
            parents_key=_parents_key(name, validated),
            keep=state is not None,
        )
        report_share(sum(sizes[done] for done in validated) / max(sum(sizes.values()), 1))
    with_unknown = [name for name, table in validated.items() if Rule.UNKNOWN_ACCOUNT in table.report.quarantined]
    with explain_changed_files():
        has_quarantined = not on_cluster and bool(validated.get("accounts") and validated["accounts"].columns)
        unknown = find_unknown_accounts(connection, with_unknown, has_quarantined=has_quarantined)
    reports = {name: _with_problem(table.report, limits, unknown) for name, table in validated.items()}
    history = _open_history(connection, validated, reports, state, scratch)
    report = ValidationReport(
        reports,
        missing=tuple(name for name in TABLES if name not in history.present and not TABLES[name].optional),
        problems=_problems(reports, history.present),
        timestamp_outliers=find_timestamp_outliers(history),
        unknown_accounts=unknown,
    )
    unread = {name: len(sources[name].files) - table.files_read for name, table in validated.items()}
    return Validation(history, report, {name: FileCounts(validated[name].files_read, unread[name]) for name in unread})


def _open_history(
    connection: duckdb.DuckDBPyConnection,
    validated: Mapping[str, ValidatedTable],
    reports: Mapping[str, TableReport],
    state: Path | None,
    scratch: Path,
) -> History:
    present = frozenset(name for name, report in reports.items() if report.accepted)
    return History.from_relations(
        connection,
        present=present,
        columns={name: table.columns for name, table in validated.items()},
        usage=validated["usage_daily"].partitions if "usage_daily" in present else None,
        repeated_keys={name: table.repeated_keys for name, table in validated.items() if table.repeated_keys},
        state=state,
        row_keys={name: table.key for name, table in validated.items()},
        row_parts={name: table.parts for name, table in validated.items() if table.parts},
        scratch=scratch,
    )


def _parents_key(name: str, validated: Mapping[str, ValidatedTable]) -> str | None:
    """The key of the table that a table's rows belong to; empty where the source has none, and no row has a parent."""
    parent = TABLES[name].parent
    return validated[parent.table].key if parent and parent.table in validated else ""


def _with_problem(report: TableReport, limits: Tolerance, unknown: UnknownAccounts) -> TableReport:
    """The report with its problem, where more of the rows are in quarantine than the limits allow."""
    if report.problem:
        return report
    own = {rule: limits.of_rule(report.name, rule) for rule in report.quarantined}
    near = unknown.near_rows.get(report.name, 0)  # ids that are only written differently are no purged accounts
    shared = {rule: count for rule, count in report.quarantined.items() if own[rule] is None}
    if near and f"{report.name}.{Rule.UNKNOWN_ACCOUNT}" not in limits.limits:
        shared[Rule.UNKNOWN_ACCOUNT] = near
    table_limit = limits.of_table(report.name)
    if sum(shared.values()) > table_limit * report.rows:
        correction = describe_correction(report.name, unknown) if 2 * near > sum(shared.values()) else ""
        return replace(report, problem=_describe_problem(report, shared, table_limit, report.name, correction))
    for rule, count in report.quarantined.items():
        limit = own[rule]
        if limit is not None and count > limit * report.rows:
            return replace(report, problem=_describe_problem(report, {rule: count}, limit, f"{report.name}.{rule}"))
    return report


def _describe_problem(
    report: TableReport, bad: Mapping[Rule, int], limit: float, key: str, correction: str = ""
) -> str:
    """The sentence of a table with too many bad rows; ``correction`` is what to do, where that is known."""
    if bad.get(Rule.UNKNOWN_ACCOUNT) == report.rows:
        example = next(row for row in report.examples if row.rule is Rule.UNKNOWN_ACCOUNT)
        return (
            f"{report.source}: no row has the id of an account (row {example.row}: {example.shown}). If its companies "
            "are those of another system, match them with the accounts: a named source with `match_by` "
            "([sources.NAME] in rescue.toml), or a table `links` with their ids."
        )
    worst = max(bad, key=bad.__getitem__)
    count = sum(bad.values())
    share = count / report.rows
    example = next(row for row in report.examples if row.rule is worst)
    setting = f'"{key}"' if "." in key else key
    accept = (
        "Correct the export, or accept this share in rescue.toml: "
        f"[tolerance] {setting} = {min(1.0, ceil(share * 100) / 100):g}."
    )
    return (
        f"{report.source}: {count:,} of {report.rows:,} rows ({share:.1%}) break the contract, more than {limit:.0%}; "
        f"most often {worst.sentence} ({example.place}, {example.column or 'the line'}: {example.shown}). "
        f"{correction or accept}"
    )


def _problems(reports: Mapping[str, TableReport], present: frozenset[str]) -> tuple[str, ...]:
    """The sentences that stop a night, causes before their consequences."""
    if "accounts" not in reports:
        return ("The source has no accounts table, without which nothing can be scored.",)
    accounts = reports["accounts"]
    if not accounts.rows:
        return (f"{accounts.source} is empty: without accounts nothing can be scored.",)
    if accounts.problem:
        return (accounts.problem,)
    if "ticket_events" in reports and "tickets" not in reports:
        return (f"{reports['ticket_events'].source} cannot be used without tickets, which link them to accounts.",)
    problems = tuple(report.problem for report in reports.values() if report.problem)
    if problems or present - {"accounts"}:
        return problems
    return ("The source has accounts and nothing else: at least one other table with rows is needed.",)
