"""``rescue check``: what a night would do with the rows of a source."""

import json

import typer

from features.errors import DataGateError, UsageError
from pipelines import settings as configuration
from pipelines.cli.options import Data, Json, Mapping


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Validate a source without running a night.")(check)


def check(data: Data = None, mapping: Mapping = None, as_json: Json = False) -> None:
    """Validate a source: rows accepted and quarantined, missing tables, and what they cost. Nothing is written.

    Ends with 3 if a night would stop on this source, and with 2 if an extension cannot be used.
    """
    from pipelines.cli.output.check_output import show_check
    from pipelines.sources.mappings.mapping_settings import reading_rules, require_usable_risks
    from pipelines.sources.source_check import check_source

    settings = configuration.load(data=data, mapping=mapping)
    report = check_source(
        settings.data,
        mapping=settings.mapping,
        tolerance=settings.row_tolerance,
        metrics=settings.declared_metrics,
        reading=reading_rules(settings),
        settings=settings,
    )
    if as_json:
        typer.echo(json.dumps(report.as_json()))
    else:
        show_check(report)
    if report.unused_extensions and settings.extensions_required:
        raise UsageError(report.unused_extensions[0])
    require_usable_risks(settings.model_copy(update={"extensions_required": False}))
    if report.problems:
        reason = report.problems[0] if as_json else "The source is not fit for a night: the reason is above."
        raise DataGateError(reason)
