"""What the rescue team did, returned as data: outcomes for every night and training, adjusted health for the CRM.

Outcomes are read from the queue whenever the source is read, so the next night uses a verdict whether or not it was
exported. Adjusted health leaves Rescue: it is written for the CRM, each row marked ``source = "rescue"``, and is
recognised by that mark wherever it comes back from. Frames are built without marked rows, so a closed case cannot heal
an account by itself. It is measured at the last second before its day, like a score at that day's end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.errors import UsageError
from pipelines import assembly
from pipelines.scratch import scratch_folder
from pipelines.settings import Settings
from pipelines.sources.source_guard import refuse_other_source
from pipelines.sources.validated_source import validate_source_step
from pipelines.system_clock import refuse_future_day, today
from serving.cases.health_adjustments import SOURCE, adjusted_health
from serving.cases.outcomes import outcomes

if TYPE_CHECKING:
    from features.history.history import History
    from pipelines.console import Steps


@dataclass(frozen=True)
class CollectedFeedback:
    """The ``outcomes`` so far, and the health at the end of one day that verdicts still adjust."""

    as_of: date
    outcomes: pa.Table
    health: pa.Table

    def write(self, folder: Path) -> dict[str, Path]:
        """Write ``outcomes.parquet`` (the whole of it) and ``health_scores.parquet`` (this day added to those before).

        A second run of one day replaces that day's rows.
        """
        folder.mkdir(parents=True, exist_ok=True)
        health = folder / "health_scores.parquet"
        rows = _beside(health, self.health)
        tables = {"outcomes": self.outcomes, "health_scores": rows}
        return {name: _write(table, folder / f"{name}.parquet") for name, table in tables.items()}

    def to_json(self) -> dict[str, Any]:
        """Counts, in total and by verdict."""
        verdicts = self.outcomes["verdict"].drop_null().value_counts().to_pylist()
        return {
            "as_of": self.as_of.isoformat(),
            "outcomes": self.outcomes.num_rows,
            "accounts": len(self.outcomes["account_id"].unique()),
            "verdicts": {row["values"]: row["counts"] for row in sorted(verdicts, key=lambda row: row["values"])},
            "adjusted": self.health.num_rows,
        }


def collect(settings: Settings, as_of: date | None, folder: Path | None, steps: Steps) -> CollectedFeedback:
    """Read the queue's outcomes, adjust the newest measured health by them, and write both as tables.

    The health is that at the beginning of ``as_of``, by default the first day after the source's newest row; the tables
    go to ``folder``, by default ``feedback`` in the home folder.

    Raises:
        UsageError: the folder cannot be written, or the queue is that of another source.
        DataGateError: the source is not fit to be read.
    """
    with scratch_folder() as scratch, assembly.open_queue(settings) as store:
        refuse_other_source(settings, store)
        history = validate_source_step(settings, scratch, steps).history
        day = as_of or history.until
        refuse_future_day(day, history.until, today(settings.timezone))
        with steps.step("collect", "Collecting verdicts and adjusting health"):
            health = adjusted_health(store, measured(history, day), end_before(day))
            feedback = CollectedFeedback(day, outcomes(store), health)
    try:
        feedback.write(folder or settings.home / "feedback")
    except OSError as error:
        raise UsageError(f"The folder {folder} cannot be written: {error.strerror}.") from None
    return feedback


def measured(history: History, as_of: date) -> pa.Table:
    """The newest measured health of each account: ``account_id``, ``score`` and ``source``, none of them our own."""
    rows = history.as_of(as_of).rows("health_scores")
    own = pc.fill_null(pc.equal(rows["source"], SOURCE), False)
    newest = rows.filter(pc.invert(own)).group_by("account_id", use_threads=False)
    last = newest.aggregate([("score", "last"), ("source", "last")])
    return last.rename_columns({"score_last": "score", "source_last": "source"})


def end_before(day: date) -> datetime:
    """The last second before a day begins: what is measured then is known at its beginning."""
    return datetime.combine(day, time()) - timedelta(seconds=1)


def _beside(file: Path, rows: pa.Table) -> pa.Table:
    if not file.is_file():
        return rows
    earlier = pq.read_table(file)
    if rows.num_rows:
        earlier = earlier.filter(pc.not_equal(earlier["measured_at"], rows["measured_at"][0]))
    return pa.concat_tables([earlier.cast(rows.schema), rows])


def _write(table: pa.Table, file: Path) -> Path:
    half = file.with_name(f".{file.name}")
    pq.write_table(table, half)
    half.replace(file)
    return file


def feedback_text(feedback: CollectedFeedback) -> str:
    """The result in one line for a person."""
    facts: Mapping[str, Any] = feedback.to_json()
    verdicts = ", ".join(f"{count} {name}" for name, count in facts["verdicts"].items()) or "none yet"
    return (
        f"{facts['outcomes']} outcomes of {facts['accounts']} accounts (verdicts: {verdicts}); "
        f"health of {facts['adjusted']} accounts adjusted as of {feedback.as_of}."
    )
