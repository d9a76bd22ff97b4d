"""The uplift of each scored account, for a policy that ranks by it.

``[priority] uplift = true`` asks for it. It is used for a risk whose newest uplift model was shown to order accounts
better than plain risk; for every other risk the night says in one sentence why it uses plain risk.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import to_numpy
from features.errors import RescueError
from pipelines.night.candidate_table import row_keys
from serving.night_report.report_schema import UpliftNotUsed
from serving.night_report.report_text import day_text
from serving.night_report.uplift_text import PLAIN_RISK, uplift_line

if TYPE_CHECKING:
    from models.registry.uplift_registry import RegisteredUplift
    from models.uplift.uplift_model import UpliftModel
    from pipelines.night.scoring import NightScores
    from pipelines.settings import Settings
    from serving.policy.decision.decide import Policy


@dataclass(frozen=True)
class UpliftModels:
    """The uplift models that the priority uses, by risk, and by risk why it uses plain risk where the policy asks."""

    models: Mapping[str, RegisteredUplift] = field(default_factory=dict)
    not_used: Mapping[str, str] = field(default_factory=dict)

    @property
    def versions(self) -> dict[str, str]:
        """The version of each model, by risk."""
        return {risk: found.version for risk, found in self.models.items()}

    @property
    def warnings(self) -> tuple[UpliftNotUsed, ...]:
        """Risks whose priority uses plain risk although the policy asks for the uplift."""
        return tuple(UpliftNotUsed(risk=risk, reason=reason) for risk, reason in self.not_used.items())

    def features(self) -> frozenset[str]:
        """The features that the models read."""
        from models.uplift.uplift_model import RISK_COLUMN

        read = (found.model.learner.signature.names for found in self.models.values())
        return frozenset(name for names in read for name in names if name != RISK_COLUMN)

    def not_known_before(self, first: date) -> UpliftModels:
        """The models that know nothing of ``first`` or later: what a replay from this night on may use."""
        later = {risk: found for risk, found in self.models.items() if found.model.until > first}
        reasons = {
            risk: f"The newest uplift model has learned from data until {day_text(found.model.until)}, which these "
            f"nights could not know, {PLAIN_RISK}."
            for risk, found in later.items()
        }
        kept = {risk: found for risk, found in self.models.items() if risk not in later}
        return replace(self, models=kept, not_used={**self.not_used, **reasons})


NO_UPLIFT = UpliftModels()


def load_uplift(settings: Settings, policies: Collection[Policy], risks: Collection[str]) -> UpliftModels:
    """The uplift models of these risks; none, and no look at the registry, where no policy asks for them."""
    if not any(policy.rules.priority.uplift for policy in policies):
        return NO_UPLIFT
    from pipelines.monitoring.uplift_training import newest_uplift

    models, not_used = {}, {}
    for risk in risks:
        found, report = newest_uplift(settings, risk)
        if found is not None and report.usable:
            models[risk] = found
        else:
            not_used[risk] = uplift_line(report)
    return UpliftModels(models, not_used)


def score_uplift(candidates: pa.Table, scored: NightScores, uplift: UpliftModels) -> tuple[pa.Table, UpliftModels]:
    """The candidates with a column ``uplift_<risk>`` for each risk whose model can be used with this frame.

    Where a frame lacks columns of a model, the risk is ranked by plain risk, and the reason is added.
    """
    not_used = dict(uplift.not_used)
    for risk, found in uplift.models.items():
        try:
            column = _column(candidates, scored, risk, found.model)
        except RescueError as error:
            not_used[risk] = f"The uplift model cannot be used, {PLAIN_RISK}: {error}"
            continue
        candidates = candidates.append_column(f"uplift_{risk}", column)
    used = {risk: found for risk, found in uplift.models.items() if risk not in not_used}
    return candidates, UpliftModels(used, not_used)


def _column(candidates: pa.Table, scored: NightScores, risk: str, model: UpliftModel) -> pa.Array:
    """The uplift of each candidate, null where it was not scored for the risk."""
    from models.uplift.uplift_model import with_risk

    rows = scored.frames.get(risk)
    if rows is None or not rows.num_rows:
        return pa.nulls(candidates.num_rows, pa.float64())
    own = scored.scores.filter(pc.equal(scored.scores["risk"], risk))
    probability = own["probability"].take(_places(own, rows))
    effect = np.full(rows.num_rows, np.nan)
    unfit = model.learner.signature.unfit(with_risk(rows, to_numpy(probability)))
    fit = np.flatnonzero(np.asarray(pc.is_null(unfit)))
    chosen = rows.take(pa.array(fit))
    effect[fit] = model.effect(chosen, to_numpy(probability.take(pa.array(fit))))
    return pa.array(effect, from_pandas=True).take(_places(rows, candidates))


def _places(of: pa.Table, wanted: pa.Table) -> pa.Array:
    """The place of each wanted account and cutoff among the rows."""
    return pc.index_in(row_keys(wanted).combine_chunks(), value_set=row_keys(of).combine_chunks())
