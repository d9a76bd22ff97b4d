"""``rescue train``, ``promote`` and ``rollback``: the analyst's side of the models."""

from __future__ import annotations

import getpass
import json
from typing import Annotated

import typer

from features.errors import UsageError
from pipelines import settings as configuration
from pipelines.cli.options import Data, Home, Json, Mapping, day
from pipelines.console import Steps, out


def _known(risk: str) -> str:
    """The name of a risk, before the registry is asked for its models.

    Raises:
        UsageError: there is no such risk.
    """
    from models.risks import risk

    names = (risk.CHURN.name, risk.ESCALATION.name)
    if risk not in names:
        raise UsageError(f"There is no risk {risk!r}: it is {' or '.join(names)}.")
    return risk


Risk = Annotated[str, typer.Argument(metavar="RISK", help="churn or escalation", callback=_known)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(short_help="Train and register a model of each risk.")(train)
    app.command(short_help="Put a challenger before the gate.")(promote)
    app.command()(rollback)


def train(
    data: Data = None,
    risk: Annotated[str, typer.Option(help="churn, escalation or all")] = "all",
    through: Annotated[str | None, typer.Option(metavar="DATE", help="Use nothing known on this day or later.")] = None,
    tune: Annotated[int, typer.Option(min=0, help="Optuna trials a risk; 0 keeps the shipped parameters.")] = 0,
    home: Home = None,
    mapping: Mapping = None,
    as_json: Json = False,
) -> None:
    """Train, evaluate and register a model of each risk, and put it before the gate. The first becomes champion."""
    from pipelines.training.train_models import train_from

    cutoff = day(through, "--through")
    settings = configuration.load(data=data, home=home, mapping=mapping)
    found = train_from(settings, risk, cutoff, tune, Steps(quiet=as_json))
    if as_json:
        typer.echo(json.dumps(found.to_json()))
        return
    for registered in found.registered:
        out.print(registered.summary(), markup=False)
    for why in found.not_learnable.values():
        out.print(f"Not trained. {why}", markup=False)


def promote(
    risk: Risk,
    version: Annotated[str | None, typer.Argument(help="The version; the newest challenger by default.")] = None,
    data: Data = None,
    home: Home = None,
    mapping: Mapping = None,
    override: Annotated[bool, typer.Option("--override", help="Promote against the gate's verdict.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why the gate is overridden; goes on record.")] = None,
    as_json: Json = False,
) -> None:
    """Put a challenger before the gate, and promote it where the gate says so."""
    from pipelines.cli.output.gate_output import gate_table
    from pipelines.training.promotion import promote_version

    if override and not (reason or "").strip():
        raise UsageError("--override needs --reason: what you know that the gate does not.")
    settings = configuration.load(data=data, home=home, mapping=mapping)
    overriding = reason if override else None
    verdict, promoted = promote_version(
        settings, risk, version, overriding, by=getpass.getuser(), steps=Steps(quiet=as_json)
    )
    if as_json:
        typer.echo(json.dumps({**verdict.to_json(), "overridden": bool(overriding) and not verdict.promoted}))
    else:
        out.print(gate_table(verdict))
        overridden = promoted and not verdict.promoted
        against = f"{risk}: version {verdict.challenger} is champion now, against the gate's verdict: {reason}"
        out.print(against if overridden else verdict.sentence(), markup=False)
    if not promoted:
        raise typer.Exit(1)


def rollback(risk: Risk, home: Home = None) -> None:
    """Bring back the champion before the present one."""
    from pipelines import assembly

    settings = configuration.load(home=home)
    version = assembly.open_registry(settings).rollback(risk, by=getpass.getuser())
    out.print(f"{risk}: version {version} is champion again.", markup=False)
