"""``rescue queue``: the open cases as a list, as one hand-off, or as a file."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from features.errors import UsageError
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Home
from pipelines.console import out

queue = typer.Typer(help="List, show or export the rescue queue.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(queue, name="queue")


@queue.command("list")
def list_cases(
    home: Home = None,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="List who deserved a place in the newest night and did not fit.")
    ] = False,
) -> None:
    """The open cases in the order in which to work them."""
    from pipelines.cli.output.queue_output import case_table, waiting_table
    from serving.store import night_queries, queue_queries

    with assembly.open_queue(configuration.load(home=home)) as store, store.reading() as session:
        if waiting:
            rows = queue_queries.waiting_of_newest(session)
            out.print(waiting_table(rows) if rows else "Nobody waits.")
        else:
            cases = night_queries.open_queue(session)
            out.print(case_table(cases) if cases else "The queue is empty.")


@queue.command()
def show(
    case: Annotated[str, typer.Argument(help="A case id, as the queue lists it, or an account id.")],
    home: Home = None,
    style: Annotated[
        Literal["markdown", "json", "html"], typer.Option("--format", help="How to print it.")
    ] = "markdown",
) -> None:
    """The newest hand-off package of a case."""
    from serving.handoff import render
    from serving.handoff.package import Handoff
    from serving.store import night_queries

    with assembly.open_queue(configuration.load(home=home)) as store, store.reading() as session:
        content = night_queries.handoff_of(session, case)
    if content is None:
        raise UsageError(f"There is no case or account {case!r} in the queue; `rescue queue list` shows them.")
    package = Handoff.model_validate_json(content)
    shown = {"json": lambda: content, "html": lambda: render.html(package)}
    typer.echo(shown.get(style, lambda: render.markdown(package))())


@queue.command(short_help="Write the open cases to a file for spreadsheets.")
def export(
    to_file: Annotated[Path, typer.Argument(metavar="FILE", help="Ends in .csv, .parquet or .xlsx.")], home: Home = None
) -> None:
    """Write the open cases to a file that spreadsheets open without running anything in it."""
    from serving.cases import exports
    from serving.store import night_queries

    with assembly.open_queue(configuration.load(home=home)) as store, store.reading() as session:
        table = night_queries.queue_table(session)
    exports.write(table, to_file)
    out.print(f"{to_file}: {table.num_rows} cases", markup=False)
