"""A backtest: what each risk's model would have been worth, had it been used all along. Nothing is registered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import UsageError
from models.risks.configuration import for_history
from models.learners.training_set import NotLearnableError
from pipelines import assembly
from pipelines.scratch import scratch_folder
from pipelines.sources.validated_source import validate_source_step
from pipelines.training.train_models import chosen
from pipelines.training.training_data import Lessons, gather

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.evaluation.evaluate import BacktestResult
    from models.risks.risk import Risk
    from pipelines.console import Steps
    from pipelines.settings import Settings


@dataclass(frozen=True)
class Backtest:
    """What came of it: the evidence by risk, by title of a risk why it cannot be judged, and the files written."""

    source: Mapping[str, object]
    cutoffs: Sequence[date]
    tested: Mapping[Risk, BacktestResult]
    not_learnable: Mapping[str, str]
    files: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """The documented keys of ``rescue backtest --json``; see docs/backtest-json.md."""
        return {
            "source": dict(self.source),
            "cutoffs": {
                "first": self.cutoffs[0].isoformat(),
                "last": self.cutoffs[-1].isoformat(),
                "count": len(self.cutoffs),
            },
            "risks": {
                risk.name: {
                    **tested.evaluation.to_json(),
                    "title": risk.title,
                    "label": risk.to_json()["label"],
                    "because": tested.because,
                }
                for risk, tested in self.tested.items()
            },
            "not_learnable": dict(self.not_learnable),
            "files": list(self.files),
        }


def backtest_from(settings: Settings, risk: str, through: date | None, to: Path | None, steps: Steps) -> Backtest:
    """Backtest ``risk`` (or ``all``) on the settings' source; the page and the pictures go to the folder ``to``.

    Raises:
        UsageError: the source has no such risk, or ``to`` cannot be written.
        DataGateError: the source is not fit to be read.
        NotLearnableError: it is too short, or too little happened in it.
    """
    if to is not None:
        _make(to)
    with scratch_folder() as scratch:
        opened = validate_source_step(settings, scratch, steps)
        history = opened.history
        wanted = chosen(for_history(history, opened.risk_settings), risk)
        until = min(through or history.until, history.until)
        lessons = gather(history, wanted, until, build=assembly.frame_builder(settings), tell=steps.tell)
        found = _tested(lessons, wanted, until, steps, opened.facts())
    return found if to is None else _written(found, to, steps)


def _tested(
    lessons: Lessons, wanted: Sequence[Risk], until: date, steps: Steps, source: Mapping[str, object]
) -> Backtest:
    from models.evaluation.evaluate import backtest

    tested, not_learnable = {}, dict(lessons.not_learnable)
    for risk in (risk for risk in wanted if risk.name in lessons.labels):

        def progress(words: str, name: str = risk.name) -> None:
            steps.tell(f"{name}: {words}")

        try:
            tested[risk] = backtest(lessons.frame, lessons.labels[risk.name], risk, through=until, progress=progress)
        except NotLearnableError as error:
            not_learnable[risk.name] = str(error)
    if not tested:
        raise NotLearnableError(" ".join(not_learnable.values()))
    return Backtest(source, lessons.cutoffs, tested, not_learnable)


def _written(found: Backtest, to: Path, steps: Steps) -> Backtest:
    from models.reports import backtest_page

    with steps.step("report", f"Drawing the report into {to}"):
        files = backtest_page.write(
            found.tested, to, source=found.source, cutoffs=found.cutoffs, not_learnable=found.not_learnable
        )
    return Backtest(found.source, found.cutoffs, found.tested, found.not_learnable, files)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {folder} cannot be made: {error.strerror}.") from None
