"""``rescue deliver``: send what waits in the outbox."""

from typing import Annotated

import typer

from pipelines import assembly
from pipelines import settings as configuration
from pipelines.commands.options import Home
from pipelines.console import out


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(deliver)


def deliver(
    home: Home = None,
    replay: Annotated[
        str | None, typer.Option(metavar="ID", help="Send this message again, whatever became of it.")
    ] = None,
) -> None:
    """Send every hand-off that is due, through the channels of rescue.toml."""
    from serving import delivery

    settings = configuration.load(home=home)
    channels = delivery.open_channels(settings.channels)
    with assembly.store(settings) as store:
        done = delivery.deliver(store, channels, replay=replay)
    waiting = f"; {done.unrouted} wait for a channel that is not set up" if done.unrouted else ""
    out.print(f"{done.sent} sent, {done.retried} to be tried again, {done.dead} dead{waiting}.", markup=False)
