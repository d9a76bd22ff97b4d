"""``rescue feedback``: the team's outcomes, as tables that the CRM and the next night can read."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines import settings as configuration
from pipelines.cli.options import AsOf, Data, Home, Json, Mapping, parse_day
from pipelines.console import Steps, out


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Write outcomes and adjusted health scores as tables.")(feedback)


def feedback(
    data: Data = None,
    as_of: AsOf = None,
    to_folder: Annotated[
        Path | None, typer.Option("--out", help="Folder for the tables. Default: `feedback` in the home folder.")
    ] = None,
    home: Home = None,
    mapping: Mapping = None,
    as_json: Json = False,
) -> None:
    """Write the team's outcomes and the adjusted health scores as tables of the contract, for example for the CRM.

    Adjusted health scores have the source "rescue", so that Rescue ignores them when they come back in a source.
    """
    from pipelines.monitoring.feedback import collect, feedback_text

    cutoff = parse_day(as_of, "--as-of")
    settings = configuration.load(data=data, home=home, mapping=mapping)
    result = collect(settings, cutoff, to_folder, Steps(quiet=as_json))
    out.print(json.dumps(result.to_json()) if as_json else feedback_text(result), markup=False, soft_wrap=True)
