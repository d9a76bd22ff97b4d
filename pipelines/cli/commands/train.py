"""``rescue train``, ``promote`` and ``rollback``: the analyst's side of the models."""

from __future__ import annotations

import getpass
import json
from datetime import date
from typing import Annotated

import typer

from features.errors import UsageError
from pipelines import settings as configuration
from pipelines.cli.options import (
    ALL_RISKS,
    Before,
    Data,
    Home,
    Json,
    Mapping,
    RiskArgument,
    RiskOption,
    parse_day,
    require_risk,
)
from pipelines.console import Steps, out


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(short_help="Train and register a model of each risk.")(train)
    app.command(short_help="Compare a challenger with the champion, and promote it.")(promote)
    app.command(short_help="Make the previous champion the champion again.")(rollback)


def train(
    data: Data = None,
    risk: RiskOption = ALL_RISKS,
    before: Before = None,
    tune: Annotated[
        int, typer.Option(min=0, help="Try at most so many parameter sets per risk, and keep what is shown to gain.")
    ] = 0,
    uplift: Annotated[
        bool, typer.Option("--uplift", help="Learn from the hold-out whom a rescue helps, in place of the risks.")
    ] = False,
    home: Home = None,
    mapping: Mapping = None,
    as_json: Json = False,
) -> None:
    """Train, evaluate and register a model of each risk. The gate decides whether it becomes champion.

    The first model of a risk always becomes champion. A later one of the same recipe is a refresh, which has to be
    shown not to be worse; one of another recipe is a challenge, which has to be shown to be better.
    """
    from pipelines.training.train_models import train_from

    if uplift and tune:
        raise UsageError("--tune is about the models of the risks, and --uplift trains none of them.")
    cutoff = parse_day(before, "--before")
    settings = configuration.load(data=data, home=home, mapping=mapping)
    require_risk(settings, risk, also=(ALL_RISKS,))
    if uplift:
        _train_uplift(settings, risk, cutoff, as_json=as_json)
        return
    result = train_from(settings, risk, cutoff, tune, Steps(quiet=as_json))
    if as_json:
        typer.echo(json.dumps(result.to_json()))
        return
    for registered in result.registered:
        out.print(registered.summary(), markup=False)
    for warning in result.warnings:
        out.print(f"Warning: {warning}", markup=False)
    for reason in result.not_learnable.values():
        out.print(f"Not trained. {reason}", markup=False)


def _train_uplift(settings: configuration.Settings, risk: str, before: date | None, *, as_json: bool) -> None:
    from pipelines.monitoring.uplift_training import train_uplift_from
    from serving.night_report.uplift_text import uplift_details, uplift_line

    result = train_uplift_from(settings, risk, before, Steps(quiet=as_json))
    if as_json:
        typer.echo(json.dumps(result.to_json()))
        return
    for report in result.reports:
        version = f"version {report.version}: " if report.version else ""
        out.print(f"{report.risk}: {version}{uplift_line(report)} {uplift_details(report)}".rstrip(), markup=False)


def promote(
    risk: RiskArgument,
    version: Annotated[str | None, typer.Argument(help="The version. Default: the newest challenger.")] = None,
    data: Data = None,
    home: Home = None,
    mapping: Mapping = None,
    override: Annotated[bool, typer.Option("--override", help="Promote it even if the gate refuses.")] = False,
    reason: Annotated[str | None, typer.Option(help="The reason for --override; it is recorded.")] = None,
    as_json: Json = False,
) -> None:
    """Compare a challenger with the champion, and promote it if the gate accepts it.

    The exit code is 1 where it stays challenger.
    """
    from models.reports.gate_text import render_comparison, render_decision
    from pipelines.cli.output.gate_output import gate_table
    from pipelines.training.promotion import promote_version

    if override and not (reason or "").strip():
        raise UsageError("--override needs --reason.")
    settings = configuration.load(data=data, home=home, mapping=mapping)
    require_risk(settings, risk)
    overriding = reason if override else None
    steps = Steps(quiet=as_json)
    decision, promoted = promote_version(settings, risk, version, overriding, by=getpass.getuser(), steps=steps)
    overridden = promoted and not decision.promoted
    if as_json:
        typer.echo(json.dumps({**decision.to_json(), "overridden": overridden}))
    else:
        out.print(gate_table(decision))
        text = f"{risk}: version {decision.challenger} is now champion, although the gate refused it: {reason}"
        out.print(text if overridden else render_decision(decision), markup=False)
        if comparison := render_comparison(decision):
            out.print(comparison, markup=False)
    if not promoted:
        raise typer.Exit(1)


def rollback(risk: RiskArgument, home: Home = None, mapping: Mapping = None) -> None:
    """Make the previous champion the champion again."""
    from pipelines import assembly

    settings = configuration.load(home=home, mapping=mapping)
    require_risk(settings, risk)
    version = assembly.open_registry(settings).rollback(risk, by=getpass.getuser())
    out.print(f"{risk}: version {version} is champion again.", markup=False)
