"""``rescue replay``: the result of one or two policies over past nights."""

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.commands.policies.policy_in_use import named_policy
from pipelines.cli.options import Data, Home, Json, Mapping, PolicyFile, parse_required_day
from pipelines.console import Steps, err, out
from pipelines.replay.replay_models import ModelOrigin
from serving.night_report.report_text import day_text, plural

if TYPE_CHECKING:
    from pipelines.replay.replay_models import ReplayModel
    from pipelines.replay.replay_nights import Replay


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Apply a policy to past nights and compare it with what happened.")(replay)


def replay(
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="The first night.")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="The last night.")],
    data: Data = None,
    policy: PolicyFile = None,
    against: Annotated[Path | None, typer.Option(help="A second policy file, for comparison.")] = None,
    home: Home = None,
    mapping: Mapping = None,
    champion: Annotated[
        bool,
        typer.Option(
            "--champion", help="Score with the champion even if it has learned from these nights (too optimistic)."
        ),
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the figures with the queue, for `rescue policy draw --as pdsa`.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Apply the whole policy to past nights, each with what was known then, and compare it with what happened."""
    from pipelines.replay.replay_nights import keep_replay, replay_nights

    begin, end = parse_required_day(first, "--from"), parse_required_day(last, "--to")
    settings = configuration.load(data=data, home=home, policy=policy, mapping=mapping)
    own_name, own = named_policy(settings, policy)
    policies = {own_name: own}
    if against is not None:
        name = against.name
        other = assembly.load_policy(settings.model_copy(update={"policy": against}))
        policies[f"{name} (against)" if name in policies else name] = other
    result = replay_nights(settings, policies, begin, end, Steps(quiet=as_json), champion=champion)
    if keep:
        keep_replay(settings, policies, result)
    if as_json:
        typer.echo(json.dumps(result.to_json()))
    else:
        _show(result)


def _show(result: "Replay") -> None:
    from rich import box
    from rich.table import Table

    from serving.policy.replay.replay_figures import comparison_table

    days = (result.last - result.first).days + 1
    table = Table(
        box=box.SIMPLE_HEAD,
        title=f"{plural(days, 'night')}, {day_text(result.first)} to {day_text(result.last)}",
        title_justify="left",
    )
    table.add_column("")
    for name in result.done:
        table.add_column(name)
    figures = {name: done.figures() for name, done in result.done.items()}
    for label, *words in comparison_table(figures, result.currency):
        table.add_row(label, *words)
    out.print(table)
    for risk, model in result.models.items():
        out.print(_model_line(risk, model, result.first), markup=False)
        if model.origin is ModelOrigin.CHAMPION_KNOWS:
            text = f"{risk}: the champion has learned from these nights, so its figures are too good. {model.reason}"
            err.print(f"Warning: {text.strip()}", markup=False)

    for risk, version in result.uplift.versions.items():
        out.print(f"Uplift of {risk}: model version {version}.", markup=False)
    for risk, reason in result.uplift.not_used.items():
        out.print(f"Uplift of {risk}: {reason}", markup=False)


def _model_line(risk: str, model: "ReplayModel", first: date) -> str:
    if model.origin is ModelOrigin.TRAINED:
        return f"Model of {risk}: trained on what was known before {day_text(first)}."
    return f"Model of {risk}: champion version {model.model.version}."
