"""``rescue feedback``: what the team did, as tables that the CRM and the next night can read."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines import settings as configuration
from pipelines.cli.options import AsOf, Data, Home, Json, Mapping, day
from pipelines.console import Steps, out


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Write outcomes and adjusted health as tables.")(feedback)


def feedback(
    data: Data = None,
    as_of: AsOf = None,
    to_folder: Annotated[
        Path | None, typer.Option("--out", help="Where the tables go; `feedback` in the home folder by default.")
    ] = None,
    home: Home = None,
    mapping: Mapping = None,
    as_json: Json = False,
) -> None:
    """Write outcomes and adjusted health as tables of the contract; the health is marked as the team's own."""
    from pipelines.monitoring.feedback import collect, told

    cutoff = day(as_of, "--as-of")
    settings = configuration.load(data=data, home=home, mapping=mapping)
    found = collect(settings, cutoff, to_folder, Steps(quiet=as_json))
    out.print(json.dumps(found.to_json()) if as_json else told(found), markup=False, soft_wrap=True)
