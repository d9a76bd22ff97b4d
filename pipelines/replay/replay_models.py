"""The models of a replay: for each risk one that has learned nothing from the replayed nights, where possible."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from features.errors import RescueError, UsageError
from serving.night_report.report_text import day_text

if TYPE_CHECKING:
    from features.frame import FrameBuilder
    from features.history.history import History
    from models.registry.registry import Champion, Registry
    from models.risks.risk import Risk


class ModelOrigin(StrEnum):
    """Which model scores the replay of a risk."""

    CHAMPION = "champion"
    TRAINED = "trained"
    CHAMPION_KNOWS = "champion_knows"


@dataclass(frozen=True)
class ReplayContext:
    """Where a model may come from. ``champion`` asks for the champion, whatever it has learned from."""

    history: History
    registry: Registry
    build: FrameBuilder
    log: Callable[[str], None]
    champion: bool = False


@dataclass(frozen=True)
class ReplayModel:
    """A model that scores the replay; ``reason`` is why no model without knowledge of these nights was trained."""

    model: Champion
    origin: ModelOrigin
    reason: str = ""

    def to_json(self) -> dict[str, str]:
        """Plain data."""
        return {"origin": self.origin.value, "version": self.model.version, "reason": self.reason}


def choose_models(context: ReplayContext, known: Mapping[str, Risk], first: date) -> dict[str, ReplayModel]:
    """A model of each risk for the nights from ``first`` on.

    The champion, if the last label that it learned from had matured before ``first``; else a model that is trained on
    what was known then; else, where that was too little, the champion although it knows these nights.

    Raises:
        UsageError: a risk has no champion, and too little was known to train a model.
    """
    from models.promotion.comparison import first_unseen_cutoff

    models: dict[str, ReplayModel] = {}
    champions = {name: context.registry.champion(name) for name in known}
    for name, champion in champions.items():
        if champion is not None and first_unseen_cutoff(champion.model) <= first:
            models[name] = ReplayModel(champion, ModelOrigin.CHAMPION)
    missing = [risk for name, risk in known.items() if name not in models]
    reasons: dict[str, str] = {}
    if missing and not context.champion:
        trained, reasons = _train(context, missing, first)
        models |= trained
    for risk in missing:
        if risk.name not in models:
            models[risk.name] = _champion_anyway(champions[risk.name], risk, reasons.get(risk.name, ""))
    return {name: models[name] for name in known}


def _train(context: ReplayContext, wanted: list[Risk], first: date) -> tuple[dict[str, ReplayModel], dict[str, str]]:
    """Models of what was known at ``first``, and for the risks that cannot be learned from it, why."""
    from models import training
    from models.registry.registry import Champion
    from pipelines.training.training_data import gather_training_data

    context.log(f"Training on what was known before {day_text(first)}: {', '.join(risk.name for risk in wanted)}")
    try:
        data = gather_training_data(context.history, wanted, first, build=context.build, log=context.log)
    except RescueError as error:
        return {}, {risk.name: str(error) for risk in wanted}
    models, reasons = {}, dict(data.not_learnable)
    for risk in (risk for risk in wanted if risk.name in data.labels):
        try:
            trained = training.fit(data.frame, data.labels[risk.name], risk, through=first)
        except RescueError as error:
            reasons[risk.name] = str(error)
            continue
        champion = Champion(trained.model, f"before-{first}")
        models[risk.name] = ReplayModel(champion, ModelOrigin.TRAINED)
    return models, reasons


def _champion_anyway(champion: Champion | None, risk: Risk, reason: str) -> ReplayModel:
    if champion is None:
        raise UsageError(f"There is no champion of {risk.name} to replay with; run `rescue train` first. {reason}")
    return ReplayModel(champion, ModelOrigin.CHAMPION_KNOWS, reason)
