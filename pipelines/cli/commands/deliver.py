"""``rescue deliver``: send the messages of the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import UsageError, suggest_name
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import All, Home
from pipelines.console import err, out

if TYPE_CHECKING:
    from serving.delivery.sender import DeliveryReport


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
    every: All = False,
    check: Annotated[
        bool, typer.Option("--check", help="Send nothing. Sign in to each channel's system and say where this leads.")
    ] = False,
    test: Annotated[
        str | None, typer.Option("--test", metavar="CHANNEL", help="Send only a test message through this channel.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="ADDRESS", help="With --test: an address on it, such as your own.")
    ] = None,
) -> None:
    """Send the messages of the outbox that are due, through the channels in rescue.toml."""
    from serving.cases.digests.send_messages import send_messages

    settings = configuration.load(home=home)
    if check:
        _check_channels(settings)
        return
    if test is not None or to is not None:
        _send_test(settings, test, to)
        return
    if dead:
        _list_dead(settings, every=every)
        return
    channels = assembly.open_channels(settings)
    with assembly.open_queue(settings) as store:
        report = send_messages(store, channels, replay=replay)
    out.print(_summary(report), markup=False, soft_wrap=True)
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


def _summary(report: DeliveryReport) -> str:
    """What was sent, and what waits until when."""
    from serving.store.database import utcnow

    unneeded = f", {report.unneeded} not needed" if report.unneeded else ""
    line = f"{report.sent} sent{unneeded}, {report.retried} will be retried, {report.dead} could not be delivered."
    for sentence in report.written:
        line += f" {sentence}."
    if report.next_at is None:
        return line
    today = report.next_at.date() == utcnow().date()
    at = f"{report.next_at:%H:%M} UTC" if today else f"{report.next_at:%Y-%m-%d %H:%M} UTC"
    return f"{line} {report.waiting} {'waits' if report.waiting == 1 else 'wait'} until {at}."


def _check_channels(settings: configuration.Settings) -> None:
    """Say of each channel whether its system lets us in; the command ends with 1 where one does not."""
    from serving.delivery.connection_tests import check_connections

    checks = list(check_connections(assembly.open_channels(settings)))
    for check in checks:
        (out if check.works is not False else err).print(check.sentence, markup=False, soft_wrap=True)
    if not checks:
        out.print("There are no channels in rescue.toml.")
    if any(check.works is False for check in checks):
        raise typer.Exit(1)


def _send_test(settings: configuration.Settings, name: str | None, to: str | None) -> None:
    """Send a test message through one channel; the command ends with 1 where it is not taken."""
    from serving.delivery.channel import DeliveryError
    from serving.delivery.connection_tests import send_test
    from serving.store.database import utcnow

    if name is None:
        raise UsageError("--to needs --test: name the channel.")
    if name not in settings.channels:
        hint = suggest_name(name, settings.channels) if settings.channels else "no [channels.NAME] is set."
        raise UsageError(f"There is no channel {name!r}; {hint}")
    channel = assembly.open_channels(settings, [name])[name]
    try:
        sentence = send_test(name, channel, to, utcnow())
    except DeliveryError as error:
        err.print(f"rescue: {name}: {error}", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    out.print(sentence, markup=False, soft_wrap=True)


def _list_dead(settings: configuration.Settings, *, every: bool) -> None:
    from pipelines.cli.output.terminal_tables import print_lines
    from serving.delivery.outbox import dead_letters

    with assembly.open_queue(settings) as store, store.reading() as session:
        letters = dead_letters(session)
    lines = []
    for letter in letters:
        message = f"{letter.id} to {letter.channel}: {letter.kind} of case {letter.case_id}"
        written = f"written {letter.created_at:%Y-%m-%d %H:%M} UTC, {letter.attempts} attempts"
        lines.append(f"{message}, {written}. {letter.error}")
    print_lines(lines, every=every)
    if not letters:
        out.print("There are no undelivered messages.")
