"""``rescue simulate``: a world of accounts whose true risks are known."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.console import Steps, out


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Invent accounts, their source, and their true risks.")(simulate)


def simulate(
    accounts: Annotated[int, typer.Option(help="How many accounts.")],
    to_folder: Annotated[Path, typer.Option("--out", help="A new or empty folder.")],
    months: Annotated[int, typer.Option(help="How long they are watched.")] = 24,
    seed: Annotated[int, typer.Option(help="The same seed gives the same world.")] = 7,
    by_user: Annotated[bool, typer.Option("--by-user", help="Write usage by pseudonymous user.")] = False,
    rescues: Annotated[int, typer.Option(help="Accounts that a team works a month from the second year on.")] = 0,
    world: Annotated[
        str, typer.Option(help="real: with the situations of real sources; plain: without them.")
    ] = "real",
    flaws: Annotated[float, typer.Option(help="Share of bad rows that are mixed in.")] = 0.001,
) -> None:
    """Invent accounts with a causal life, and write what a source would have recorded of it, and the true risks."""
    from pipelines.simulator import SimulatorSettings
    from pipelines.simulator import simulate_world

    settings = SimulatorSettings(
        accounts=accounts, months=months, seed=seed, by_user=by_user, rescues=rescues, flaws=flaws, world=world
    )
    steps = Steps()
    with steps.step("simulate", f"Simulating {accounts:,} accounts over {months} months"):
        rows = simulate_world(settings, to_folder, steps.tell)
    out.print(f"{to_folder}: " + ", ".join(f"{name} {count:,}" for name, count in rows.items()), markup=False)
