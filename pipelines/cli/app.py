"""The ``rescue`` command: it parses, calls one use case, prints, and ends with a code that means something.

0 done, 1 failed, 2 wrong usage, 3 stopped by a data gate. A user's error is one sentence on standard error. Each
command is a module of ``pipelines.cli.commands``; slow imports happen when a command needs them.
"""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from features.errors import RescueError
from pipelines.cli.commands import COMMANDS
from pipelines.console import err

app = typer.Typer(
    name="rescue",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for register in COMMANDS:
    register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rescue {version('rescue')}")
        raise typer.Exit


@app.callback()
def main_options(
    wanted: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Predict every night which customers will churn or escalate, and fill a rescue team's queue."""


def run() -> None:
    """Run the command line; every expected failure becomes a sentence and an exit code."""
    try:
        app()
    except RescueError as error:
        err.print(f"rescue: {error}", markup=False)
        sys.exit(error.exit_code)
