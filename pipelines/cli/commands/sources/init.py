"""``rescue init``: from exports that nobody has described to a mapping, settings and a first check."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.options import Json

if TYPE_CHECKING:
    from pipelines.onboarding.propose import SourceProposal
    from pipelines.settings import Settings
    from pipelines.sources.source_check import CheckReport


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Propose a mapping and settings for your data.")(init)


def init(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Folders, files, DuckDB or SQLite files, or database URLs; NAME=SOURCE gives one a name.",
        ),
    ],
    into: Annotated[Path, typer.Option(help="The folder in which rescue.toml and mappings/ are written.")] = Path(),
    as_json: Json = False,
) -> None:
    """Find out which tables and columns are which, write a mapping as SQL to edit and a rescue.toml, and check them.

    Every choice is explained, and what is uncertain is left out and listed. No file is overwritten.
    Ends with 3 if a night would stop on what was found.
    """
    from features.errors import DataGateError, UsageError
    from pipelines.onboarding.propose import name_sources, propose_sources
    from pipelines.onboarding.propose_money import find_currency
    from pipelines.onboarding.write_proposal import remove_files, write_proposal
    from pipelines.scratch import scratch_folder

    with scratch_folder() as scratch:
        proposals = propose_sources(name_sources(sources), scratch)
    files = write_proposal(proposals, into, find_currency(proposals))
    try:
        with _in_folder(into):
            settings, report = _checked()
    except UsageError:  # nothing stays behind that a second run would refuse to overwrite
        remove_files(files, into)
        raise
    if as_json:
        from pipelines.cli.output.init_output import proposal_json

        shown = [os.path.relpath(file) for file in files]
        typer.echo(json.dumps({"files": shown, "sources": proposal_json(proposals), "check": report.as_json()}))
    else:
        _show(proposals, files, settings, report)
    if report.problems:
        reason = report.problems[0] if as_json else "The sources are not fit for a night yet: the reason is above."
        raise DataGateError(reason)


def _checked() -> tuple[Settings, CheckReport]:
    """The settings that were written, and what a night would say about their sources."""
    from pipelines import settings as configuration
    from pipelines.sources.mappings.mapping_settings import reading_rules
    from pipelines.sources.source_check import check_source

    settings = configuration.load()
    report = check_source(
        settings.data,
        tolerance=settings.row_tolerance,
        metrics=settings.declared_metrics,
        reading=reading_rules(settings),
        settings=settings,
    )
    return settings, report


def _show(proposals: Sequence[SourceProposal], files: Sequence[Path], settings: Settings, report: CheckReport) -> None:
    """What was found and written, the check, and what to do next."""
    from pipelines import system_clock
    from pipelines.cli.output.check_output import show_check
    from pipelines.cli.output.init_output import show_next, show_proposal

    show_proposal(proposals, files)
    show_check(report)
    days = [table.last for table in report.validation.tables.values() if table.last]
    today = system_clock.today(settings.timezone)
    newest = max((day for day in days if day < today), default=None)
    stale = newest is not None and (today - newest).days > settings.stale_after
    show_next(proposals, can_run=not report.problems, newest=newest, stale=stale)


@contextlib.contextmanager
def _in_folder(folder: Path) -> Iterator[None]:
    """Commands that follow are started in the folder of the settings, so that is where they are checked."""
    before = os.environ.get("RESCUE_CONFIG")
    os.environ["RESCUE_CONFIG"] = "rescue.toml"
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        os.environ.pop("RESCUE_CONFIG")
        if before is not None:
            os.environ["RESCUE_CONFIG"] = before
