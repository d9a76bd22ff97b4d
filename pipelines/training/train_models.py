"""Train, register and gate the risk models: one frame over many cutoffs, one model a risk.

A risk that cannot be learned from the data does not keep the others from being trained; the reason is part of the
result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from features import frame as frames
from features.errors import UsageError, suggest_name
from models.learners.training_set import NotLearnableError
from models.risks.configuration import for_history
from pipelines import assembly
from pipelines.scratch import scratch_folder
from pipelines.settings import Promote, Settings, writable_home
from pipelines.sources.validated_source import validate_source_step
from pipelines.training.promotion import promote_trained
from pipelines.training.training_data import TrainingData, gather_training_data

if TYPE_CHECKING:
    from features.frame import FrameBuilder
    from features.history.history import History
    from models.registry.registry import Registry
    from models.risks.risk import Risk
    from models.training import TrainingResult
    from pipelines.console import Steps

ALL = "all"
"""In place of a risk's name: every risk of the source."""


@dataclass(frozen=True)
class RegisteredVersion:
    """A trained model in the registry, whether it is champion now, and the reason in words."""

    risk: str
    version: str
    champion: bool
    reason: str
    trained: TrainingResult

    def summary(self) -> str:
        """One line for a person."""
        from models.reports.sentences import render_finding

        trained, evaluation = self.trained, self.trained.evaluation
        return (
            f"{self.risk}: version {self.version} ({evaluation.kind}; {trained.rows:,} rows, {trained.events:,} "
            f"events, last cutoff {trained.through}): {self.reason} {render_finding(evaluation.verdict)} Evaluated on "
            f"{evaluation.overall.rows:,} later rows with {evaluation.overall.events:,} events."
        )

    def to_json(self) -> dict[str, Any]:
        """What ``rescue train --json`` prints of it."""
        return {
            "risk": self.risk,
            "version": self.version,
            "kind": self.trained.evaluation.kind,
            "champion": self.champion,
            "reason": self.reason,
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
    promote: Promote = "gate",
    log: Callable[[str], None],
) -> Training:
    """Fit each risk, register it as challenger, and let the gate decide whether it becomes champion.

    Raises:
        NotLearnableError: the data cannot carry a model of any of these risks.
    """
    through = min(through or history.until, history.until)
    data = gather_training_data(history, wanted, through, build=build, log=log)
    registered, not_learnable = [], dict(data.not_learnable)
    for risk in wanted:
        if risk.name not in data.labels:
            continue
        try:
            trained = _fit(data, risk, through, tune, log)
        except NotLearnableError as error:
            not_learnable[risk.name] = str(error)
            log(str(error))
            continue
        version = registry.log(trained, source=source)
        champion, reason = promote_trained(registry, trained, version, data.frame, promote)
        registered.append(RegisteredVersion(risk.name, version, champion, reason, trained))
        log(f"{risk.title}, {trained.evaluation.kind}, version {version}: {reason}")
    if not registered:
        raise NotLearnableError(" ".join(not_learnable.values()))
    return Training(tuple(registered), not_learnable)


def _fit(data: TrainingData, risk: Risk, through: date, tune: int, log: Callable[[str], None]) -> TrainingResult:
    from models import training

    def progress(step: str) -> None:
        log(f"{risk.name}: {step}")

    labels = data.labels[risk.name]
    return training.fit(data.frame, labels, risk, through=through, tune=tune, progress=progress)


def train_from(settings: Settings, risk: str, through: date | None, tune: int, steps: Steps) -> Training:
    """Train ``risk`` (or ``all``) on the settings' source and register the models.

    Raises:
        UsageError: the source has no such risk.
        DataGateError: the source is not fit to be read.
        NotLearnableError: it is too short, or too little happened in it.
    """
    writable_home(settings)
    with scratch_folder() as scratch:
        opened = validate_source_step(settings, scratch, steps)
        wanted = select_risks(for_history(opened.history, opened.risk_settings), risk)
        return train(
            opened.history,
            wanted,
            assembly.open_registry(settings),
            source=opened.facts(),
            through=through,
            tune=tune,
            build=assembly.frame_builder(settings),
            promote=settings.promote,
            log=steps.log,
        )


def select_risks(known: Mapping[str, Risk], risk: str) -> list[Risk]:
    """The risk of that name, or ``all`` of them.

    Raises:
        UsageError: the source has no such risk.
    """
    if risk == ALL:
        return list(known.values())
    if risk in known:
        return [known[risk]]
    raise UsageError(f"This source has no risk {risk!r}; {suggest_name(risk, [*known, ALL])}")
