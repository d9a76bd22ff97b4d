"""Put a challenger before the gate: gather the rows on which it can be compared, judge, write the verdict, and act."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import UsageError
from models import contest, gate
from pipelines import assembly
from pipelines.intake import open_data
from pipelines.settings import Settings, writable_home

if TYPE_CHECKING:
    import pyarrow as pa

    from models.estimator import RiskModel
    from models.gate import Promotion
    from models.paired import Rows
    from models.registry import Registry
    from pipelines.console import Steps


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
    registry = assembly.registry(settings)
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
        return contest.first_contest(scored, model.risk)
    return contest.contest(scored, model.risk, *_asked(settings, registry.load(risk, champion), scored, steps))


def _asked(settings: Settings, champion: RiskModel, scored: pa.Table, steps: Steps) -> tuple[RiskModel, pa.Table]:
    """The champion, and the features of the cutoffs on which it is judged."""
    cutoffs = contest.needed_cutoffs(scored, champion)
    with tempfile.TemporaryDirectory(prefix="rescue-") as scratch:
        with steps.step("admit", f"Reading {settings.data} and checking its rows"):
            opened = open_data(settings, Path(scratch))
        with steps.step("features", f"Building features at {len(cutoffs)} cutoffs"):
            return champion, assembly.build(settings)(opened.history, cutoffs or [opened.history.until])
