"""Admission: rows in = accepted + exact repeats + quarantined, and only accepted rows are ever scored.

Each table is judged in three strokes, all set-based: one scan counts rows that break a rule by themselves (nearly
always none, and then nothing is copied); one grouped hash finds keys that come twice, which are then compared exactly;
and the accepted rows become a view over the source's own file, or, where texts had to be parsed, a Parquet file of
their own. Bad rows are kept with their place, column, rule and value.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import duckdb

from features.contract import TABLES
from features.errors import DataGateError
from features.history.history import History
from features.history.timestamp_outliers import astray
from features.source_table import RawTable, quoted
from features.validation.duplicates import REPEAT
from features.validation.incoming_table import ACCOUNTS, PARENT
from features.validation.latest_allowed import reach
from features.validation.table_validation import Examined, examine
from features.validation.validation_report import AdmissionReport, TableReport

TOLERANCE = 0.05
"""The share of one table that may be in quarantine before the night stops."""


@dataclass(frozen=True)
class FilesRead:
    """Of a table's files, how many were read, and how many were not, because what was found in them was kept."""

    read: int
    kept: int = 0


@dataclass(frozen=True)
class Admission:
    """The accepted rows as a ``History``, the account of the others, and by table how many files were read for it."""

    history: History
    report: AdmissionReport
    files: Mapping[str, FilesRead] = field(default_factory=dict)

    def fit(self) -> Self:
        """Itself, where the data is fit for a night.

        Raises:
            DataGateError: a required table is missing or empty, or too much of a table is bad; nothing may be scored.
        """
        if self.report.problems:
            raise DataGateError(self.report.problems[0])
        return self

    def write_quarantine(self, folder: Path) -> list[Path]:
        """Keep every bad row as ``<table>.parquet``: table, file, row, column, rule, value."""
        bad = [table for table in self.report.tables.values() if table.quarantined]
        if bad:
            folder.mkdir(parents=True, exist_ok=True)
        return [self._write(table.name, folder / f"{table.name}.parquet") for table in bad]

    def _write(self, name: str, path: Path) -> Path:
        rows = (
            f'SELECT {quoted(name)} AS "table", label AS file, "row", "column", rule, value '
            f"FROM rejected_{name} WHERE rule <> {quoted(REPEAT)} ORDER BY ALL"
        )
        self.history.connection.cursor().execute(f"COPY ({rows}) TO {quoted(str(path))} (FORMAT parquet)")
        return path


def examine_all(
    connection: duckdb.DuckDBPyConnection,
    tables: Iterable[RawTable],
    *,
    scratch: Path,
    state: Path | None = None,
    tolerance: float = TOLERANCE,
) -> Admission:
    """Judge a source's tables and open the history of what they hold.

    ``scratch`` is a folder for accepted rows that had to be parsed; it must outlive the history. ``state`` is one that
    outlives the night: what was found in files that do not change is kept there, and they are not read again. What
    would stop a night is told in the report's ``problems``; ``fit`` raises it.
    """
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    for parents, key in (("accounts", "account_id"), ("tickets", "ticket_id")):
        connection.execute(f"CREATE OR REPLACE TABLE admitted_{parents} ({key} VARCHAR)")
    given = {raw.name: raw for raw in tables}
    folder, last = state or scratch / "state", reach(connection, given)
    examined: dict[str, Examined] = {}
    for name in (name for name in TABLES if name in given):
        above, place = _key_of_parents(name, examined), folder / name
        examined[name] = examine(connection, TABLES[name], given[name], scratch, place, reach=last, parents=above)
    reports = {name: _gated(table.report, tolerance) for name, table in examined.items()}
    present = frozenset(name for name, report in reports.items() if report.accepted)
    columns = {name: table.columns for name, table in examined.items()}
    usage = examined["usage_daily"].stretches if "usage_daily" in present else None
    repeats = {name: table.repeats for name, table in examined.items() if table.repeats}
    history = History.over(connection, present=present, columns=columns, usage=usage, repeats=repeats)
    missing = tuple(name for name in TABLES if name not in present)
    files = {name: FilesRead(table.read, len(given[name].files) - table.read) for name, table in examined.items()}
    strays = tuple(found.sentence for found in astray(history))
    report = AdmissionReport(reports, missing, problems=_problems(reports, present), astray=strays)
    return Admission(history, report, files)


def _key_of_parents(name: str, examined: Mapping[str, Examined]) -> str | None:
    """The key of the table that a table's rows belong to; where there is none, all of its rows are orphans."""
    parent = PARENT.get(name, ACCOUNTS)
    return examined[parent[0]].key if parent and parent[0] in examined else ""


def _gated(report: TableReport, tolerance: float) -> TableReport:
    """The report with its problem, where more than ``tolerance`` of the rows are in quarantine."""
    bad = sum(report.quarantined.values())
    if report.problem or bad <= tolerance * report.rows:
        return report
    worst = next(iter(report.quarantined))
    example = next(row for row in report.examples if row.rule is worst)
    problem = (
        f"{report.source}: {bad:,} of {report.rows:,} rows ({bad / report.rows:.1%}) break the contract, more than "
        f"{tolerance:.0%}; most often {worst.sentence} (row {example.row}, {example.column or 'the line'}: "
        f"{example.shown})."
    )
    return replace(report, problem=problem)


def _problems(reports: Mapping[str, TableReport], present: frozenset[str]) -> tuple[str, ...]:
    """What stops a night, the cause before what follows from it."""
    if "accounts" not in reports:
        return ("The source has no accounts table, without which nothing can be scored.",)
    accounts = reports["accounts"]
    if not accounts.rows:
        return (f"{accounts.source} is empty: without accounts nothing can be scored.",)
    if accounts.problem:
        return (accounts.problem,)
    if "ticket_events" in reports and "tickets" not in reports:
        return (f"{reports['ticket_events'].source} cannot be used without tickets, which say whose they are.",)
    found = tuple(report.problem for report in reports.values() if report.problem)
    if found or present - {"accounts"}:
        return found
    return ("The source has accounts and nothing else: at least one other table with rows is needed.",)
