"""``rescue clocks``: what time does to the queue, between two nights."""

from typing import Annotated

import typer

from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Home
from pipelines.console import out


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Wake and hand on cases, and note broken promises.")(clocks)


def clocks(
    home: Home = None,
    deliver: Annotated[bool, typer.Option(help="Send at once what there is to tell; else it waits.")] = True,
) -> None:
    """Wake snoozed cases, hand on what nobody answered, and note broken promises. Made to run every few minutes."""
    from serving.cases import sla_timers as ticking
    from serving.delivery import deliver as send
    from serving.delivery import open_channels

    settings = configuration.load(home=home)
    channels = open_channels(settings.channels)
    with assembly.open_queue(settings) as store:
        found = ticking.tick(store, channels=tuple(sorted(channels)))
        if channels and deliver:
            send(store, channels)
    out.print(
        f"{len(found.woken)} woken, {len(found.handed_on)} handed on, {len(found.breached)} broken promises noted.",
        markup=False,
    )
