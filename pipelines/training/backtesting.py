"""A backtest: what each risk's model would have been worth, had it been used all along. Nothing is registered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import UsageError
from models.learners.training_set import NotLearnableError
from models.risks.configuration import for_history, select_risks
from pipelines import assembly
from pipelines.scratch import scratch_folder
from pipelines.sources.lost_features import find_values_without_versions
from pipelines.sources.validated_source import validate_source_step
from pipelines.system_clock import end_of_rows
from pipelines.training.training_data import TrainingData, gather_training_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.evaluation.evaluate import BacktestResult
    from models.risks.risk import Risk
    from pipelines.console import Steps
    from pipelines.settings import Settings
    from pipelines.sources.validated_source import ValidatedSource


@dataclass(frozen=True)
class Backtest:
    """The results of a backtest by risk, by name of a risk why it cannot be learned, and the files written."""

    source: Mapping[str, object]
    cutoffs: Sequence[date]
    results: Mapping[Risk, BacktestResult]
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
                    **result.evaluation.to_json(),
                    "title": risk.title,
                    "label": risk.to_json()["label"],
                }
                for risk, result in self.results.items()
            },
            "not_learnable": dict(self.not_learnable),
            "files": list(self.files),
        }


def backtest_from(settings: Settings, risk: str, through: date | None, to: Path | None, steps: Steps) -> Backtest:
    """Backtest ``risk`` (or ``all``) on the settings' source; the page and the plots go to the folder ``to``.

    Raises:
        UsageError: the source has no such risk, or ``to`` cannot be written.
        DataGateError: the source is not fit to be read.
        NotLearnableError: it is too short, or has too few events.
    """
    if to is not None:
        _make_folder(to)
    with scratch_folder() as scratch:
        done = backtest_source(validate_source_step(settings, scratch, steps, training=True), risk, through, steps)
    return done if to is None else _with_report(done, to, steps)


def backtest_source(opened: ValidatedSource, risk: str, through: date | None, steps: Steps) -> Backtest:
    """Backtest ``risk`` (or ``all``) on a source that is open.

    Raises:
        UsageError: the source has no such risk, or ``through`` is in the future.
        NotLearnableError: it is too short, or has too few events.
    """
    history = opened.history
    wanted = select_risks(for_history(history, opened.risk_settings), risk)
    until = end_of_rows(through, history.until, opened.settings.timezone)
    build = assembly.frame_builder(opened.settings)
    data = gather_training_data(history, wanted, until, build=build, log=steps.log)
    done = _backtest(data, wanted, until, steps, opened.facts())
    notes = find_values_without_versions(history)
    noted = {risk: replace(it, evaluation=it.evaluation.with_warnings(notes)) for risk, it in done.results.items()}
    return replace(done, results=noted)


def _backtest(
    data: TrainingData, wanted: Sequence[Risk], until: date, steps: Steps, source: Mapping[str, object]
) -> Backtest:
    from models.evaluation.evaluate import backtest

    results, not_learnable = {}, dict(data.not_learnable)
    for risk in (risk for risk in wanted if risk.name in data.labels):

        def progress(step: str, name: str = risk.name) -> None:
            steps.log(f"{name}: {step}")

        try:
            results[risk] = backtest(data.frame, data.labels[risk.name], risk, through=until, progress=progress)
        except NotLearnableError as error:
            not_learnable[risk.name] = str(error)
    if not results:
        raise NotLearnableError(" ".join(not_learnable.values()))
    return Backtest(source, data.cutoffs, results, not_learnable)


def _with_report(done: Backtest, to: Path, steps: Steps) -> Backtest:
    from models.reports.backtest_page import write_backtest

    with steps.step("report", f"Writing the report into {to}"):
        files = write_backtest(
            done.results, to, source=done.source, cutoffs=done.cutoffs, not_learnable=done.not_learnable
        )
    return replace(done, files=files)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {folder} cannot be made: {error.strerror}.") from None
