"""The ``rescue`` command: it parses, calls one use case, prints, and ends with a code that means something.

0 done, 1 failed, 2 wrong usage, 3 stopped by a data gate. A user's error is one sentence on standard error. The
commands live one a file in ``pipelines/commands``; what is heavy is imported when a command needs it.
"""

import sys

import typer

from features.errors import RescueError
from pipelines.cli.commands import COMMANDS
from pipelines.console import err

app = typer.Typer(
    name="rescue",
    help="Know which customers need rescuing, before they know it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for register in COMMANDS:
    register(app)


def run() -> None:
    """Run the command line; every expected failure becomes a sentence and an exit code."""
    try:
        app()
    except RescueError as error:
        err.print(f"rescue: {error}", markup=False)
        sys.exit(error.exit_code)
