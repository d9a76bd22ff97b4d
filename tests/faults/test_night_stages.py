"""The real night, killed by the operating system at each of its stages, on a queue that was in use."""

import json
import os
import signal
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import func, select
from support.nights.night_crashes import PROCESSES
from support.nights.night_home import NightHome, timeless

from pipelines import settings as configuration
from pipelines.console import Steps
from pipelines.night.night import run_nights
from pipelines.step_runner import plain_runner
from serving.operations.attempts import newest_attempt
from serving.store import Store
from serving.store.decision_tables import HeldOutRow, SetAside, StreakRow, Waiting
from serving.store.queries import night_queries
from serving.store.tables import Account, Case, FrozenHandoff, NightRow, Score

BEFORE = ("validate", "models", "features", "score", "decide", "outcomes")
AFTER = ("record", "timers")
WRITTEN = (Score, Case, FrozenHandoff, Waiting, HeldOutRow, SetAside, StreakRow, Account)
STEPS = Steps(quiet=True)


def settings_of(data: str, home: Path) -> configuration.Settings:
    return configuration.load(data=data, home=home)


def night_until(data: str, home: Path, as_of: date, stage: str) -> None:
    """The night, killed when a stage is done and before the next begins."""
    run_step = plain_runner(STEPS)

    def dying(name: str, text: str, step: Any, *args: object) -> Any:
        result = run_step(name, text, step, *args)
        if name == stage:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    run_nights(settings_of(data, home), as_of, dying, STEPS)


def test_a_night_killed_after_any_stage_is_a_clean_night_after_the_next_run(
    night_home: NightHome, tmp_path: Path
) -> None:
    as_of, data = night_home.first.as_of + timedelta(days=1), str(night_home.data)
    clean, home, late = (night_home.copy(tmp_path / name) for name in ("clean", "home", "late"))
    before = left(home)
    run_nights(settings_of(data, clean), as_of, plain_runner(STEPS), STEPS)
    for stage in BEFORE:
        kill_after(stage, data, home, as_of)
        assert left(home) == before, f"killed after {stage}"
        end_the_lease(home, as_of)
    for stage, queue in zip(AFTER, (home, late), strict=True):
        kill_after(stage, data, queue, as_of)
        assert left(queue) == left(clean), f"killed after {stage}"
        (again,) = run_nights(settings_of(data, queue), as_of, plain_runner(STEPS), STEPS)
        assert again.unchanged
        assert newest_step(queue) == ("recorded", "timers"), "the rerun goes on where the killed attempt ended"
        assert left(queue) == left(clean)
        assert kept(queue, as_of) == kept(clean, as_of), "a recorded night has its report and the rows that it refused"


def newest_step(home: Path) -> tuple[str, str | None]:
    """How the newest attempt ended, and its last step."""
    with Store(f"sqlite:///{home / 'rescue.db'}") as store, store.reading() as session:
        newest = newest_attempt(session)
        return newest.outcome, newest.step


def kill_after(stage: str, data: str, home: Path, as_of: date) -> None:
    process = PROCESSES.Process(target=night_until, args=(data, home, as_of, stage))
    process.start()
    process.join(600)
    assert process.exitcode == -signal.SIGKILL, f"{stage} was not reached"


def left(home: Path) -> tuple[list[str], dict[str, int], list[dict[str, Any]]]:
    """What the queue holds of nights: their content, how many rows of everything, and the cases as they are listed."""
    with Store(f"sqlite:///{home / 'rescue.db'}") as store, store.reading() as session:
        recorded = select(NightRow.content_hash).where(NightRow.status == "recorded").order_by(NightRow.as_of)
        counts = {row.__tablename__: session.scalar(select(func.count()).select_from(row)) or 0 for row in WRITTEN}
        return (
            [str(one) for one in session.scalars(recorded)],
            counts,
            timeless(case.model_dump() for case in night_queries.open_queue(session)),
        )


RUNS = {"run_id", "seconds", "queue"}
"""What two runs of one night say differently."""


def kept(home: Path, as_of: date) -> tuple[dict[str, Any], dict[str, pa.Table]]:
    """What lies in the night's folder: its report, but for what tells runs apart, and the rows in quarantine."""
    folder = home / "nights" / as_of.isoformat()
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    refused = {file.name: pq.read_table(file) for file in sorted((folder / "quarantine").iterdir())}
    return {name: told for name, told in report.items() if name not in RUNS}, refused


def end_the_lease(home: Path, as_of: date) -> None:
    """An hour later; a night that died while it read its data had not begun yet."""
    with Store(f"sqlite:///{home / 'rescue.db'}") as store, store.transaction() as session:
        if row := session.get(NightRow, as_of):
            row.lease_until -= timedelta(hours=1)
