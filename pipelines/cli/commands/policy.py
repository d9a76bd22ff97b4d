"""``rescue policy``: check and explain a policy; other modules add draw and rehearse."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.commands import policy_drawings, policy_rehearsal
from pipelines.cli.commands.policies.policy_in_use import policy_of_command
from pipelines.cli.commands.policies.saved_versions import register_saved
from pipelines.cli.options import Mapping
from pipelines.console import err, out

Accounts = Annotated[
    str | None, typer.Option("--data", help="A source, to check the segments and regions that the policy names.")
]
File = Annotated[Path | None, typer.Argument(metavar="FILE", help="The policy file. Default: the one in use.")]
policy = typer.Typer(help="Check, explain, draw or rehearse a policy; save versions of it.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    policy_drawings.register(policy)
    policy_rehearsal.register(policy)
    register_saved(policy)
    app.add_typer(policy, name="policy")


@policy.command()
def check(file: File = None, data: Accounts = None, mapping: Mapping = None) -> None:
    """List every error in a policy file with its line. Ends with 2 if there is one.

    With --data it also warns of segments and regions that no account of that source has.
    """
    from serving.policy.definition.policy_file import PolicyError

    settings = configuration.load(policy=file, data=data, mapping=mapping)
    try:
        checked = policy_of_command(settings, file)
    except PolicyError as error:
        for problem in error.problems:
            err.print(problem, markup=False)
        raise typer.Exit(error.exit_code) from None
    for hint in checked.hints:
        err.print(f"Warning: {hint}", markup=False)
    if data is not None:
        from pipelines.sources.source_check import unknown_policy_names
        from serving.night_report.report_text import warning_line

        for warning in unknown_policy_names(checked, settings):
            err.print(f"Warning: {warning_line(warning)}", markup=False)
    out.print(f"The policy is valid. Its version is {checked.version}.", markup=False)


@policy.command()
def explain(
    file: File = None,
    columns: Annotated[bool, typer.Option("--columns", help="List the columns that conditions may use.")] = False,
) -> None:
    """Describe in words what a policy does."""
    from serving.policy.definition import explanation

    settings = configuration.load(policy=file)
    loaded = policy_of_command(settings, file)
    if columns:
        from pipelines.extensions.load_extensions import own_features

        text = explanation.list_columns(loaded, settings.declared_metrics, own_features(settings))
    else:
        text = explanation.explain(loaded, assembly.channel_kinds(settings))
    out.print(text, markup=False, end="")
