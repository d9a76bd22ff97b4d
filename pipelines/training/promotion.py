"""Put a challenger before the gate: gather the rows on which it can be compared, decide, record the decision, and act.

The first model of a risk becomes champion whatever the gate decides, because without one there would be no night. The
decision is recorded all the same, and where it showed no signal, or no more than a baseline finds, every night warns of
it (:func:`champion_warning`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from features.errors import RescueError, UsageError
from models.data.signature import DeclarationError
from models.learners.risk_model import ExtensionUnavailableError
from models.promotion import comparison, gate
from models.reports.gate_text import decision_tags, render_comparison, render_outcome, render_reasons
from models.reports.sentences import saved_lead, saved_verdict
from pipelines import assembly
from pipelines.home_folder import writable_home
from pipelines.scratch import scratch_folder
from pipelines.settings import Promote, Settings
from pipelines.sources.validated_source import validate_source_step
from pipelines.training.feature_export import features_at
from pipelines.training.training_rows import rows_of
from serving.night_report.report_schema import NoSignal, NotBetter

if TYPE_CHECKING:
    import pyarrow as pa

    from models.learners.risk_model import RiskModel
    from models.promotion.comparison import Comparison
    from models.promotion.gate import Promotion
    from models.registry.registry import Champion, Registry
    from models.training import TrainingResult
    from pipelines.console import Steps


def promote_trained(
    registry: Registry,
    trained: TrainingResult,
    version: str,
    frame: pa.Table,
    promote: Promote,
    margin: float,
) -> tuple[Promotion | None, bool, str]:
    """The gate's decision on a model that was just trained and registered, whether it is champion now, and why.

    Args:
        registry: where it is registered as ``version``.
        trained: the training, whose test rows it is evaluated on.
        version: its number.
        frame: the features that it was trained on; the champion scores the newest of them.
        promote: ``never`` leaves every model but the first to ``rescue promote``; then there is no decision.
        margin: by how much of AUC a refresh may be worse.
    """
    name = trained.model.risk.name
    present = registry.version_of(name, "champion")
    if present is None:
        return _promote_first(registry, trained, version)
    if promote == "never":
        return None, False, "challenger; `rescue promote` puts it before the gate."
    if registry.identical(name, version, present):
        registry.record(name, version, {"decision": "identical"})
        return None, False, f"identical to the champion, version {present}, which stays: the same data and recipe."
    try:
        champion = registry.champion(name)
        assert champion is not None  # noqa: S101 - the registry has just named one
        recorded = registry.scored(name, champion.version)
        compared = comparison.compare_with_champion(
            trained.model, trained.scored, champion.model, recorded, frame, margin=margin
        )
    except (DeclarationError, ExtensionUnavailableError) as error:
        return _promote_first(registry, trained, version, f"champion, because the one before cannot be used. {error}")
    except RescueError as error:
        return None, False, f"challenger; the champion cannot score the same rows: {error}"
    decision = gate.evaluate_challenger(compared, risk=name, challenger=version, champion=champion.version)
    registry.record(name, version, decision_tags(decision))
    if decision.promoted:
        registry.promote(name, version, by="the gate")
    return decision, decision.promoted, f"{render_outcome(decision)} {render_comparison(decision)}".strip()


def _promote_first(
    registry: Registry, trained: TrainingResult, version: str, reason: str = "champion, as the first of its risk"
) -> tuple[Promotion, bool, str]:
    risk = trained.model.risk
    compared = comparison.compare_with_baselines(trained.scored, risk)
    decision = gate.evaluate_challenger(compared, risk=risk.name, challenger=version)
    registry.record(risk.name, version, decision_tags(decision) | {"first": reason})
    registry.promote(risk.name, version, by="rescue")
    refused = f"{reason.rstrip('.')}, though the gate would refuse it. {render_reasons(decision)}"
    return decision, True, f"{reason.rstrip('.')}." if decision.promoted else refused


def champion_warning(risk: str, champion: Champion) -> NoSignal | NotBetter | None:
    """What a night warns of where the champion's evaluation did not show that its order is better than baselines."""
    facts = champion.model.facts
    if not facts.get("signal", True):
        return NoSignal(risk=risk, base_rate=facts["base_rate"], reason=saved_verdict(facts))
    reason = saved_lead(facts)
    return NotBetter(risk=risk, reason=reason) if reason else None


