"""Put a challenger before the gate: gather the rows on which it can be compared, judge, write the verdict, and act.

The first model of a risk becomes champion whatever the gate says, for without one there would be no night; but the gate
is asked, its verdict goes on record, and where it showed no signal, or no more than a rule of thumb finds, every night
says so (:func:`told_of`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.errors import RescueError, UsageError
from models.promotion import comparison_rows, gate
from pipelines import assembly
from pipelines.scratch import scratch_folder
from pipelines.settings import Promote, Settings, writable_home
from pipelines.sources.validated_source import validate_source_step
from pipelines.training.feature_export import features_at

if TYPE_CHECKING:
    import pyarrow as pa

    from models.evaluation.paired_comparison import Rows
    from models.learners.risk_model import RiskModel
    from models.promotion.gate import Promotion
    from models.registry.registry import Champion, Registry
    from models.training import Trained
    from pipelines.console import Steps


def admit(registry: Registry, trained: Trained, version: str, frame: pa.Table, promote: Promote) -> tuple[bool, str]:
    """Whether a model that was just trained and registered is champion now, and why, in a sentence.

    Args:
        registry: where it is registered as ``version``.
        trained: the training, whose test rows it is judged on.
        version: its number.
        frame: the features that it was trained on; the champion is asked about the newest of them.
        promote: ``never`` leaves every model but the first to ``rescue promote``.
    """
    risk = trained.model.risk
    if registry.version_of(risk.name, "champion") is None:
        return True, _admit_first(registry, trained, version)
    if promote == "never":
        return False, "challenger; `rescue promote` puts it before the gate."
    try:
        champion = registry.champion(risk.name)
        assert champion is not None  # noqa: S101 - the registry has just named one
        rows = comparison_rows.contest(trained.scored, risk, champion.model, frame)
    except RescueError as error:
        return False, f"challenger; the champion cannot be asked about the same rows: {error}"
    verdict = gate.judge(rows, risk=risk.name, challenger=version, champion=champion.version)
    registry.record(risk.name, version, verdict.tags())
    if verdict.promoted:
        registry.promote(risk.name, version, by="the gate")
    return verdict.promoted, verdict.outcome()


def _admit_first(registry: Registry, trained: Trained, version: str) -> str:
    risk = trained.model.risk
    verdict = gate.judge(comparison_rows.first_contest(trained.scored, risk), risk=risk.name, challenger=version)
    why = "champion, as the first of its risk"
    registry.record(risk.name, version, verdict.tags() | {"first": why})
    registry.promote(risk.name, version, by="rescue")
    return f"{why}." if verdict.promoted else f"{why}, though the gate would refuse it. {verdict.told()}"


def told_of(risk: str, champion: Champion) -> str | None:
    """What a night must say of a champion whose worth was not shown, so that nobody takes its order for knowledge."""
    facts = champion.model.facts
    if facts.get("signal", True):
        return f"{risk}: {facts['unproven'].rstrip('.')}" if facts.get("unproven") else None
    return (
        f"{risk}: {facts['verdict']} Every account is given the base rate of {facts['base_rate']:.1%}; "
        "the order of the queue rests on revenue and the policy's triggers, not on knowledge of this risk"
    )


def promote_version(
    settings: Settings, risk: str, version: str | None, overriding: str | None, *, by: str, steps: Steps
) -> tuple[Promotion, bool]:
    """Judge a version of a risk and promote it where the gate, or ``overriding`` (a reason), says so.

    Returns the gate's verdict and whether the version is champion now. The verdict, and who overrode it and why, are
    written to the registry either way.

    Raises:
        UsageError: there is no such version, or it is champion already.
    """
    writable_home(settings)
    registry = assembly.open_registry(settings)
    champion = registry.version_of(risk, "champion")
    challenger = version or registry.version_of(risk, "challenger")
    if challenger is None:
        raise UsageError(f"There is no challenger of {risk}: `rescue train` makes one.")
    if challenger == champion:
        raise UsageError(f"Version {challenger} is the champion of {risk} already.")
    rows = _rows(settings, registry, risk, challenger, champion, steps)
    with steps.step("gate", f"Judging version {challenger} of {risk}"):
        verdict = gate.judge(rows, risk=risk, challenger=challenger, champion=champion)
    registry.record(risk, challenger, verdict.tags() | _overridden(verdict, overriding, by))
    promoted = verdict.promoted or overriding is not None
    if promoted:
        registry.promote(risk, challenger, by=by)
    return verdict, promoted


def _overridden(verdict: Promotion, overriding: str | None, by: str) -> dict[str, str]:
    return {"override": f"{by}: {overriding}"} if overriding is not None and not verdict.promoted else {}


def _rows(
    settings: Settings, registry: Registry, risk: str, challenger: str, champion: str | None, steps: Steps
) -> Rows:
    """The rows of the challenger's evaluation that the champion can be asked about, too."""
    model = registry.load(risk, challenger)
    scored = registry.scored(risk, challenger)
    if champion is None:
        return comparison_rows.first_contest(scored, model.risk)
    return comparison_rows.contest(scored, model.risk, *_asked(settings, registry.load(risk, champion), scored, steps))


def _asked(settings: Settings, champion: RiskModel, scored: pa.Table, steps: Steps) -> tuple[RiskModel, pa.Table]:
    """The champion, and the features of the cutoffs on which it is judged."""
    cutoffs = comparison_rows.needed_cutoffs(scored, champion)
    with scratch_folder() as scratch:
        opened = validate_source_step(settings, scratch, steps)
        return champion, features_at(cutoffs or [opened.history.until], opened, steps)
