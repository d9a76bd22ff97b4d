"""``rescue monitor``: feeds, volume, scores and the team's effect."""

import json
from typing import TYPE_CHECKING

import typer

from pipelines import settings as configuration
from pipelines.cli.options import AsOf, Data, Home, Json, Mapping, day
from pipelines.console import Steps, out

if TYPE_CHECKING:
    from pipelines.monitoring.monitor import Monitored


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Say whether feeds are alive and scores have moved.")(monitor)


def monitor(
    data: Data = None, as_of: AsOf = None, home: Home = None, mapping: Mapping = None, as_json: Json = False
) -> None:
    """Say whether feeds are alive, scores have moved, and the team saves anybody. Changes nothing."""
    from pipelines.monitoring import monitor

    cutoff = day(as_of, "--as-of")
    settings = configuration.load(data=data, home=home, mapping=mapping)
    found = monitor.monitor(settings, cutoff, Steps(quiet=as_json))
    if as_json:
        typer.echo(json.dumps(found.to_json()))
    else:
        _show(found)


def _show(found: "Monitored") -> None:
    ages = ", ".join(f"{name} {'never' if age is None else f'{age} d'}" for name, age in found.feeds.items())
    out.print(f"As of {found.as_of}; newest night {found.night or 'none'}.\nAge of feeds: {ages}", markup=False)
    for risk, moved in found.drift.items():
        told = moved if isinstance(moved, str) else f"{moved.verdict}, index {moved.index:.3f} ({moved.now:,} scores)"
        out.print(f"Scores of {risk}: {told}", markup=False)
    for risk, effect in found.effect.items():
        out.print(f"Effect on {risk}: {effect.told()}", markup=False)
    for alarm in found.alarms:
        out.print(f"Look at this: {alarm}.", markup=False)
