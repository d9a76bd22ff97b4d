"""``rescue backtest``: how good the models would have been on this data, before anybody relies on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines import settings as configuration
from pipelines.cli import options
from pipelines.cli.options import ALL_RISKS, Before, Data, Json, RiskOption, parse_day
from pipelines.console import Steps, out


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Evaluate models on later cutoffs, compared with baselines.")(backtest)


def backtest(
    data: Data = None,
    mapping: options.Mapping = None,
    risk: RiskOption = ALL_RISKS,
    before: Before = None,
    to: Annotated[Path | None, typer.Option("--out", help="Folder for the report page and its pictures.")] = None,
    as_json: Json = False,
) -> None:
    """Train and evaluate a model of each risk on later cutoffs, compared with baselines. Nothing is registered.

    Cutoffs are a week apart and end on the day after the newest row (or on --before), whatever the weekday of a night:
    with the sample data, the mean probability differs by at most 3% between weekdays.
    """
    from pipelines.cli.output.backtest_output import show_backtest
    from pipelines.training.backtesting import backtest_from

    cutoff = parse_day(before, "--before")
    settings = configuration.load(data=data, mapping=mapping)
    options.require_risk(settings, risk, also=(ALL_RISKS,))
    result = backtest_from(settings, risk, cutoff, to, Steps(quiet=as_json))
    if as_json:
        typer.echo(json.dumps(result.to_json()))
        return
    for tested, evaluated in result.results.items():
        show_backtest(tested, evaluated)
    for reason in result.not_learnable.values():
        out.print(f"Not evaluated. {reason}", markup=False)
    if to is not None:
        out.print(f"Report: {to / result.files[0]}", markup=False)
