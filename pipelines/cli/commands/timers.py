"""``rescue timers``: SLA timers and snoozed cases, between two nights."""

from typing import Annotated

import typer

from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Home, PolicyFile
from pipelines.console import err, out


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Update SLA timers: wake, escalate, record breaches.")(timers)


def timers(
    home: Home = None,
    policy: PolicyFile = None,
    deliver: Annotated[
        bool, typer.Option(help="Send the resulting messages at once; otherwise `rescue deliver` sends them.")
    ] = True,
    trust_clock: Annotated[
        bool, typer.Option("--trust-clock", help="The clock is right, although the timers stopped because of it.")
    ] = False,
) -> None:
    """Wake snoozed cases, take the steps of escalation paths that are due, record SLA breaches, and update incidents.

    Run it every minute, for example from cron; while `rescue watch` runs, it does nothing. Where the clock of this
    machine has jumped, it changes nothing and ends with 1.
    """
    from pipelines.night.operators import check_operation
    from pipelines.timer_round import policy_or_error, run_round
    from serving.incidents.timer_lease import this_process

    settings = configuration.load(home=home, policy=policy)
    loaded, problem = policy_or_error(settings)
    with assembly.open_queue(settings) as store:
        report = run_round(
            settings, store, loaded, holder=this_process("rescue timers"), send=deliver, trust_clock=trust_clock
        )
        check_operation(settings, store)
    if report.held_by is not None:
        out.print(f"Nothing was done: {report.held_by.shown} runs the timers.", markup=False, soft_wrap=True)
        return
    if report.cases.alarm is not None:
        err.print(f"Warning: {report.cases.alarm}", markup=False, soft_wrap=True)
        raise typer.Exit(1)
    for line in report.sentences:
        out.print(line, markup=False, soft_wrap=True)
    if problem is not None:
        raise problem
