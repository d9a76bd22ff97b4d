"""``rescue sync``: reads other systems' interfaces into files that a night reads as sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import UsageError, suggest_name
from pipelines import settings as configuration
from pipelines.cli.options import Home
from pipelines.console import err, out

if TYPE_CHECKING:
    from pipelines.sync.run_sync import SyncReport


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Read CRM, help desk or billing systems into files for the night.")(sync)


def sync(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Sections [sync.NAME]; by default all.")
    ] = None,
    home: Home = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read everything again, so that deleted rows are noticed at once.")
    ] = False,
) -> None:
    """Read what has changed in other systems since the last time, and publish one DuckDB file for each.

    A night reads the file HOME/sync/NAME.duckdb as a source, with the mapping that is printed. A system that cannot be
    read keeps its last file, the others are read all the same, and the command ends with 1.
    """
    from pipelines.sync.run_sync import sync_systems

    settings = configuration.load(home=home)
    if not settings.sync:
        raise UsageError("There is no section [sync.NAME] in rescue.toml: docs/how-to/sync.md shows one.")
    for name in names or ():
        if name not in settings.sync:
            raise UsageError(f"There is no section [sync.{name}]; {suggest_name(name, settings.sync)}")
    failed = False
    for outcome in sync_systems(settings.home, settings.sync, names or None, full=full):
        if isinstance(outcome, str):
            failed = True
            err.print(f"rescue: {outcome}", markup=False, soft_wrap=True)
        else:
            for line in report_lines(outcome):
                out.print(line, markup=False, soft_wrap=True)
    if failed:
        raise typer.Exit(1)


def report_lines(report: SyncReport) -> list[str]:
    """What a sync brought, and what has changed in the form of the tables."""
    tables = ", ".join(
        f"{table.name} {table.rows:,} ({table.new:,} new or changed{f', {table.gone:,} gone' if table.gone else ''})"
        for table in report.tables
    )
    how = "read whole" if report.full else "changes read"
    source = f"data = {str(report.file)!r}" + (f", mapping = {report.mapping!r}" if report.mapping else "")
    return [
        f"{report.name} ({report.title}), {how}: {tables or 'no rows'}.",
        *(f"Warning: {report.name}: {warning}" for warning in report.warnings),
        f"  As a source: [sources.{report.name}] {source}",
    ]
