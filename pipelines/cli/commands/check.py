"""``rescue check``: the data contract's verdict on a source."""

import json

import typer

from features.errors import DataGateError
from pipelines import settings as configuration
from pipelines.cli.options import Data, Json, Mapping


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Say what a night would accept and refuse in a source.")(check)


def check(data: Data = None, mapping: Mapping = None, as_json: Json = False) -> None:
    """Say what a night would accept, quarantine and miss in a source. Ends with 3 where a night would stop."""
    from pipelines.cli.output.check_output import show_check
    from pipelines.sources import source_check as checking

    settings = configuration.load(data=data, mapping=mapping)
    report = checking.check_source(
        settings.data, mapping=settings.mapping, tolerance=settings.tolerance, metrics=settings.declared_metrics
    )
    if as_json:
        typer.echo(json.dumps(report.as_json()))
    else:
        show_check(report)
    if report.problems:
        raise DataGateError(report.problems[0])
