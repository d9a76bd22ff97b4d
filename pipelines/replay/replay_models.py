"""What scores a replay: a model of each risk that had learned nothing from the nights that are replayed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from features.errors import RescueError, UsageError
from features.labels.labels import label

if TYPE_CHECKING:
    import pyarrow as pa

    from features.frame import FrameBuilder
    from features.history.history import History
    from models.registry.registry import Champion, Registry
    from models.risks.risk import Risk


@dataclass(frozen=True)
class ReplayContext:
    """Where a model may come from. ``champion`` asks for the champion, whatever it has learned from."""

    history: History
    registry: Registry
    build: FrameBuilder
    tell: Callable[[str], None]
    champion: bool = False


@dataclass(frozen=True)
class ReplayModel:
    """A model as the scoring takes it, and in words which it is."""

    model: Champion
    told: str


def choose_models(
    knowing: ReplayContext, known: Mapping[str, Risk], first: date
) -> tuple[dict[str, ReplayModel], tuple[str, ...]]:
    """A scorer of each risk for nights from ``first`` on, and what has to be said about them.

    The champion, if the last label that it learned from was settled before ``first``; else one that is trained on what
    was known then; else, where too little was, the champion with a warning.

    Raises:
        UsageError: a risk has no champion, and too little was known to train one.
    """
    from models.promotion.comparison_rows import later_than

    found: dict[str, ReplayModel] = {}
    champions = {name: knowing.registry.champion(name) for name in known}
    for name, champion in champions.items():
        if champion is not None and later_than(champion.model) <= first:
            found[name] = ReplayModel(champion, f"champion {champion.version}, which knew nothing of these nights")
    missing = [risk for name, risk in known.items() if name not in found]
    short: dict[str, str] = {}
    if missing and not knowing.champion:
        trained, short = _trained(knowing, missing, first)
        found |= trained
    warnings = []
    for risk in missing:
        if risk.name not in found:
            found[risk.name] = _flattered(champions[risk.name], risk, short.get(risk.name))
            warnings.append(_warning(risk, short.get(risk.name)))
    return {name: found[name] for name in known}, tuple(warnings)


def _trained(knowing: ReplayContext, wanted: list[Risk], first: date) -> tuple[dict[str, ReplayModel], dict[str, str]]:
    """Models of what was known at ``first``, and for the risks that could not be learned from it, why."""
    from models import training
    from models.registry.registry import Champion
    from pipelines.training.training_data import training_cutoffs

    try:
        cutoffs = training_cutoffs(knowing.history, first)
    except RescueError as error:
        return {}, {risk.name: str(error) for risk in wanted}
    knowing.tell(f"Training on what was known before {first}: {', '.join(risk.name for risk in wanted)}")
    frame: pa.Table = knowing.build(knowing.history, cutoffs)
    found, short = {}, {}
    for risk in wanted:
        try:
            trained = training.fit(frame, label(knowing.history, cutoffs, risk.label), risk, through=first)
        except RescueError as error:
            short[risk.name] = str(error)
            continue
        told = f"{trained.kind} trained on what was known before {first}"
        found[risk.name] = ReplayModel(Champion(trained.model, f"before-{first}"), told)
    return found, short


def _flattered(champion: Champion | None, risk: Risk, why: str | None) -> ReplayModel:
    if champion is None:
        raise UsageError(f"There is no champion of {risk.name} to replay with: `rescue train` makes one. {why or ''}")
    return ReplayModel(champion, f"champion {champion.version}, which learned from these nights or later ones")


def _warning(risk: Risk, why: str | None) -> str:
    said = f"{risk.name}: the champion learned from these nights or later ones, so its figures flatter it"
    return f"{said}; {why}" if why else f"{said}."
