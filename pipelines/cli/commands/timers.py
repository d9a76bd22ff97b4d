"""``rescue timers``: SLA timers and snoozed cases, between two nights."""

from typing import Annotated

import typer

from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Home
from pipelines.console import err, out


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Update SLA timers: wake, escalate, record breaches.")(timers)


def timers(
    home: Home = None,
    deliver: Annotated[
        bool, typer.Option(help="Send the resulting messages at once; otherwise `rescue deliver` sends them.")
    ] = True,
    trust_clock: Annotated[
        bool, typer.Option("--trust-clock", help="The clock is right, although the timers stopped because of it.")
    ] = False,
) -> None:
    """Wake snoozed cases, take the steps of escalation paths that are due, and record SLA breaches.

    Run it every few minutes, for example from cron. Where the clock of this machine has jumped, it changes nothing and
    ends with 1.
    """
    from serving.cases.sla_timers import run_timers
    from serving.delivery import deliver as send_messages
    from serving.delivery import broadcast_channels, open_channels

    settings = configuration.load(home=home)
    channels = open_channels(settings.channels)
    with assembly.open_queue(settings) as store:
        report = run_timers(store, channels=broadcast_channels(settings.channels), trust_clock=trust_clock)
        if channels and deliver:
            send_messages(store, channels)
    if report.alarm is not None:
        err.print(f"Warning: {report.alarm}", markup=False, soft_wrap=True)
        raise typer.Exit(1)
    counts = (
        f"{len(report.woken)} woken, {len(report.escalated)} escalated, {len(report.breached)} SLA breaches recorded"
    )
    out.print(f"Cases: {counts}.", markup=False)
