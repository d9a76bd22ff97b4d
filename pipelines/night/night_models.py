"""The models of a night: the champion of each risk, trained first where there is none, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from models.learners.risk_model import ExtensionUnavailableError
from models.learners.training_set import NotLearnableError
from models.risks.configuration import not_shown
from pipelines import assembly
from pipelines.training.promotion import champion_warning
from pipelines.training.train_models import train_opened
from serving.night_report.report_schema import NightWarning, NoModel, RegistryUnavailable, RiskNotPredicted

if TYPE_CHECKING:
    from models.registry.registry import Champion
    from models.risks.risk import Risk
    from pipelines.console import Steps
    from pipelines.sources.validated_source import ValidatedSource
    from pipelines.step_runner import StepRunner


@dataclass(frozen=True)
class NightModels:
    """The night's champions by risk; ``without`` holds the risks that have none, with the reason.

    ``untrained`` are those of them that can be trained first.
    """

    champions: Mapping[str, Champion]
    without: Mapping[Risk, str]
    untrained: tuple[Risk, ...] = ()

    @property
    def versions(self) -> dict[str, str]:
        """The version of each champion, by risk."""
        return {risk: champion.version for risk, champion in self.champions.items()}

    @property
    def warnings(self) -> tuple[NightWarning, ...]:
        """Risks without a model, models of an unavailable registry, and models that are not better than a rule."""
        absent = [NoModel(risk=risk.name, reason=reason) for risk, reason in self.without.items()]
        cached = [
            RegistryUnavailable(risk=risk, reason=champion.warning)
            for risk, champion in self.champions.items()
            if champion.warning
        ]
        weak = [champion_warning(risk, champion) for risk, champion in self.champions.items()]
        return (*absent, *cached, *(warning for warning in weak if warning))


def load_or_train(
    opened: ValidatedSource, known: Mapping[str, Risk], as_of: date, run_step: StepRunner, steps: Steps
) -> NightModels:
    """The models of the known risks; those that were never trained are trained first, as a step of its own."""
    models = run_step("models", "Loading the models", load_models, opened, known)
    if not models.untrained:
        return models
    return run_step("train", "Training the first models", train_missing, opened, known, models, as_of, steps)


def load_models(opened: ValidatedSource, known: Mapping[str, Risk]) -> NightModels:
    """Load the champion of each risk; a risk that has none is ``untrained``.

    A risk whose champion needs an extension that is left out has no model tonight.

    Raises:
        ExtensionUnavailableError: a champion needs an extension, and the settings do not allow to go on without it.
    """
    registry = assembly.open_registry(opened.settings)
    unusable: dict[str, str] = {}
    models: dict[str, Champion | None] = {}
    for name in known:
        try:
            models[name] = registry.champion(name)
        except ExtensionUnavailableError as error:
            if opened.settings.extensions_required:
                raise
            unusable[name] = str(error)
    missing = tuple(known[name] for name, champion in models.items() if champion is None)
    champions = {name: champion for name, champion in models.items() if champion is not None}
    return NightModels(champions, _without(known, champions, unusable), missing)


def train_missing(
    opened: ValidatedSource, known: Mapping[str, Risk], loaded: NightModels, as_of: date, steps: Steps
) -> NightModels:
    """Train the risks that have no champion on what was known before the night, and load what became one."""
    steps.log(f"No champion yet of {' and '.join(risk.name for risk in loaded.untrained)}: training first")
    unusable = {risk.name: reason for risk, reason in loaded.without.items() if risk not in loaded.untrained}
    unusable |= _train(opened, list(loaded.untrained), as_of, steps)
    registry = assembly.open_registry(opened.settings)
    found = {risk.name: registry.champion(risk.name) for risk in loaded.untrained}
    champions = {**loaded.champions, **{name: it for name, it in found.items() if it is not None}}
    in_order = {name: champions[name] for name in known if name in champions}
    return NightModels(in_order, _without(known, champions, unusable))


def risks_not_predicted(opened: ValidatedSource) -> tuple[RiskNotPredicted, ...]:
    """What a night warns of each risk whose event no table of the source shows."""
    lacking = not_shown(opened.history, opened.risk_settings)
    return tuple(RiskNotPredicted(risk=risk, table=table) for risk, table in lacking.items())


def _without(
    known: Mapping[str, Risk], champions: Mapping[str, Champion], reasons: Mapping[str, str]
) -> Mapping[Risk, str]:
    return {risk: reasons.get(name, "it has no champion") for name, risk in known.items() if name not in champions}


def _train(opened: ValidatedSource, missing: list[Risk], as_of: date, steps: Steps) -> Mapping[str, str]:
    """Train these risks; by name, why one could not be trained. A night is not stopped by it."""
    try:
        training = train_opened(opened, missing, as_of, 0, steps)
    except NotLearnableError as error:
        return {risk.name: str(error) for risk in missing}
    for warning in training.warnings:
        steps.log(f"Warning: {warning}")
    return training.not_learnable
