"""From settings to a folder of tables, month by month."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np

from features.errors import UsageError
from pipelines.simulator.flaws import add_flaws
from pipelines.simulator.simulation import Simulation
from pipelines.simulator.simulator_settings import SimulatorSettings
from pipelines.simulator.situations import NIGHT, RealWorld
from pipelines.simulator.writing import LARGE, Folder

HOLDOUT = 0.2
"""The share of the accounts a team would work that is left alone, so that the effect can be measured."""


def simulate_world(
    settings: SimulatorSettings, out: Path, progress: Callable[[str], None] = lambda line: None
) -> dict[str, int]:
    """Write a world to the folder ``out``, which has to be new or empty; how many rows each table has.

    ``progress`` is given one line a month.
    """
    prepare_folder(out)
    began = time.monotonic()
    world, folder, totals = Simulation(settings), Folder(out, large=settings.accounts >= LARGE), Counter[str]()
    team = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(2**21,)))
    real = RealWorld(settings, world.accounts, world.monthly) if settings.world == "real" else None
    flaws = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(2**22,)))
    for month, following in pairwise(months(settings)):
        last = real is not None and following == settings.until
        tables = world.advance(following, after=NIGHT if last else timedelta(0))
        if real is not None:
            tables = real.apply(tables, month, following)
        tables = add_flaws(tables, settings.flaws, flaws)
        totals.update(folder.write(tables, month))
        progress(f"{month:%Y-%m}: {totals.total():,} rows, {time.monotonic() - began:.0f} s")
        if settings.rescues and (following - settings.start).days >= 365:
            chosen = world.worst(settings.rescues)
            world.rescue(chosen, holdout=(team.random(len(chosen)) < HOLDOUT).tolist())
    folder.close()
    return dict(totals)


def months(settings: SimulatorSettings) -> Iterator[date]:
    """The first day of every month of the world, and of the one after."""
    first = settings.start.year * 12 + settings.start.month - 1
    for month in range(first, first + settings.months):
        yield date(month // 12, month % 12 + 1, 1)
    yield settings.until


def prepare_folder(out: Path) -> None:
    """Create the folder of a world.

    Raises:
        UsageError: it is not empty, or cannot be written.
    """
    if out.is_dir() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty: give --out a new folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write to {out}: {error.strerror}") from error
