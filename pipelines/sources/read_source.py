"""From a source to a validated history: one DuckDB with limits, in which the source's tables are validated.

A table that cannot be read does not keep the others from being validated: ``rescue check`` reports every problem at
once. A night stops at the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import duckdb

from features.contract import TABLES, TICKET_EVENTS, TICKETS
from features.duckdb_connection import open_duckdb
from features.errors import DataGateError
from features.source_table import SourceTable
from features.validation.tolerance import TOLERANCE, Tolerance
from features.validation.validate import Validation, validate_tables
from features.validation.validation_report import ValidationReport
from features.validation.values.reading_rules import ReadingRules
from pipelines.disk_use import DiskNeed, check_disk
from pipelines.sources.base import Source, stage_for_cluster
from pipelines.sources.table_names import required_columns, suggest_table

if TYPE_CHECKING:
    from features.engine.spark.spark_engine import SparkEngine


def connect_duckdb(scratch: Path, memory: str = "4GiB", threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory that spills under ``scratch`` and no further than its bounds."""
    return open_duckdb(files=None, scratch=scratch / "spill", memory=memory, threads=threads)


PROPOSE = "let `rescue init SOURCE` propose a mapping (docs/sources.md)"
"""What to do with a source of other names."""


@dataclass(frozen=True)
class StagedTables:
    """The tables that could be read, and the message of each that could not, by its name."""

    tables: list[SourceTable]
    failures: dict[str, str]


def validate_rows(
    source: Source,
    scratch: Path,
    *,
    state: Path | None = None,
    memory: str = "4GiB",
    threads: int | None = None,
    tolerance: Tolerance | float = TOLERANCE,
    reading: ReadingRules | None = None,
    cluster: SparkEngine | None = None,
    training: bool = False,
) -> Validation:
    """Read a source and validate its rows; ``scratch`` must outlive the history and may be deleted with it.

    ``state`` is a folder that outlives the night; it caches the validation results of files that do not change. What
    would stop a night, a file that cannot be read included, is in the report; ``require_fit`` raises it. A ``cluster``
    reads the files itself, and its rows stay there. A ``training`` needs another amount of disk than a night.

    Raises:
        DataGateError: a file turns out to be damaged while its rows are validated, or a cluster cannot validate it by
            the same rules.
    """
    names = source.tables()
    known = [name for name in names if name in TABLES]
    unknown = {name: suggest_table(name) for name in names if name not in TABLES}
    on_cluster = cluster.open() if cluster else None  # it has what validation uses of DuckDB's connection
    connection = cast("duckdb.DuckDBPyConnection", on_cluster) or connect_duckdb(scratch, memory, threads)

    def stage(some: Sequence[str], folder: Path) -> list[SourceTable]:
        if cluster is None or on_cluster is None:
            return source.stage(some, folder)
        return [cluster.read_table(on_cluster, table) for table in stage_for_cluster(source, some, folder)]

    staged = stage_readable(stage, known, scratch / "source")
    tables, unread = _without_ticket_events(staged.tables, names)
    if cluster is not None:
        state = None  # only the cluster knows what has changed in its tables
    elif state is not None:
        need = DiskNeed.of_tables(tables, memory, state, training=training)
        state = state if check_disk(need, state.parent, scratch) else None
    folder = scratch / "accepted"
    validation = validate_tables(connection, tables, scratch=folder, state=state, tolerance=tolerance, reading=reading)
    if cluster:
        cluster.forget(validation.history)
    report = replace(
        validation.report,
        unknown=unknown,
        unread_files=(*unread, *((file.file, file.reason) for file in source.unread_files())),
        file_notes=tuple(dict.fromkeys(note for table in tables for note in table.notes)),
    )
    return replace(validation, report=_with_problems(report, staged.failures))


def stage_readable(
    stage: Callable[[Sequence[str], Path], list[SourceTable]], names: Sequence[str], scratch: Path
) -> StagedTables:
    """These tables of a source; each one that cannot be read is left out with its message."""
    try:
        return StagedTables(stage(names, scratch), {})
    except DataGateError as error:
        if len(names) == 1:
            return StagedTables([], {names[0]: str(error)})
    staged = [stage_readable(stage, [name], scratch / str(place)) for place, name in enumerate(names)]
    tables = [table for part in staged for table in part.tables]
    return StagedTables(tables, {name: text for part in staged for name, text in part.failures.items()})


def _without_ticket_events(
    tables: list[SourceTable], names: Sequence[str]
) -> tuple[list[SourceTable], list[tuple[str, str]]]:
    """Events of tickets cannot be used without tickets, which link them to accounts: they are a missing source, too."""
    if TICKETS.name in names:
        return tables, []
    events = [table for table in tables if table.name == TICKET_EVENTS.name]
    reason = f"the source has no {TICKETS.name}, which link {TICKET_EVENTS.name} to accounts"
    return [table for table in tables if table not in events], [(table.label, reason) for table in events]


def _with_problems(report: ValidationReport, failures: dict[str, str]) -> ValidationReport:
    """The report with the files that cannot be read, before what follows from that."""
    rest = report.problems
    if "accounts" in failures or (failures and not report.tables.keys() - {"accounts"}):
        rest = ()  # "there is no accounts table" is no cause but a consequence
    elif "accounts" not in report.tables and rest:
        rest = (f"{rest[0]} {_suggest_accounts(report)}", *rest[1:])
    return replace(report, problems=(*failures.values(), *rest), unread_tables=tuple(failures))


def _suggest_accounts(report: ValidationReport) -> str:
    """What to do without accounts: the table that they probably are, and the columns that it needs."""
    near = [name for name, table in report.unknown.items() if table == "accounts"]
    needs = f"accounts needs {required_columns('accounts')}"
    if near:
        return f"Are these the accounts: {near[0]}? Rename the file to accounts, or {PROPOSE}. {needs}."
    has = ", ".join([*report.tables, *report.unknown])
    return f"It has {has}. {needs}. If its names are others, {PROPOSE}." if has else f"{needs}."
