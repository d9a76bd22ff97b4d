"""``rescue policy rehearse``: play a scenario, and print it as the script of a role play."""

import json
from pathlib import Path
from typing import Annotated

import typer

from features.errors import UsageError
from pipelines import settings as configuration
from pipelines.cli.commands.policies.policy_in_use import policy_of_command
from pipelines.cli.options import Json, PolicyFile
from pipelines.console import err, out

ScenarioPath = Annotated[Path, typer.Argument(metavar="SCENARIO", help="The scenario: a TOML file.")]
Script = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write the script to a file that ends in .md or .html.")
]


def register(policy: typer.Typer) -> None:
    """Add the command to ``rescue policy``."""
    policy.command(short_help="Play a scenario, as the script of a role play.")(rehearse)


def rehearse(scenario: ScenarioPath, policy: PolicyFile = None, to_file: Script = None, as_json: Json = False) -> None:
    """Play a scenario on an empty queue, at simulated times, and print who is asked to do what, and every message.

    The code is that which runs every day: use cases, timers, incidents and messages. Nothing is sent.
    """
    from serving.delivery.channel_settings import broadcast_channels, message_settings
    from serving.paths.message_settings import MessageSettings
    from serving.rehearsal import role_play
    from serving.rehearsal.rehearse import rehearse as play
    from serving.rehearsal.scenario_file import load_scenario

    if to_file is not None and to_file.suffix not in {".md", ".html"}:
        raise UsageError(f"--out takes a file that ends in .md or .html, not {str(to_file)!r}.")
    settings = configuration.load(policy=policy)
    loaded = policy_of_command(settings, policy)
    address = settings.review.address
    if settings.channels:
        messages = message_settings(settings.channels, address)
    else:
        messages = MessageSettings(address)
        err.print("Warning: no channel is configured, so messages are shown for every address of the policy.")
    result = play(loaded, load_scenario(scenario, loaded.rules), messages, broadcast_channels(settings.channels))
    if as_json:
        typer.echo(json.dumps(role_play.rehearsal_json(result)))
        return
    text = (
        role_play.rehearsal_html(result)
        if to_file is not None and to_file.suffix == ".html"
        else role_play.rehearsal_markdown(result)
    )
    if to_file is None:
        typer.echo(text, nl=False)
        return
    try:
        to_file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The file {to_file} cannot be written: {error.strerror}.") from None
    out.print(f"{to_file}: the script of {result.scenario.file.name}", markup=False, soft_wrap=True)
