"""``rescue deliver``: send what waits in the outbox."""

from typing import Annotated

import typer

from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Home
from pipelines.console import out


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Send every hand-off that is due.")(deliver)


def deliver(
    home: Home = None,
    replay: Annotated[
        str | None, typer.Option(metavar="ID", help="Send this message again, whatever became of it.")
    ] = None,
    dead: Annotated[
        bool, typer.Option("--dead", help="Send nothing: list the messages that were given up, with their ids and why.")
    ] = False,
) -> None:
    """Send every hand-off that is due, through the channels of rescue.toml."""
    from serving import delivery

    settings = configuration.load(home=home)
    if dead:
        _list_dead(settings)
        return
    channels = delivery.open_channels(settings.channels)
    with assembly.open_queue(settings) as store:
        done = delivery.deliver(store, channels, replay=replay)
    waiting = f"; {done.unrouted} wait for a channel that is not set up" if done.unrouted else ""
    resting = (
        f"; {', '.join(done.resting)} failed too often in a row, and rests until the next run" if done.resting else ""
    )
    told = f"{done.sent} sent, {done.retried} to be tried again, {done.dead} dead{waiting}{resting}."
    out.print(told, markup=False, soft_wrap=True)


def _list_dead(settings: configuration.Settings) -> None:
    from serving.delivery.outbox import dead_letters

    with assembly.open_queue(settings) as store, store.reading() as session:
        letters = dead_letters(session)
    for letter in letters:
        about = f"{letter.id} to {letter.channel}: {letter.kind} of case {letter.case_id}"
        written = f"written {letter.created_at:%Y-%m-%d %H:%M} UTC, {letter.attempts} attempts"
        out.print(f"{about}, {written}. {letter.error}", markup=False, soft_wrap=True)
    if not letters:
        out.print("No message was given up.")
