"""``rescue paths metrics``: how escalation paths work in practice."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import UsageError, suggest_name
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Home, Json, parse_day
from pipelines.console import out

if TYPE_CHECKING:
    from serving.path_metrics.path_report import PathReport

Since = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="Only the cases that were opened from this day on. Default: every case."),
]
Version = Annotated[
    str | None,
    typer.Option("--version", help="The policy version to compare with the one before it. Default: the newest."),
]
paths_app = typer.Typer(help="Measure escalation paths, and design them from data.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(paths_app, name="paths")


@paths_app.command(short_help="Times to contact, accept and resolve; breaches, returns, save rate.")
def metrics(home: Home = None, since: Since = None, version: Version = None, as_json: Json = False) -> None:
    """Measure the cases of the queue: times to accept, contact and resolve, missed deadlines, returns and saves.

    By squad, skill, severity and policy version, and before and after each version, with 95% intervals. Cases that are
    still open count with their age so far. Times are working time where the squads have a calendar.
    """
    from datetime import datetime, time

    from serving.store.database import utcnow
    from serving.store.queries.path_queries import path_report

    first = parse_day(since, "--since")
    begin = datetime.combine(first, time()) if first else None
    with assembly.open_queue(configuration.load(home=home)) as store, store.reading() as session:
        report = path_report(session, utcnow(), None, begin)
    after = [pair.after.name for pair in report.comparisons]
    if version is not None and version not in after:
        hint = suggest_name(version, after) if after else "no version can be compared yet."
        raise UsageError(f"There is no policy version {version!r} with one before it; {hint}")
    if as_json:
        typer.echo(json.dumps(report.to_json()))
    else:
        _show(report, version)


def _show(report: "PathReport", version: str | None) -> None:
    from pipelines.cli.output.path_output import comparison_lines, group_table

    if not report.groups:
        out.print("There are no cases.")
        return
    out.print(group_table(report))
    for line in comparison_lines(report, version):
        out.print(line, markup=False)