def promote_version(
    settings: Settings, risk: str, version: str | None, overriding: str | None, *, by: str, steps: Steps
) -> tuple[Promotion, bool]:
    """Decide on a version of a risk and promote it where the gate, or ``overriding`` (a reason), says so.

    Returns the gate's decision and whether the version is champion now. The decision, and who overrode it and why, are
    written to the registry either way.

    Raises:
        UsageError: there is no such version, or it is champion already, or identical to it.
    """
    writable_home(settings)
    registry = assembly.open_registry(settings)
    champion = registry.version_of(risk, "champion")
    challenger = version or registry.version_of(risk, "challenger")
    if challenger is None:
        raise UsageError(f"There is no challenger of {risk}: `rescue train` makes one.")
    if challenger == champion:
        raise UsageError(f"Version {challenger} is the champion of {risk} already.")
    if champion is not None and registry.identical(risk, challenger, champion):
        raise UsageError(
            f"Version {challenger} of {risk} is identical to the champion, version {champion}: nothing to promote."
        )
    compared = _compare(settings, registry, risk, challenger, champion, steps)
    with steps.step("gate", f"Evaluating version {challenger} of {risk}"):
        decision = gate.evaluate_challenger(compared, risk=risk, challenger=challenger, champion=champion)
    registry.record(risk, challenger, decision_tags(decision) | _override_tag(decision, overriding, by))
    promoted = decision.promoted or overriding is not None
    if promoted:
        registry.promote(risk, challenger, by=by)
    return decision, promoted


def _override_tag(decision: Promotion, overriding: str | None, by: str) -> dict[str, str]:
    return {"override": f"{by}: {overriding}"} if overriding is not None and not decision.promoted else {}


def _compare(
    settings: Settings, registry: Registry, risk: str, challenger: str, champion: str | None, steps: Steps
) -> Comparison:
    """The challenger's test rows, with the champion's scores."""
    model, scored = registry.load(risk, challenger), registry.scored(risk, challenger)
    if champion is None:
        return comparison.compare_with_baselines(scored, model.risk)
    try:
        present, recorded = registry.load(risk, champion), registry.scored(risk, champion)
        frame = _features(settings, present, scored, steps)
        return comparison.compare_with_champion(model, scored, present, recorded, frame, margin=settings.refresh_margin)
    except (DeclarationError, ExtensionUnavailableError):  # no night can use that champion with these settings
        return comparison.compare_with_baselines(scored, model.risk)


def _features(settings: Settings, champion: RiskModel, scored: pa.Table, steps: Steps) -> pa.Table:
    """The features at the cutoffs that the champion has to score, and at the newest."""
    with scratch_folder() as scratch:
        opened = validate_source_step(settings, scratch, steps, training=True)
        cutoffs = comparison.needed_cutoffs(scored, champion, opened.history.until)
        rows = rows_of(scored, opened.history, cutoffs)
        rows[-1] = True  # the newest cutoff of a refresh is compared account by account
        return features_at(cutoffs, opened, steps, rows)


def present_champion(registry: Registry, risk: str) -> Champion | None:
    """The champion of a risk; None also where it cannot be read: that must not keep another from being trained."""
    try:
        return registry.champion(risk)
    except RescueError:
        return None


def shared_grid(champions: Iterable[Champion | None]) -> date | None:
    """A cutoff of a present champion's training: weeks counted from it meet the champion's test rows.

    Two trainings that end on different weekdays would have no cutoff in common, and nothing could be compared.
    """
    days = (str(champion.model.facts.get("through", "")) for champion in champions if champion is not None)
    return next((date.fromisoformat(day) for day in days if day), None)


def tuned_parameters(champion: Champion | None) -> Mapping[str, Any] | None:
    """The parameters that a champion was tuned to; None where it has the shipped ones."""
    facts = champion.model.facts if champion else {}
    return facts["recipe"]["parameters"] if facts.get("tuned") else None
