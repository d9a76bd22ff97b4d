"""``rescue deliver``: send the messages of the outbox."""

from typing import Annotated

import typer

from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Home
from pipelines.console import err, out


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Send the messages of the outbox that are due.")(deliver)


def deliver(
    home: Home = None,
    replay: Annotated[
        str | None, typer.Option(metavar="ID", help="Send the message with this id again, whatever its status.")
    ] = None,
    dead: Annotated[
        bool, typer.Option("--dead", help="Send nothing. List the messages that could not be delivered, with reasons.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Send nothing. Sign in to each channel's system and say where this leads.")
    ] = False,
) -> None:
    """Send the messages of the outbox that are due, through the channels in rescue.toml."""
    from serving import delivery
    from serving.cases.digests.send_messages import send_messages

    settings = configuration.load(home=home)
    if check:
        _check_channels(settings)
        return
    if dead:
        _list_dead(settings)
        return
    channels = delivery.open_channels(settings.channels)
    with assembly.open_queue(settings) as store:
        report = send_messages(store, channels, replay=replay)
    out.print(
        f"{report.sent} sent, {report.retried} will be retried, {report.dead} could not be delivered.",
        markup=False,
        soft_wrap=True,
    )
    if report.without_channel:
        out.print(
            f"Warning: {report.without_channel} messages are for a channel that is not in rescue.toml.", soft_wrap=True
        )
    for channel in report.paused:
        out.print(
            f"Warning: the channel {channel} failed several times in a row; it is tried again in the next run.",
            markup=False,
            soft_wrap=True,
        )


def _check_channels(settings: configuration.Settings) -> None:
    """Say of each channel whether its system lets us in; the command ends with 1 where one does not."""
    from serving.delivery import open_channels
    from serving.delivery.connection_tests import check_connections

    checks = list(check_connections(open_channels(settings.channels)))
    for check in checks:
        (out if check.works is not False else err).print(check.sentence, markup=False, soft_wrap=True)
    if not checks:
        out.print("There are no channels in rescue.toml.")
    if any(check.works is False for check in checks):
        raise typer.Exit(1)


def _list_dead(settings: configuration.Settings) -> None:
    from serving.delivery.outbox import dead_letters

    with assembly.open_queue(settings) as store, store.reading() as session:
        letters = dead_letters(session)
    for letter in letters:
        message = f"{letter.id} to {letter.channel}: {letter.kind} of case {letter.case_id}"
        written = f"written {letter.created_at:%Y-%m-%d %H:%M} UTC, {letter.attempts} attempts"
        out.print(f"{message}, {written}. {letter.error}", markup=False, soft_wrap=True)
    if not letters:
        out.print("There are no undelivered messages.")
