"""``rescue policy check`` and ``rescue policy explain``."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Mapping
from pipelines.console import err, out

Accounts = Annotated[str | None, typer.Option("--data", help="A source whose accounts the policy's names should fit.")]
File = Annotated[Path | None, typer.Argument(metavar="FILE", help="The policy file; the one in use by default.")]
policy = typer.Typer(help="Check or explain a policy file.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(policy, name="policy")


@policy.command()
def check(file: File = None, data: Accounts = None, mapping: Mapping = None) -> None:
    """Name every mistake in a policy file with its line. Ends with 2 where there is one.

    With --data it also warns of segments and regions that no account of that source has.
    """
    from serving.policy.definition.policy_file import PolicyError

    settings = configuration.load(policy=file, data=data, mapping=mapping)
    try:
        found = assembly.load_policy(settings)
    except PolicyError as error:
        for problem in error.problems:
            err.print(problem, markup=False)
        raise typer.Exit(error.exit_code) from None
    if data is not None:
        from pipelines.sources.source_check import unknown_policy_names

        for warning in unknown_policy_names(found, settings):
            err.print(f"Mind: {warning}.", markup=False)
    out.print(f"The policy is sound; its version is {found.version}.", markup=False)


@policy.command()
def explain(
    file: File = None,
    columns: Annotated[bool, typer.Option("--columns", help="List what its conditions may name.")] = False,
) -> None:
    """Say in words what a policy does."""
    from serving.policy.definition import explanation

    told = explanation.list_columns if columns else explanation.explain
    out.print(told(assembly.load_policy(configuration.load(policy=file))), markup=False, end="")
