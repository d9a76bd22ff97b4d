"""``rescue nightly``: tonight's queue."""

import gc
import json
from typing import Annotated

import typer

from pipelines import settings as configuration
from pipelines.cli.options import Data, Home, Json, Mapping, NightOf, PolicyFile, parse_day
from pipelines.console import Steps
from pipelines.environment import has_prefect_server, leave_out_pandas

COLLECT_RARELY = 500_000
"""New objects of a night after which the garbage collector looks for cycles: hundreds of thousands of rows pass through
it, and it would go through them again and again.
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Run one night: validate, score, decide, and update the queue.")(nightly)


def nightly(
    data: Data = None,
    as_of: NightOf = None,
    home: Home = None,
    policy: PolicyFile = None,
    mapping: Mapping = None,
    as_json: Json = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="Run without Prefect, even if PREFECT_API_URL is set.")
    ] = False,
    catch_up: Annotated[
        bool, typer.Option("--catch-up", help="First run the nights that were missed, in order.")
    ] = False,
) -> None:
    """Run one night: read and validate the source, score accounts, apply the policy, and update the queue.

    A night is recorded completely or not at all. A second run of the same night changes nothing. Without --as-of, a
    source without new rows stops the night with 3; so does a night in which nobody could be scored and no cancellation
    or trigger was found. If PREFECT_API_URL is set, the night is a flow run on that Prefect server, with one task for
    each step.
    """
    cutoff = parse_day(as_of, "--as-of")
    settings = configuration.load(data=data, home=home, policy=policy, mapping=mapping)
    gc.set_threshold(COLLECT_RARELY)
    if settings.extensions_folder is None:
        leave_out_pandas()
    steps = Steps(quiet=as_json)
    if plain or not has_prefect_server():
        from pipelines.night.night import run_nights
        from pipelines.step_runner import plain_runner

        reports = run_nights(settings, cutoff, plain_runner(steps), steps, catch_up=catch_up)
    else:
        from pipelines.flows.nightly_flow import run_quietly

        reports = run_quietly(settings, cutoff, steps, catch_up=catch_up)
    if as_json:
        typer.echo(json.dumps(reports[-1].to_json()))
        return
    from pipelines.cli.output.night_output import show_night

    for report in reports:
        show_night(report)
