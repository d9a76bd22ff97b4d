"""Many nights with random faults leave the queue that the same nights without faults leave, on both databases."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from support.nights.local_receivers import http_receiver
from support.nights.night_home import WORLD, NightHome
from support.soak.fault_plan import NightPlan, plan_nights
from support.soak.nightly_source import NightlySource
from support.soak.soak_night import SoakSettings
from support.soak.soak_run import Content, SoakRun, assert_equal

from pipelines import settings as configuration
from pipelines.__main__ import PRIVATE
from pipelines.console import Steps
from pipelines.simulator import SimulatorSettings, simulate_world
from pipelines.training.train_models import train_from
from serving.store import Store
from serving.store.exchange import Message

FEW_FAULTS = (
    "kill at a statement",
    "kill after a step",
    "full disk",
    "truncated export",
    "clock ahead for the timers",
    "clock behind for the timers",
)
"""What the everyday suite has time for."""
UNRELIABLE = [200, 500, 200, 503, "drop", 200, 429, 200, 500, 200] * 400
"""Answers of the receiver in a run with faults."""


@pytest.fixture(autouse=True, scope="module")
def private_files() -> Iterator[None]:
    """The umask that the command has."""
    before = os.umask(PRIVATE)
    yield
    os.umask(before)


@dataclass(frozen=True)
class Soak:
    """The nights of a test: the world, a home with models, and what happens on each night."""

    whole: Path
    trained: Path
    first: date
    until: date
    plans: list[NightPlan]

    def play(self, folder: Path, url: str | None, expected: list[Content] | None, *script: object) -> list[Content]:
        """The nights in a home and a database of their own: without faults, or with ``expected`` to compare with."""
        home = shutil.copytree(self.trained, folder / "home")
        world = NightlySource(self.whole, folder / "data", self.until)
        with http_receiver(*script) as receiver, Store(url or f"sqlite:///{home / 'rescue.db'}") as store:
            store.migrate()
            settings = SoakSettings(str(world.folder), home, folder / "home.toml", url, receiver.url)
            run = SoakRun(world, settings, store, receiver, self.first)
            contents = run.play(self.plans, expected)
            check_messages(run)
        print(json.dumps({"folder": folder.name, "actions": run.actions, **run.events}, indent=1, sort_keys=True))
        return contents


def check_messages(run: SoakRun) -> None:
    """Every message arrived; what arrived twice has the same id and says the same."""
    with run.store.reading() as session:
        sent = {message.id for message in session.query(Message).where(Message.status == "sent")}
    arrived = {}
    for headers, body in run.receiver.requests:
        data = json.loads(body)["data"]
        assert arrived.setdefault(headers["webhook-id"], data) == data
    assert set(arrived) == sent
    assert sent


def test_two_nights_with_a_few_kinds_of_faults(night_home: NightHome, tmp_path: Path) -> None:
    trained = night_home.copy(tmp_path / "trained")
    (trained / "rescue.db").unlink()
    shutil.rmtree(trained / "nights")
    plans = plan_nights(2, seed=19, kinds=FEW_FAULTS, each=True)
    nights = Soak(night_home.data, trained, WORLD.until, WORLD.until, plans)
    clean = nights.play(tmp_path / "clean", None, None)
    faulty = nights.play(tmp_path / "faulty", None, clean, *UNRELIABLE)
    assert_equal(faulty[-1], clean[-1], "the last queue")


@pytest.fixture(scope="module")
def sixty_nights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Soak, list[Content]]:
    """Sixty nights of about 300 accounts, and what they leave without faults: both databases are compared with it."""
    folder = tmp_path_factory.mktemp("soak")
    nights, world = 60, SimulatorSettings(accounts=300, months=20, seed=19)
    simulate_world(world, folder / "world")
    first = world.until - timedelta(days=nights)
    trained = folder / "trained"
    train_from(configuration.load(data=str(folder / "world"), home=trained), "all", first, 0, Steps(quiet=True))
    soak = Soak(folder / "world", trained, first, world.until, plan_nights(nights, seed=19))
    return soak, soak.play(folder / "clean", None, None)


@pytest.mark.soak
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_sixty_nights_with_faults(
    database: str, sixty_nights: tuple[Soak, list[Content]], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Retraining in the middle, and 13 kinds of faults, about 70 of them: each night leaves what it leaves without."""
    url = request.getfixturevalue("postgres_database")(True) if database == "postgres" else None
    soak, clean = sixty_nights
    faulty = soak.play(tmp_path / database, url, clean, *UNRELIABLE)
    assert_equal(faulty[-1], clean[-1], "the last queue")
