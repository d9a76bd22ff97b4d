"""A small world with a trained champion in its home, made once a run: what tests of whole nights start from."""

import json
import shutil
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipelines import settings as configuration
from pipelines.console import Steps
from pipelines.night.night import run_nights
from pipelines.simulator import SimulatorSettings, simulate_world
from pipelines.step_runner import plain_runner
from serving.night_report.report_schema import NightReport
from support.plain_cards import without_plots
from support.shared_builds import build_once

WORLD = SimulatorSettings(accounts=150, months=15, seed=11, rescues=2, world="plain")


@dataclass(frozen=True)
class NightHome:
    """A source, the home of its first night, and what that night reported."""

    data: Path
    home: Path
    first: NightReport

    def copy(self, to: Path) -> Path:
        """A home of its own for a test that writes."""
        shutil.copytree(self.home, to)
        return to


@pytest.fixture(scope="session")
def night_home(tmp_path_factory: pytest.TempPathFactory) -> NightHome:
    """The world and its first night, which had to train; each worker has a copy of the home, for tests that read."""
    folder = build_once(tmp_path_factory, "night", _run_first_night)
    home = shutil.copytree(folder / "home", tmp_path_factory.mktemp("night") / "home")
    first = NightReport.from_json(json.loads((folder / "first.json").read_text(encoding="utf-8")))
    return NightHome(folder / "data", home, first)


def _run_first_night(folder: Path) -> None:
    simulate_world(WORLD, folder / "data")
    settings = configuration.load(data=str(folder / "data"), home=folder / "home")
    steps = Steps(quiet=True)
    with without_plots():
        (first,) = run_nights(settings, WORLD.until, plain_runner(steps), steps)
    (folder / "first.json").write_text(json.dumps(first.to_json()), encoding="utf-8")


def timeless(cases: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Cases without their clocks: a promise counts from the minute at which its case was opened, whatever the night."""
    return [{name: told for name, told in case.items() if name not in ("respond_by", "resolve_by")} for case in cases]


def queue_content(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the queue, without the record of attempts and the outbox, which a night that stops writes too."""
    with closing(sqlite3.connect(home / "rescue.db")) as queue:
        names = [name for (name,) in queue.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        kept = [name for name in names if name not in {"attempts", "outbox"}]
        return {name: queue.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in kept}
