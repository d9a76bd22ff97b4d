"""Many nights with random faults leave the queue that the same nights without faults leave, on both databases."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from support.nights.local_receivers import Receiver, http_receiver
from support.nights.night_home import WORLD, NightHome
from support.soak.fault_plan import FAULTS, plan_nights
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


@pytest.fixture(autouse=True)
def private_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The umask that the command has, and a file for the tracebacks of attempts that crash."""
    monkeypatch.setenv("SOAK_CRASHES", str(tmp_path / "crashes.txt"))
    before = os.umask(PRIVATE)
    yield
    os.umask(before)


def play(world: NightlySource, home: Path, first: date, url: str | None, receiver: Receiver) -> Iterator[SoakRun]:
    """A run with its own home and database."""
    settings = SoakSettings(str(world.folder), home, home.parent / f"{home.name}.toml", url, receiver.url)
    with Store(url or f"sqlite:///{home / 'rescue.db'}") as store:
        store.migrate()
        yield SoakRun(world, settings, store, receiver, first)


def compare(
    trained: Path,
    whole: Path,
    folder: Path,
    first: date,
    until: date,
    nights: int,
    urls: list[str | None],
    *,
    each: bool,
    kinds: Sequence[str] = FAULTS,
) -> None:
    """Play the nights once without faults, and once with them for each database."""
    plans = plan_nights(nights, seed=19, kinds=kinds, each=each)

    def run(name: str, url: str | None, expected: list[Content] | None, *script: object) -> list[Content]:
        home = shutil.copytree(trained, folder / name / "home")
        world = NightlySource(whole, folder / name / "data", until)
        with http_receiver(*script) as receiver:
            for soak in play(world, home, first, url, receiver):
                contents = soak.play(plans, expected)
                check_messages(soak)
                print(json.dumps({"run": name, "actions": soak.actions, **soak.events}, indent=1, sort_keys=True))
        return contents

    clean = run("clean", None, None)
    for place, url in enumerate(urls):
        faulty = run(f"faulty-{place}", url, clean, *UNRELIABLE)
        assert_equal(faulty[-1], clean[-1], "the last queue")


def check_messages(soak: SoakRun) -> None:
    """Every message arrived; what arrived twice has the same id and says the same."""
    with soak.store.reading() as session:
        sent = {message.id for message in session.query(Message).where(Message.status == "sent")}
    arrived = {}
    for headers, body in soak.receiver.requests:
        data = json.loads(body)["data"]
        assert arrived.setdefault(headers["webhook-id"], data) == data
    assert set(arrived) == sent
    assert sent


def test_two_nights_with_a_few_kinds_of_faults(night_home: NightHome, tmp_path: Path) -> None:
    trained = night_home.copy(tmp_path / "trained")
    (trained / "rescue.db").unlink()
    shutil.rmtree(trained / "nights")
    compare(trained, night_home.data, tmp_path, WORLD.until, WORLD.until, 2, [None], each=True, kinds=FEW_FAULTS)


@pytest.mark.soak
@pytest.mark.postgres
def test_sixty_nights_with_faults(tmp_path: Path, postgres_database: Callable[[bool], str]) -> None:
    """About 300 accounts; retraining in the middle; 13 kinds of faults, about 70 of them, in each of two databases."""
    nights, world = 60, SimulatorSettings(accounts=300, months=20, seed=19)
    simulate_world(world, tmp_path / "world")
    first = world.until - timedelta(days=nights)
    trained = tmp_path / "trained"
    settings = configuration.load(data=str(tmp_path / "world"), home=trained)
    train_from(settings, "all", first, 0, Steps(quiet=True))
    compare(
        trained, tmp_path / "world", tmp_path, first, world.until, nights, [None, postgres_database(True)], each=False
    )
