"""One digest per person and morning, whatever dies when, and however many processes send."""

import json
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from support.nights.killed_digests import send_and_die, send_to
from support.nights.night_crashes import PROCESSES
from support.nights.path_world import PathWorld, rules_text

from serving.store.exchange import DIGEST, DigestRow, Message

PEOPLE = """
[people.ann]
addresses = { mail = "ann@team.example" }
[people.bob]
addresses = { mail = "bob@team.example" }
[people.cid]
[people.eve]
[people.fay]

[roles]
"support lead" = "bob"
"""
MORNING = datetime.fromisoformat("2026-01-02T08:00")


@pytest.fixture
def world(migrated_sqlite: Path, tmp_path: Path) -> Iterator[PathWorld]:
    text = rules_text(PEOPLE, "escalate_after_hours = [100]").replace("respond_hours = 4", "respond_hours = 30")
    opened = PathWorld.open(migrated_sqlite, tmp_path, text, account="Acme GmbH")
    yield opened
    opened.close()


def digests(folder: Path) -> dict[str, list[str]]:
    """The ids of the digests that arrived, by person."""
    found: dict[str, list[str]] = {}
    for file in sorted(folder.rglob("*.json")):
        content = json.loads(file.read_text())
        if content["type"] == DIGEST:
            found.setdefault(content["data"]["to"], []).append(file.stem)
    return found


@pytest.mark.parametrize("point", ["composing", "before the commit", "after the delivery"])
def test_killed_anywhere_each_person_gets_one(world: PathWorld, tmp_path: Path, point: str) -> None:
    url, folder = world.store.url.render_as_string(hide_password=False), tmp_path / "mail"
    for _ in range(2):
        process = PROCESSES.Process(target=send_and_die, args=(url, folder, MORNING, point))
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
    for minutes in (0, 6, 30):  # a message that was sent and not noted is sent again when its lease ends
        send_to(url, folder, MORNING + timedelta(minutes=minutes))
    arrived = digests(folder)
    assert {person: len(ids) for person, ids in arrived.items()} == {"ann": 1, "bob": 1}  # a repeat has the same id
    with world.store.reading() as session:
        rows = session.scalar(select(func.count()).select_from(DigestRow))
        waiting = session.scalar(select(func.count()).where(Message.status == "pending"))
        written = session.scalar(select(func.count()).where(Message.kind == DIGEST))
    assert (rows, written, waiting) == (2, 2, 0)


def test_many_processes_at_once_write_one(world: PathWorld, tmp_path: Path) -> None:
    url = world.store.url.render_as_string(hide_password=False)
    processes = [PROCESSES.Process(target=send_to, args=(url, tmp_path / str(place), MORNING)) for place in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert {person: len(ids) for person, ids in digests(tmp_path).items()} == {"ann": 1, "bob": 1}
