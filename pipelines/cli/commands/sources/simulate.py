"""``rescue simulate``: simulated accounts whose true risks are known."""

from pathlib import Path
from typing import Annotated

import typer

from features.errors import UsageError
from pipelines.cli.options import require_one_of
from pipelines.console import Steps, out


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Write a simulated source, with the true risks.")(simulate)


def simulate(
    accounts: Annotated[int, typer.Option(help="Number of accounts.")],
    to_folder: Annotated[Path, typer.Option("--out", help="A new or empty folder.")],
    months: Annotated[int, typer.Option(help="Number of months.")] = 24,
    seed: Annotated[int, typer.Option(help="The same seed gives the same source.")] = 7,
    by_user: Annotated[bool, typer.Option("--by-user", help="Write usage per (pseudonymous) user.")] = False,
    rescues: Annotated[int, typer.Option(help="Accounts that a team works per month, from the second year on.")] = 0,
    world: Annotated[
        str, typer.Option(help="real: with the situations of real sources; plain: without them.")
    ] = "real",
    flaws: Annotated[float, typer.Option(help="Share of invalid rows.")] = 0.001,
    shape: Annotated[
        str,
        typer.Option(
            help="contract: the tables of the contract; vendors: the same company as Salesforce, Zendesk, Stripe and "
            "product usage, with a rescue.toml that reads them."
        ),
    ] = "contract",
) -> None:
    """Simulate accounts, and write the tables that a source would have recorded and the true risks."""
    from pipelines.simulator import SimulatorSettings, simulate_world
    from pipelines.simulator.vendor_shapes import simulate_vendors

    require_one_of(shape, ("contract", "vendors"), "--shape")
    if shape == "vendors" and by_user:
        raise UsageError("--by-user is for --shape contract: the vendors' shape counts usage by account.")

    settings = SimulatorSettings(
        accounts=accounts, months=months, seed=seed, by_user=by_user, rescues=rescues, flaws=flaws, world=world
    )
    steps = Steps()
    with steps.step("simulate", f"Simulating {accounts:,} accounts over {months} months"):
        write = simulate_vendors if shape == "vendors" else simulate_world
        rows = write(settings, to_folder, steps.log)
    out.print(f"{to_folder}: " + ", ".join(f"{name} {count:,}" for name, count in rows.items()), markup=False)
