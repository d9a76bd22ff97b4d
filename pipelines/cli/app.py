"""The ``rescue`` command: it parses, calls one use case, prints, and ends with a code that means something.

0 done, 1 failed, 2 wrong usage, 3 stopped by a data gate. A user's error is one sentence on standard error. Each
command is a module of ``pipelines.cli.commands`` that is imported when it is named; slow imports happen when a command
needs them.
"""

import logging
import sys
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_group

from features.errors import RescueError, explain_full_disk, was_interrupted
from pipelines import console
from pipelines.cli.commands import COMMANDS, GROUPS
from pipelines.cli.options import require_one_of
from pipelines.console import err, log_event, use_json_logs


class CommandGroup(TyperGroup):
    """The group of all commands: a module is imported when its command is named, or when all of them are listed."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """The names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """The command of a name; ``None`` for an unknown name, and then all are loaded, to suggest the nearest."""
        if cmd_name not in self.commands:
            for name in [cmd_name] if cmd_name in COMMANDS else COMMANDS:
                self.commands.update(_load(name))
        return self.commands.get(cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands of the help under their headings, those that matter first."""
        width = max(map(len, COMMANDS))
        for heading, names in GROUPS.items():
            found = ((name, self.get_command(ctx, name)) for name in names)
            with formatter.section(heading):
                limit = formatter.width - width - 6
                formatter.write_dl(
                    [(name.ljust(width), command.get_short_help_str(limit)) for name, command in found if command]
                )


def _load(name: str) -> dict[str, Any]:
    """The commands of the modules of one command."""
    part = typer.Typer(rich_markup_mode=None)
    for module_name in COMMANDS[name]:
        module = import_module(f"pipelines.cli.commands.{module_name}")
        if hasattr(module, "register"):
            module.register(part)
    return dict(get_group(part).commands)


app = typer.Typer(
    name="rescue",
    cls=CommandGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rescue {version('rescue')}")
        raise typer.Exit


@app.callback()
def main_options(
    wanted: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    log_format: Annotated[
        str, typer.Option("--log-format", metavar="text|json", help="How progress and errors are written.")
    ] = "text",
) -> None:
    """Predict every night which customers will churn or escalate, and fill a rescue team's queue."""
    require_one_of(log_format, ("text", "json"), "--log-format")
    if log_format == "json":
        use_json_logs()


def run() -> None:
    """Run the command line; every expected failure becomes a sentence and an exit code."""
    try:
        app(_log_format_first(sys.argv[1:]))
    except RescueError as error:
        _fail(error)
    except Exception as error:
        if was_interrupted(error):
            raise KeyboardInterrupt from None
        explained = explain_full_disk(error)
        if explained is None:
            raise
        _fail(explained)


def _fail(error: RescueError) -> NoReturn:
    if console.log_format == "json":
        log_event(str(error), logging.ERROR, exit_code=error.exit_code)
    else:
        err.print(f"rescue: {error}", markup=False)
    sys.exit(error.exit_code)


def _log_format_first(arguments: list[str]) -> list[str]:
    """``--log-format`` belongs to every command, so it may also be written after the command."""
    moved: list[str] = []
    rest = list(arguments)
    for place, word in enumerate(arguments):
        if word == "--":
            break
        if word == "--log-format":
            moved, rest = arguments[place : place + 2], arguments[:place] + arguments[place + 2 :]
        elif word.startswith("--log-format="):
            moved, rest = [word], arguments[:place] + arguments[place + 1 :]
    return [*moved, *rest]
