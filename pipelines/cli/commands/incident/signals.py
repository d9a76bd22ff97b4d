"""``rescue signals``: add signals from a file, list the newest, and make a secret for senders."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Data, Home, Json, Mapping
from pipelines.console import out

signals = typer.Typer(help="Add signals of monitoring systems, or list them.", no_args_is_help=True)

FORMATS = "A file .json, .jsonl, .csv or .parquet; - reads JSON from standard input."


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(signals, name="signals")


@signals.command()
def add(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help=FORMATS)] = None,
    adapter: Annotated[
        str, typer.Option(help="The form of the file: the payload of alertmanager, datadog, grafana, …")
    ] = "",
    data: Data = None,
    mapping: Mapping = None,
    home: Home = None,
) -> None:
    """Add the signals of a file, or without one those of the table `signals` of the source.

    A signal that is known already changes nothing. A file with one bad signal is refused whole.
    """
    from pipelines.sources.signal_files import read_signal_file, read_signal_table
    from serving.signals.signal_intake import add_signals

    settings = configuration.load(home=home, data=data, mapping=mapping)
    if file is None:
        found, sender = read_signal_table(settings), "source"
    else:
        found, sender = read_signal_file(file, settings, adapter), "file"
    with assembly.open_store(settings) as store:
        report = add_signals(store, found, sender=sender)
    out.print(
        f"{report.accepted:,} signals added, {report.repeated:,} were known already.", markup=False, soft_wrap=True
    )


@signals.command("list", short_help="List the newest signals.")
def list_newest(
    home: Home = None,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 20,
    as_json: Json = False,
) -> None:
    """List the newest signals, the newest first."""
    from pipelines.cli.output.incident_output import signal_json, signal_table
    from serving.store.queries.incident_queries import newest_signals

    with assembly.open_queue(configuration.load(home=home)) as store, store.reading() as session:
        rows = newest_signals(session, count)
    if as_json:
        typer.echo(json.dumps([signal_json(row) for row in rows], indent=2))
    else:
        out.print(signal_table(rows) if rows else "There are no signals.")


@signals.command(short_help="Write the signals per account and day as a table for later nights.")
def export(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of metrics.parquet, which is extended.")],
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Write how many signals each account had on each day as the table `metrics`, for a source of later nights.

    Run it daily: days that are in the file stay as they are, and signals are deleted after some time.
    """
    from pipelines.monitoring.signal_metrics import export_signal_metrics
    from serving.store.database import utcnow

    with assembly.open_queue(configuration.load(home=home)) as store:
        written = export_signal_metrics(store, folder, utcnow())
    if as_json:
        typer.echo(json.dumps({"path": str(written.path), "rows": written.rows, "added": written.added}))
    else:
        out.print(
            f"{written.path}: {written.added:,} rows added, {written.rows:,} in all.", markup=False, soft_wrap=True
        )


@signals.command()
def secret() -> None:
    """Print a new random secret for senders, in the form of Standard Webhooks."""
    from serving.signals.sender_check import new_secret

    if sys.stdout.isatty():
        typer.echo("Store it where Rescue (RESCUE_SIGNALS__SECRET) and the sender read it; it is not shown again.")
    typer.echo(new_secret())
