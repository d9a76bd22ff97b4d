"""``rescue demo``: sixty past nights of a simulated company, worked by a simulated team."""

import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import parse_day
from pipelines.console import Steps, out

DEMO_HOME = Path(".rescue-demo")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Play sixty nights of a simulated company and team, to look at.")(demo)


def demo(
    home: Annotated[
        Path, typer.Option(help="A new folder, or that of an earlier demo, which is replaced.")
    ] = DEMO_HOME,
    nights: Annotated[int, typer.Option(min=2, max=120, help="How many nights.")] = 60,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="The last night. Default: today, in UTC.")] = None,
    accounts: Annotated[int, typer.Option(min=50, max=5000, help="How many accounts the company has.")] = 320,
    seed: Annotated[int, typer.Option(min=0, help="The same seed and last night give the same demo.")] = 11,
    show_next: Annotated[bool, typer.Option("--next/--no-next", help="Print at the end how to look at it.")] = True,
) -> None:
    """Play nights of a simulated company through the code that runs in production, worked by eight simulated people.

    It takes less than three minutes on two cores. Nothing is sent: messages to people are files in the folder `mail` of
    the home.
    """
    from pipelines.demo.demo_home import DemoHome
    from pipelines.demo.play_demo import DemoPlan, play_demo
    from pipelines.environment import set_defaults_of_libraries
    from serving.store.database import utcnow

    set_defaults_of_libraries()
    last: date = parse_day(until, "--until") or utcnow().date()
    plan = DemoPlan(until=last, nights=nights, accounts=accounts, seed=seed)
    steps = Steps()
    steps.log(expected_length(nights))
    with steps.step("demo", f"Playing {nights} nights"):
        report = play_demo(DemoHome(home), plan, steps.log)
    done = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in report.actions.items())
    out.print(f"{report.nights} nights up to {last.isoformat()}; actions: {done}.", markup=False, soft_wrap=True)
    if not show_next:
        return
    config = DemoHome(home).settings_file
    command = f"RESCUE_CONFIG={config} {sys.argv[0]} review --demo"
    out.print(f"Next: make review, or {command}", markup=False, soft_wrap=True)


def expected_length(nights: int) -> str:
    """How long it takes to play so many nights on two cores."""
    from serving.night_report.report_text import plural

    minutes = 1 + round(nights / 30)
    return (
        f"This takes about {plural(minutes, 'minute')} on two cores. The first night trains the models and takes "
        "the longest; then there is a line every fifth night."
    )
