"""``rescue replay``: what a policy would have done over past nights, and two of them side by side."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Data, Home, Json, Mapping, PolicyFile, given_day
from pipelines.console import Steps, err, out

if TYPE_CHECKING:
    from pipelines.replay.replay_nights import Replay


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Run the policy over past nights, and see what it caught.")(replay)


def replay(
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="The first night.")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="The last night.")],
    data: Data = None,
    policy: PolicyFile = None,
    against: Annotated[Path | None, typer.Option(help="Another policy file, to stand beside the first.")] = None,
    home: Home = None,
    mapping: Mapping = None,
    champion: Annotated[
        bool,
        typer.Option(
            "--champion", help="Score with the champion even where it learned from these nights: it flatters."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Run the whole policy over past nights with what was known on each, and hold it against what happened."""
    from pipelines.replay.replay_nights import replay_nights

    begin, end = given_day(first, "--from"), given_day(last, "--to")
    settings = configuration.load(data=data, home=home, policy=policy, mapping=mapping)
    policies = {_name(settings.policy): assembly.load_policy(settings)}
    if against is not None:
        name = _name(against)
        other = assembly.load_policy(settings.model_copy(update={"policy": against}))
        policies[f"{name} (against)" if name in policies else name] = other
    found = replay_nights(settings, policies, begin, end, Steps(quiet=as_json), champion=champion)
    if as_json:
        typer.echo(json.dumps(found.to_json()))
    else:
        _show(found)


def _name(file: Path | None) -> str:
    return file.name if file else "shipped policy"


def _show(found: "Replay") -> None:
    from rich import box
    from rich.table import Table

    from serving.policy.replay.replay_figures import comparison_table

    days = (found.last - found.first).days + 1
    table = Table(box=box.SIMPLE_HEAD, title=f"{days} nights, {found.first} to {found.last}", title_justify="left")
    table.add_column("")
    for name in found.done:
        table.add_column(name)
    for label, *words in comparison_table({name: done.figures() for name, done in found.done.items()}):
        table.add_row(label, *words)
    out.print(table)
    for risk, told in found.models.items():
        out.print(f"{risk} was scored by: {told}.", markup=False)
    for warning in found.warnings:
        err.print(warning, markup=False)
