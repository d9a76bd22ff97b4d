"""``rescue sync``: reads other systems' interfaces into files for the night, and what became of our records there."""

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
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...", help="Sections [sync.NAME], or [channels.NAME] with records; default: all."
        ),
    ] = None,
    home: Home = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read everything again, so that deleted rows are noticed at once.")
    ] = False,
) -> None:
    """Read what has changed in other systems since the last time, and publish one DuckDB file for each.

    A night reads the file HOME/sync/NAME.duckdb as a source, with the mapping that is printed. A system that cannot be
    read keeps its last file, the others are read all the same, and the command ends with 1.

    Channels that keep a record of each case are read, too: what was closed, assigned or commented on there is closed,
    assigned and commented on here. `rescue timers` does the same every five minutes.
    """
    from pipelines.sync.run_sync import sync_systems
    from serving.delivery.channel_settings import record_channels

    settings = configuration.load(home=home)
    records = record_channels(settings.channels)
    if not settings.sync and not records:
        raise UsageError("There is no section [sync.NAME] in rescue.toml: docs/how-to/sync.md shows one.")
    for name in names or ():
        if name not in settings.sync and name not in records:
            raise UsageError(f"There is no section [sync.{name}]; {suggest_name(name, [*settings.sync, *records])}")
    failed = False
    systems = [name for name in settings.sync if not names or name in names]
    for outcome in sync_systems(settings.home, settings.sync, systems, full=full) if systems else ():
        if isinstance(outcome, str):
            failed = True
            err.print(f"rescue: {outcome}", markup=False, soft_wrap=True)
        else:
            for line in report_lines(outcome):
                out.print(line, markup=False, soft_wrap=True)
    chosen = [name for name in records if not names or name in names]
    failed = (bool(chosen) and not _read_back(settings, chosen)) or failed
    if failed:
        raise typer.Exit(1)


def _read_back(settings: configuration.Settings, names: list[str]) -> bool:
    """Read the records of these channels, and say what came back; whether all could be read."""
    from pipelines import assembly
    from pipelines.timer_round import policy_or_error
    from serving.cases.health_adjustments import HealthRule
    from serving.cases.incoming.read_back import read_back
    from serving.night_report.report_text import plural

    channels = assembly.open_channels(settings, names)
    policy, _ = policy_or_error(settings)
    rule = HealthRule.of(policy.rules.health) if policy is not None else HealthRule()
    with assembly.open_queue(settings) as store:
        report = read_back(store, channels, health=rule)
    for line in report.changes:
        out.print(line, markup=False, soft_wrap=True)
    for problem in report.problems:
        err.print(f"Warning: {problem}", markup=False, soft_wrap=True)
    shown = ", ".join(names)
    read, changes = plural(report.read, "record"), plural(len(report.changes), "change")
    out.print(f"{shown}: {read} read, {changes}.", markup=False, soft_wrap=True)
    return not report.failed


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
