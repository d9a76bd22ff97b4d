"""A disk that becomes full during a night by ranges: one sentence, the queue as it was, and the next run complete."""

import resource
from datetime import date, timedelta
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import pytest
from sqlalchemy import select
from support.nights.night_crashes import PROCESSES
from support.nights.night_home import NightHome

from features import frame
from features.engine.memory_budget import Budget
from features.errors import RescueError
from pipelines import settings as configuration
from pipelines.console import Steps
from pipelines.night.night import run_nights
from pipelines.step_runner import plain_runner
from serving.night_report.report_schema import NightReport
from serving.store import Store
from serving.store.tables import NightRow


def night(data: Path, home: Path, as_of: date) -> NightReport:
    """A night whose accounts are computed by ranges."""
    steps, usual = Steps(quiet=True), frame.Budget.of
    frame.Budget.of = lambda *_: Budget(100, 100)  # type: ignore[method-assign]
    try:
        (report,) = run_nights(configuration.load(data=str(data), home=home), as_of, plain_runner(steps), steps)
        return report
    finally:
        frame.Budget.of = usual  # type: ignore[method-assign]


def night_with_room(data: Path, home: Path, as_of: date, room: int, said: SimpleQueue[str]) -> None:
    """The night where no file may grow past ``room`` bytes, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    try:
        night(data, home, as_of)
        said.put("wrote")
    except RescueError as error:
        said.put(f"{error.exit_code} {error}")


def recorded(home: Path) -> list[tuple[date, str | None]]:
    with Store(f"sqlite:///{home / 'rescue.db'}") as store, store.reading() as session:
        rows = select(NightRow.as_of, NightRow.content_hash).where(NightRow.status == "recorded")
        return [(row.as_of, row.content_hash) for row in session.execute(rows.order_by(NightRow.as_of))]


@pytest.mark.parametrize(
    ("room", "sentence"),
    [(2_000, "nothing was written; look at the file"), (100_000, "The disk is full, and this step wrote nothing")],
    ids=["queue", "scratch"],
)
def test_a_full_disk_leaves_the_queue_as_it_was(
    night_home: NightHome, tmp_path: Path, room: int, sentence: str
) -> None:
    as_of = night_home.first.as_of + timedelta(days=1)
    home = night_home.copy(tmp_path / "home")
    before, said = recorded(home), PROCESSES.SimpleQueue()
    process = PROCESSES.Process(target=night_with_room, args=(night_home.data, home, as_of, room, said))
    process.start()
    process.join(120)
    assert process.exitcode == 0
    outcome = said.get()
    assert outcome.startswith("1 "), outcome
    assert sentence in outcome
    assert recorded(home) == before
    night(night_home.data, home, as_of)
    assert [day for day, _ in recorded(home)] == [*(day for day, _ in before), as_of]
