"""A simulated company whose team works the queue: nights are run, and the accounts that they raise are rescued.

On one's own data nobody knows what the work of the team achieved. Here it is known, because the simulation sets it: an
account that was worked leaves less often for half a year. So this is the place to see what a measurement would find.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import UsageError
from models.risks.configuration import configured
from pipelines.notebook.notebook_source import NotebookSource, open_notebook_source
from pipelines.notebook.progress_steps import ProgressSteps
from pipelines.notebook.queue_views import run_night

if TYPE_CHECKING:
    import pyarrow as pa

LEAVING = "contract"
"""The kind of risk that a rescue changes in the simulation; the others are switched off, which is quicker."""

NOT_IN_A_SOURCE = ("truth", "outcomes")
"""Tables of the simulator that a company would not have: the true risks, and actions that the queue records itself."""


@dataclass(frozen=True)
class SimulatedTeam:
    """What is simulated: a company, its nights, and how much a rescue helps.

    ``nights`` are run, one at the end of each of the last months. A rescue multiplies the account's risk of leaving by
    ``effect`` for half a year; 1 means that rescues do nothing.
    """

    accounts: int = 600
    months: int = 21
    nights: int = 9
    effect: float = 0.5
    seed: int = 3


def simulate_team(folder: Path, policy: Path | None, team: SimulatedTeam, *, progress: bool) -> NotebookSource:
    """Simulate the company into ``folder/data``, with its nights in ``folder/home``; the source as it is at the end."""
    from pipelines.simulator.simulation import Simulation
    from pipelines.simulator.simulator_settings import SimulatorSettings

    settings = SimulatorSettings(accounts=team.accounts, months=team.months, seed=team.seed, world="plain", flaws=0.0)
    company = Simulation(settings)
    tables: dict[str, list[pa.Table]] = {}
    steps = ProgressSteps(quiet=not progress)
    source: NotebookSource | None = None
    with steps.step("team", f"Simulating {team.accounts:,} accounts and their nights"):
        for night, day in enumerate(_month_ends(settings.start, settings.until), start=1 + team.nights - team.months):
            _add(tables, company.advance(day))
            if night > 0:
                steps.log(f"night {night} of {team.nights}")
                _write(folder / "data", tables)
                source = _open(folder, policy)
                cases = run_night(source, day).report.queue
                company.rescue([case.account_id for case in cases], effect=team.effect)
    if source is None:
        raise UsageError("A simulated team needs at least one night.")
    return replace(source, steps=steps)


def _month_ends(start: date, until: date) -> Iterator[date]:
    first, last = (day.year * 12 + day.month - 1 for day in (start, until))
    for month in range(first + 1, last + 1):
        yield date(month // 12, month % 12 + 1, 1)


def _add(tables: dict[str, list[pa.Table]], more: Mapping[str, pa.Table]) -> None:
    for name, rows in more.items():
        if name not in NOT_IN_A_SOURCE:
            tables.setdefault(name, []).append(rows)


def _write(folder: Path, tables: Mapping[str, list[pa.Table]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    for name, parts in tables.items():
        pq.write_table(pa.concat_tables(parts).unify_dictionaries(), folder / f"{name}.parquet")


def _open(folder: Path, policy: Path | None) -> NotebookSource:
    given = {} if policy is None else {"policy": policy}
    others = [name for name, forms in configured().items() if all(form.label.kind != LEAVING for form in forms)]
    off = {name: {"kind": "none"} for name in others}
    return open_notebook_source(folder / "data", None, folder / "home", False, risks=off, **given)
