"""Train, register and gate the risk models: one frame over many cutoffs, one model a risk.

A risk that cannot be learned from the data does not keep the others from being trained; the reason is part of the
result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from features import frame as frames
from models.learners.training_set import NotLearnableError
from models.registry.step_times import StepTimes
from models.risks.configuration import for_history, select_risks
from pipelines import assembly
from pipelines.home_folder import writable_home
from pipelines.scratch import scratch_folder
from pipelines.settings import REFRESH_MARGIN, Promote, Settings
from pipelines.sources.lost_features import find_values_without_versions
from pipelines.sources.validated_source import validate_source_step
from pipelines.system_clock import end_of_rows
from pipelines.training.promotion import present_champion, promote_trained, shared_grid, tuned_parameters
from pipelines.training.training_data import RowChoice, TrainingData, gather_training_data
from pipelines.training.training_rows import training_rows
from serving.night_report.report_text import day_text, plural
from serving.operations.holder import current_holder, is_gone

if TYPE_CHECKING:
    from features.frame import FrameBuilder
    from features.history.history import History
    from models.promotion.gate import Promotion
    from models.registry.registry import Registry
    from models.risks.risk import Risk
    from models.training import TrainingResult
    from pipelines.console import Steps
    from pipelines.sources.validated_source import ValidatedSource


@dataclass(frozen=True)
class RegisteredVersion:
    """A trained model in the registry, whether it is champion now, the reason in words, and the gate's decision.

    There is no decision where the setting ``promote`` is ``never``, or the champion could not be compared.
    """

    risk: str
    version: str
    champion: bool
    reason: str
    trained: TrainingResult
    decision: Promotion | None = None

    def summary(self) -> str:
        """One line for a person."""
        from models.reports.sentences import render_finding
        from models.reports.tuning_text import render_tuning

        trained, evaluation = self.trained, self.trained.evaluation
        tuned = f" {render_tuning(trained.tuning)}" if trained.tuning else ""
        return (
            f"{self.risk}: version {self.version} ({evaluation.kind}; {trained.rows:,} rows, {trained.events:,} "
            f"events, last cutoff {day_text(trained.through)}): {self.reason} {render_finding(evaluation.verdict)} "
            f"Evaluated on {evaluation.overall.rows:,} later rows with {evaluation.overall.events:,} events.{tuned}"
        )

    def to_json(self) -> dict[str, Any]:
        """What ``rescue train --json`` prints of it."""
        return {
            "risk": self.risk,
            "version": self.version,
            "kind": self.trained.evaluation.kind,
            "champion": self.champion,
            "reason": self.reason,
            "gate": self.decision.to_json() if self.decision else None,
            "recipe": self.trained.model.facts.get("recipe"),
            "tuning": self.trained.tuning.to_json() if self.trained.tuning else None,
            "rows": self.trained.rows,
            "events": self.trained.events,
            "through": self.trained.through.isoformat(),
            "evaluation": self.trained.evaluation.to_json(),
        }


@dataclass(frozen=True)
class Training:
    """The result of a training: the models, and by risk why there is none."""

    registered: tuple[RegisteredVersion, ...]
    not_learnable: Mapping[str, str]

    @property
    def warnings(self) -> list[str]:
        """What is to be said of the data once and not of each model: columns of which no versions are known."""
        from models.reports.sentences import render_finding

        found = (it for one in self.registered for it in one.trained.evaluation.warnings)
        return list(dict.fromkeys(render_finding(it) for it in found if it.code == "values_of_today"))

    def to_json(self) -> list[dict[str, Any]]:
        """One entry a risk; for one that cannot be learned ``version`` is null and ``reason`` says why."""
        without = [
            {"risk": risk, "version": None, "champion": False, "reason": reason}
            for risk, reason in self.not_learnable.items()
        ]
        return [*(version.to_json() for version in self.registered), *without]


def train(
    history: History,
    wanted: Sequence[Risk],
    registry: Registry,
    *,
    source: Mapping[str, object],
    through: date | None = None,
    tune: int = 0,
    build: FrameBuilder = frames.build,
    choose_rows: RowChoice = training_rows,
    promote: Promote = "gate",
    margin: float = REFRESH_MARGIN,
    currency: str = "",
    log: Callable[[str], None],
) -> Training:
    """Fit each risk, register it as challenger, and let the gate decide whether it becomes champion.

    ``build`` and ``choose_rows`` work where the rows of the history are. ``margin`` is by how much of AUC a refresh may
    be worse, ``currency`` that of all money in the frame.

    Raises:
        NotLearnableError: the data cannot carry a model of any of these risks.
    """
    through = min(through or history.until, history.until)
    champions = {risk.name: present_champion(registry, risk.name) for risk in wanted}
    grid = shared_grid(champions.values())
    data = gather_training_data(history, wanted, through, build=build, log=log, grid=grid, choose_rows=choose_rows)
    registered, not_learnable, notes = [], dict(data.not_learnable), find_values_without_versions(history)
    learnable = [risk for risk in wanted if risk.name in data.labels]
    with registry.training([risk.name for risk in learnable], source) as parent:
        for risk in learnable:
            times = StepTimes()
            try:
                parameters = tuned_parameters(champions[risk.name])
                fitted = _fit(data, risk, through, tune, parameters, log, times)
                trained = _with_currency(replace(fitted, evaluation=fitted.evaluation.with_warnings(notes)), currency)
            except NotLearnableError as error:
                not_learnable[risk.name] = str(error)
                log(str(error))
                continue
            version = registry.log(trained, source=source, frame=data.frame, times=times, parent=parent)
            decision, champion, reason = promote_trained(registry, trained, version, data.frame, promote, margin)
            registered.append(RegisteredVersion(risk.name, version, champion, reason, trained, decision))
            log(f"{risk.title}, {trained.evaluation.kind}, version {version}: {reason}")
    if not registered:
        raise NotLearnableError(" ".join(not_learnable.values()))
    return Training(tuple(registered), not_learnable)


def _fit(
    data: TrainingData,
    risk: Risk,
    through: date,
    tune: int,
    parameters: Mapping[str, Any] | None,
    log: Callable[[str], None],
    times: StepTimes,
) -> TrainingResult:
    """Fit one risk; a refresh without ``tune`` keeps the parameters that its champion was tuned to."""
    from models import training

    def progress(step: str) -> None:
        times.note(step)
        log(f"{risk.name}: {step}")

    labels, kept = data.labels[risk.name], None if tune else parameters
    return training.fit(data.frame, labels, risk, through=through, tune=tune, parameters=kept, progress=progress)


def _with_currency(trained: TrainingResult, currency: str) -> TrainingResult:
    """The model with the currency of its money recorded: one in another currency cannot be compared with it."""
    facts = {**trained.model.facts, "currency": currency}
    return replace(trained, model=replace(trained.model, facts=facts))


def train_from(settings: Settings, risk: str, through: date | None, tune: int, steps: Steps) -> Training:
    """Train ``risk`` (or ``all``) on the settings' source and register the models.

    Raises:
        UsageError: the source has no such risk.
        DataGateError: the source is not fit to be read.
        NotLearnableError: it is too short, or too little happened in it.
    """
    writable_home(settings)
    with scratch_folder() as scratch:
        opened = validate_source_step(settings, scratch, steps, training=True)
        wanted = select_risks(for_history(opened.history, opened.risk_settings), risk)
        return train_opened(opened, wanted, through, tune, steps)


def train_opened(
    opened: ValidatedSource, wanted: Sequence[Risk], through: date | None, tune: int, steps: Steps
) -> Training:
    """Train these risks on a source that is open, as its settings say; whether a night asks for it or an analyst.

    Raises:
        UsageError: ``through`` is in the future.
        NotLearnableError: it is too short, or too little happened in it.
    """
    settings = opened.settings
    through = end_of_rows(through, opened.history.until, settings.timezone)
    _end_left_runs(settings, steps)
    return train(
        opened.history,
        wanted,
        assembly.open_registry(settings),
        source={**opened.facts(), "process": current_holder()},
        through=through,
        tune=tune,
        build=assembly.frame_builder(settings),
        choose_rows=_row_choice(settings, opened.history),
        promote=settings.promote,
        margin=settings.refresh_margin,
        currency=settings.currency.code if settings.currency else "",
        log=steps.log,
    )


def _end_left_runs(settings: Settings, steps: Steps) -> None:
    """End the MLflow runs of trainings whose process is gone: on a full disk it could not write that they failed."""
    from models.registry.parent_run import end_left_runs
    from models.registry.tracking import RegistryUnavailableError

    with suppress(RegistryUnavailableError):  # the training meets the same error, and reports it
        if left := end_left_runs(settings.tracking_uri, is_gone):
            steps.log(
                f"A training broke off without an end: {plural(left, 'MLflow run')} that it left running "
                f"{'is' if left == 1 else 'are'} marked as failed now"
            )


def _row_choice(settings: Settings, history: History) -> RowChoice:
    """What chooses the rows to learn from: this machine, or the cluster that has them."""
    cluster = assembly.open_cluster(settings)
    if cluster is None or not cluster.has(history):
        return training_rows
    from pipelines.training.cluster_rows import cluster_training_rows

    return partial(cluster_training_rows, cluster)
