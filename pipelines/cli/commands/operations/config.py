"""``rescue config``: which settings are in force, and where each of them comes from."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines import settings as configuration
from pipelines.cli.options import Home, Json
from pipelines.console import out

config = typer.Typer(help="Show the settings and where each of them comes from.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(config, name="config")


@config.command(short_help="Show the settings in force, secrets masked.")
def show(
    everything: Annotated[bool, typer.Option("--all", help="Also the settings that nobody has changed.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show the settings in force, and the file, variable or option that each comes from. Secrets are masked.

    Ends with 2 where a channel cannot work, as a night would.
    """
    from pipelines.night.operators import check_channels

    settings = configuration.load(home=home)
    _print_settings(settings, home, everything=everything, as_json=as_json)
    check_channels(settings)


def _print_settings(settings: configuration.Settings, home: Path | None, *, everything: bool, as_json: bool) -> None:
    from pipelines.cli.output.settings_output import list_settings

    found = list_settings(settings, options={"home"} if home is not None else set())
    shown = [setting for setting in found if everything or setting.origin != "default"]
    if as_json:
        rows: list[dict[str, Any]] = [
            {"setting": setting.name, "value": setting.value, "origin": setting.origin} for setting in shown
        ]
        typer.echo(json.dumps({"settings": rows}))
        return
    if not shown:
        out.print("Every setting has its default: --all shows them.")
        return
    from rich.table import Table

    table = Table("setting", "value", "from", box=None)
    for setting in shown:
        table.add_row(setting.name, setting.text, setting.origin)
    out.print(table)
