"""What there is to learn from in a source: weekly cutoffs, their frame, and each risk's labels.

Labels come first because they are cheap: a risk with too few events costs no frame. Of a large source the frame has the
rows of a sample (`pipelines.training.training_rows`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Protocol

from features.contract import TABLES
from features.errors import UsageError
from features.progress import listening
from models.learners.training_set import NotLearnableError, check_enough_events
from pipelines.console import StepProgress
from pipelines.training.training_rows import MOST_ROWS, TrainingRows, training_rows

if TYPE_CHECKING:
    import pyarrow as pa

    from features.frame import FrameBuilder
    from features.history.history import History
    from models.risks.risk import Risk


WARM_UP = 90
"""Days of history before the first cutoff, so that its windows are not half empty; a quarter of a shorter source."""

SHORTEST = 28
"""Days that a source must span."""


class RowChoice(Protocol):
    """Chooses the rows to learn from, as :func:`training_rows` does."""

    def __call__(
        self, history: History, wanted: Sequence[Risk], cutoffs: Sequence[date], most_rows: int, /
    ) -> TrainingRows:
        """The labels of each risk, and which rows they are."""


@dataclass(frozen=True)
class TrainingData:
    """The frame at ``cutoffs``, the labels of each risk that can be learned, and by name why the others cannot."""

    cutoffs: Sequence[date]
    frame: pa.Table
    labels: Mapping[str, pa.Table]
    not_learnable: Mapping[str, str]


def gather_training_data(
    history: History,
    wanted: Sequence[Risk],
    through: date,
    *,
    build: FrameBuilder,
    log: Callable[[str], None],
    grid: date | None = None,
    most_rows: int = MOST_ROWS,
    choose_rows: RowChoice = training_rows,
) -> TrainingData:
    """Gather the frame and the labels for the risks ``wanted`` from what was known before ``through``.

    ``grid`` is a cutoff of an earlier training, from which the weeks are counted (:func:`training_cutoffs`);
    ``most_rows`` the size from which rows are sampled; ``choose_rows`` chooses them where the history is.

    Raises:
        NotLearnableError: no risk can be learned; each reason is in the message.
    """
    cutoffs = training_cutoffs(history, through, grid=grid)
    with listening(StepProgress(log, "Computing labels")):
        chosen = choose_rows(history, wanted, cutoffs, most_rows)
    not_learnable = {}
    for risk in wanted:
        try:
            check_enough_events(chosen.labels[risk.name], risk)
        except NotLearnableError as error:
            not_learnable[risk.name] = str(error)
            log(str(error))
    if len(not_learnable) == len(wanted):
        raise NotLearnableError(" ".join(not_learnable.values()))
    sample = "" if chosen.rows is None else f", {int(chosen.rows.sum()):,} of {chosen.rows.size:,} rows"
    accounts = f"{len(history.accounts):,} accounts{sample}"
    log(f"Learning from {len(cutoffs)} cutoffs from {cutoffs[0]} to {cutoffs[-1]}, {accounts}")
    learnable = {name: rows for name, rows in chosen.labels.items() if name not in not_learnable}
    with listening(StepProgress(log, "Building features")):
        frame = build(history, cutoffs, rows=chosen.rows)
    return TrainingData(cutoffs, frame, learnable, not_learnable)


def training_cutoffs(history: History, through: date, every: int = 7, grid: date | None = None) -> list[date]:
    """Cutoffs every week, or every so many days, up to ``through``.

    With a ``grid``, the newest is the last day before or on ``through`` that is whole weeks from it, so that two
    trainings have cutoffs in common on whichever weekdays they end.

    Raises:
        UsageError: nothing was known before ``through``.
        NotLearnableError: the source is too short for a single cutoff.
    """
    first = _observed_from(history)
    span = (through - first).days
    if span <= 0:
        raise UsageError(f"There is nothing to learn before {through}: the data begin on {first}.")
    start = first + timedelta(days=min(WARM_UP, span // 4))
    last = through if grid is None else through - timedelta(days=(through - grid).days % every)
    weeks = [last - timedelta(days=back) for back in range(0, (last - start).days + 1, every)]
    if span < SHORTEST or not weeks:
        raise NotLearnableError(
            f"The source spans {span} days ({first} to {through}): too short to learn from; {SHORTEST} is the least."
        )
    return sorted(weeks)


def _observed_from(history: History) -> date:
    """The day from which there is something to learn from: accounts and contracts may be older than any event."""
    events = sorted(name for name in history.present if TABLES[name].starts_observation)
    if not events:
        return history.first
    oldest = [f"SELECT min(CAST({TABLES[name].event_time} AS DATE)) AS day FROM {name}" for name in events]
    first: date = history.query(f"SELECT min(day) AS day FROM ({' UNION ALL '.join(oldest)})").column("day")[0].as_py()
    return first
