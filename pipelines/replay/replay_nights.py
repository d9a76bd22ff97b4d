"""The whole policy over past nights, each with what was known then: what an analyst chooses thresholds by.

A replay flatters itself in one way that is easy to miss: by scoring the past with a model that has learned from it. So
unless the champion's last training label was settled before the first night, a model of the same making is trained on
what was known then; where that cannot be, the champion is used and the output says so. What happened afterwards is the
label of each night, and where it is not settled yet, it counts neither for nor against.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from features.errors import UsageError
from models.risks import risk
from pipelines import assembly
from pipelines.replay.past_nights import PastNights
from pipelines.replay.replay_models import ReplayContext, ReplayModel, choose_models
from pipelines.scratch import scratch_folder
from pipelines.settings import Settings
from pipelines.sources.validated_source import validate_source_step
from serving.policy.replay.replay import replay_policies

if TYPE_CHECKING:
    from features.history.history import History
    from pipelines.console import Steps
    from serving.policy.decision.decide import Policy
    from serving.policy.replay.replay_figures import ReplayResult


@dataclass(frozen=True)
class Replay:
    """What each policy did over the nights, by its name; ``models`` says by risk what scored them."""

    first: date
    last: date
    models: Mapping[str, str]
    warnings: tuple[str, ...]
    done: Mapping[str, ReplayResult]

    def to_json(self) -> dict[str, Any]:
        """Plain values: figures, and each night's counts, by policy."""
        return {
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "models": dict(self.models),
            "warnings": list(self.warnings),
            "policies": {name: _json(done) for name, done in self.done.items()},
        }


def replay_nights(
    settings: Settings,
    policies: Mapping[str, Policy],
    first: date,
    last: date,
    steps: Steps,
    *,
    champion: bool = False,
) -> Replay:
    """Run each policy over the nights from ``first`` to ``last``, on a queue that is empty before the first.

    ``champion`` scores with the champion even where it has learned from these nights: quicker, and it flatters.

    Raises:
        UsageError: the nights do not lie within the data.
        DataGateError: the source is not fit to be read.
    """
    with scratch_folder() as scratch:
        opened = validate_source_step(settings, scratch, steps)
        nights = _nights(opened.history, first, last)
        known = risk.for_history(opened.history, opened.risk_settings)
        with steps.step("models", "Choosing models that knew nothing of these nights"):
            registry = assembly.open_registry(settings)
            knowing = ReplayContext(opened.history, registry, assembly.frame_builder(settings), steps.tell, champion)
            models, warnings = choose_models(knowing, known, first)
        with steps.step("replay", f"Replaying {len(nights)} nights"):
            build = assembly.frame_builder(settings, _needed(models.values(), policies.values()))
            scoring = {risk: found.model for risk, found in models.items()}
            done = replay_policies(PastNights(opened.history, known, scoring, build).nights(nights), policies)
    return Replay(first, last, {risk: found.told for risk, found in models.items()}, warnings, done)


def _needed(models: Iterable[ReplayModel], policies: Iterable[Policy]) -> frozenset[str]:
    """The features that a model or a condition reads: a replay tells nobody anything else."""
    read = [frozenset(found.model.model.features) for found in models]
    return frozenset().union(*read, *(policy.conditions.reads for policy in policies))


def _nights(history: History, first: date, last: date) -> list[date]:
    if last < first:
        raise UsageError(f"--to {last} lies before --from {first}.")
    if first <= history.first or last > history.until:
        raise UsageError(
            f"The nights from {first} to {last} do not lie within the data, which answer those after {history.first} "
            f"up to {history.until}."
        )
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _json(done: ReplayResult) -> dict[str, Any]:
    figures = asdict(done.figures())
    nights = [{**night._asdict(), "as_of": night.as_of.isoformat()} for night in done.nights]
    return {**figures, "each_night": nights}
