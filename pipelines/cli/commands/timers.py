"""``rescue timers``: SLA timers and snoozed cases, between two nights."""

from typing import Annotated

import typer

from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Home
from pipelines.console import out


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Update SLA timers: wake, escalate, record breaches.")(timers)


def timers(
    home: Home = None,
    deliver: Annotated[
        bool, typer.Option(help="Send the resulting messages at once; otherwise `rescue deliver` sends them.")
    ] = True,
) -> None:
    """Wake snoozed cases, escalate cases without a response to the next tier, and record SLA breaches.

    Run it every few minutes, for example from cron.
    """
    from serving.cases.sla_timers import run_timers
    from serving.delivery import deliver as send_messages
    from serving.delivery import open_channels

    settings = configuration.load(home=home)
    channels = open_channels(settings.channels)
    with assembly.open_queue(settings) as store:
        report = run_timers(store, channels=tuple(sorted(channels)))
        if channels and deliver:
            send_messages(store, channels)
    counts = (
        f"{len(report.woken)} woken, {len(report.escalated)} escalated, {len(report.breached)} SLA breaches recorded"
    )
    out.print(f"Cases: {counts}.", markup=False)
