"""Train, register and gate the risk models: one frame over many cutoffs, one model a risk.

A risk that cannot be learnt from the data does not keep the others from being trained; why it cannot is part of the
result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from features import frame as frames
from features.errors import UsageError
from models.risks.configuration import for_history
from models.learners.training_set import NotLearnableError
from pipelines import assembly
from pipelines.scratch import scratch_folder
from pipelines.settings import Promote, Settings, writable_home
from pipelines.sources.validated_source import validate_source_step
from pipelines.training.promotion import admit
from pipelines.training.training_data import Lessons, gather

if TYPE_CHECKING:
    from features.frame import FrameBuilder
    from features.history.history import History
    from models.registry.registry import Registry
    from models.risks.risk import Risk
    from models.training import TrainingResult
    from pipelines.console import Steps


@dataclass(frozen=True)
class Registered:
    """A trained model in the registry, and whether it is champion now and why."""

    risk: str
    version: str
    champion: bool
    because: str
    trained: TrainingResult

    def summary(self) -> str:
        """One line for a person."""
        pooled = self.trained.evaluation.pooled
        return (
            f"{self.risk}: version {self.version} ({self.trained.kind}; {self.trained.rows:,} rows, "
            f"{self.trained.events:,} events, through {self.trained.through}): {self.because} "
            f"{self.trained.evaluation.verdict} Judged on {pooled.rows:,} later rows with {pooled.events:,} events."
        )

    def to_json(self) -> dict[str, Any]:
        """What ``rescue train --json`` prints of it."""
        return {
            "risk": self.risk,
            "version": self.version,
            "kind": self.trained.kind,
            "champion": self.champion,
            "because": self.because,
            "rows": self.trained.rows,
            "events": self.trained.events,
            "through": self.trained.through.isoformat(),
            "evaluation": self.trained.evaluation.to_json(),
        }


@dataclass(frozen=True)
class Training:
    """What came of a training: the models, and by name of a risk why there is none of it."""

    registered: tuple[Registered, ...]
    not_learnable: Mapping[str, str]

    def to_json(self) -> list[dict[str, Any]]:
        """One entry a risk; of one that cannot be learnt ``version`` is null and ``because`` says why."""
        without = [
            {"risk": risk, "version": None, "champion": False, "because": why}
            for risk, why in self.not_learnable.items()
        ]
        return [*(found.to_json() for found in self.registered), *without]


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
    tell: Callable[[str], None],
) -> Training:
    """Fit each risk, register it as challenger, and let the gate decide whether it becomes champion.

    Raises:
        NotLearnableError: the data cannot carry a model of any of these risks.
    """
    through = min(through or history.until, history.until)
    lessons = gather(history, wanted, through, build=build, tell=tell)
    found, not_learnable = [], dict(lessons.not_learnable)
    for risk in wanted:
        if risk.name not in lessons.labels:
            continue
        try:
            trained = _fit(lessons, risk, through, tune, tell)
        except NotLearnableError as error:
            not_learnable[risk.name] = str(error)
            tell(str(error))
            continue
        version = registry.log(trained, source=source)
        champion, because = admit(registry, trained, version, lessons.frame, promote)
        found.append(Registered(risk.name, version, champion, because, trained))
        tell(f"{risk.title}, {trained.kind}, version {version}: {because}")
    if not found:
        raise NotLearnableError(" ".join(not_learnable.values()))
    return Training(tuple(found), not_learnable)


def _fit(lessons: Lessons, risk: Risk, through: date, tune: int, tell: Callable[[str], None]) -> TrainingResult:
    from models import training

    def progress(words: str) -> None:
        tell(f"{risk.name}: {words}")

    labels = lessons.labels[risk.name]
    return training.fit(lessons.frame, labels, risk, through=through, tune=tune, progress=progress)


def train_from(settings: Settings, risk: str, through: date | None, tune: int, steps: Steps) -> Training:
    """Train ``risk`` (or ``all``) on the settings' source and register what came of it.

    Raises:
        UsageError: the source has no such risk.
        DataGateError: the source is not fit to be read.
        NotLearnableError: it is too short, or too little happened in it.
    """
    writable_home(settings)
    with scratch_folder() as scratch:
        opened = validate_source_step(settings, scratch, steps)
        wanted = chosen(for_history(opened.history, opened.risk_settings), risk)
        return train(
            opened.history,
            wanted,
            assembly.open_registry(settings),
            source=opened.facts(),
            through=through,
            tune=tune,
            build=assembly.frame_builder(settings),
            promote=settings.promote,
            tell=steps.tell,
        )


def chosen(known: Mapping[str, Risk], risk: str) -> list[Risk]:
    """The risk of that name, or ``all`` of them.

    Raises:
        UsageError: the source has no such risk.
    """
    if risk == "all":
        return list(known.values())
    if risk in known:
        return [known[risk]]
    near = get_close_matches(risk, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)} and all."
    raise UsageError(f"This source has no risk {risk!r}; {hint}")
