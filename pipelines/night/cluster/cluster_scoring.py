"""Scores of a night where its features are: in this process, or on a cluster.

On a cluster executors score their own rows, and one short row each comes back. An executor gets the files of each
champion, LightGBM's text and JSON, and reads them once. All of an account's features stay on the cluster;
:meth:`NightScores.rows_of` brings back those of chosen accounts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.labels.labels import eligibility
from models.contracts import SCORES
from models.data.eligible_rows import rows_meeting
from pipelines.night import scoring
from pipelines.night.candidate_table import ACCOUNT_COLUMNS, CONTRACT_COLUMNS
from pipelines.night.scoring import NightScores, ScoredFrames

if TYPE_CHECKING:
    from features.cluster_frame import ClusterFrame
    from features.history.history import History
    from models.data.arrays import Bools, Floats
    from models.data.signature import Places
    from models.explain.event_rarity import EventRarity
    from models.learners.risk_model import Predicted, RiskModel
    from models.registry.registry import Champion
    from models.risks.risk import Risk
    from serving.policy.decision.decide import Policy

PARTS = ("meets", "unusable", "unknown", "probability", "rank_score")
"""What executors say of a row, for each risk."""

ModelFiles = tuple[tuple[str, bytes], ...]
"""The files of a saved model by name."""


@dataclass(frozen=True)
class ClusterFrames(ScoredFrames):
    """The rows that were scored, by risk; they are on the cluster, and come back when they are asked for."""

    on_cluster: ClusterFrame = field(kw_only=True, repr=False)
    _read: list[pa.Table] = field(default_factory=list, init=False, repr=False)

    def __getitem__(self, risk: str) -> pa.Table:
        return self.on_cluster.of_accounts(self._scored(risk).to_pylist())

    def of_accounts(self, risk: str, accounts: pa.Array) -> pa.Table:
        """The rows of some accounts that were scored for a risk; each comes here once."""
        scored = self._scored(risk)
        chosen = scored.filter(pc.is_in(scored, value_set=accounts))
        read = pa.concat_tables([self.on_cluster.schema.empty_table(), *self._read])
        if len(new := chosen.filter(pc.invert(pc.is_in(chosen, value_set=read["account_id"])))):
            self._read.append(self.on_cluster.of_accounts(new.to_pylist()))
            read = pa.concat_tables([read, self._read[-1]])
        rows = read.filter(pc.is_in(read["account_id"], value_set=chosen))
        return rows.sort_by([("as_of", "ascending"), ("account_id", "ascending")])

    def _scored(self, risk: str) -> pa.Array:
        return self.frame["account_id"].take(pa.array(self.places[risk])).combine_chunks()


@dataclass(frozen=True)
class _ScoredRows:
    """What the executors said of all rows for one risk."""

    rows: pa.Table
    risk: str

    @property
    def keys(self) -> pa.Table:
        return self.rows.select(["account_id", "as_of"])

    def meeting(self, places: Places) -> Bools:
        return np.asarray(self._part("meets").take(pa.array(places)), dtype=np.bool_)

    def unusable(self) -> pa.Array:
        return self._part("unusable")

    def unknown(self) -> pa.Array:
        return self._part("unknown")

    def predict(self, places: Places) -> Predicted:
        from models.learners.risk_model import Predicted

        values = (self._part(name).take(pa.array(places)).to_numpy() for name in ("probability", "rank_score"))
        return Predicted(*values)

    def _part(self, name: str) -> pa.Array:
        return self.rows[f"{name}: {self.risk}"].combine_chunks()


@dataclass(frozen=True)
class RowScorer:
    """The function that executors run on the rows of a frame: what the champions say of each."""

    models: Mapping[str, ModelFiles]

    def __call__(self, rows: pa.Table) -> pa.Table:
        """By risk: whether the row meets its condition, what is unusable or unknown in it, and its score."""
        from models.learners.risk_model import Predicted

        columns: dict[str, pa.Array] = {}
        for risk, files in self.models.items():
            model = _model(files)
            meets = rows_meeting(rows, model.risk.eligible)
            unusable = model.signature.unfit(rows)
            fit = np.flatnonzero(meets & np.asarray(pc.is_null(unusable)))
            predicted = model.predict(rows, fit) if len(fit) else Predicted(np.empty(0), np.empty(0))
            values = (
                pa.array(meets),
                unusable,
                model.signature.unknown(rows),
                _at(predicted.probability, fit, rows.num_rows),
                _at(predicted.rank_score, fit, rows.num_rows),
            )
            columns |= dict(zip(_names(risk), values, strict=True))
        return pa.table(columns, schema=_schema(self.models))


@cache
def _model(files: ModelFiles) -> RiskModel:
    from models.learners.risk_model import RiskModel

    return RiskModel.of_files(dict(files))


def _at(values: Floats, places: Places, rows: int) -> pa.Array:
    """The values at these places, null elsewhere."""
    column, mask = np.zeros(rows), np.ones(rows, np.bool_)
    column[places], mask[places] = values, False
    return pa.array(column, pa.float64(), mask=mask)


def _names(risk: str) -> list[str]:
    return [f"{part}: {risk}" for part in PARTS]


def _schema(risks: Collection[str]) -> pa.Schema:
    texts = pa.list_(pa.string())
    kinds = (pa.bool_(), texts, texts, pa.float64(), pa.float64())
    return pa.schema([(name, kind) for risk in risks for name, kind in zip(_names(risk), kinds, strict=True)])


def score_frame(
    history: History,
    frame: pa.Table | ClusterFrame,
    cutoffs: Sequence[date],
    champions: Mapping[str, Champion],
    stale: Sequence[str],
    without: Collection[Risk] = (),
) -> NightScores:
    """The scores, computed where the features are; see :func:`pipelines.night.scoring.score_accounts`."""
    score = scoring.score_accounts if isinstance(frame, pa.Table) else score_on_cluster
    return score(history, frame, cutoffs, champions, stale, without)


def score_on_cluster(
    history: History,
    frame: ClusterFrame,
    cutoffs: Sequence[date],
    champions: Mapping[str, Champion],
    stale: Sequence[str],
    without: Collection[Risk] = (),
) -> NightScores:
    """See :func:`pipelines.night.scoring.score_accounts`."""
    files = {name: tuple(sorted(champion.model.files().items())) for name, champion in champions.items()}
    scored = frame.with_columns(RowScorer(files), _schema(files)) if files else frame
    rows = scored.columns(["account_id", "as_of", *_schema(files).names])
    frames = ClusterFrames(rows.select(["account_id", "as_of"]), on_cluster=scored)
    found = scoring.score_accounts(history, frames.frame, cutoffs, {}, stale, without)
    eligible, not_scored = dict(found.eligible), dict(found.not_scored)
    unknown: dict[tuple[str, str], tuple[str, ...]] = {}
    tables = [SCORES.empty_table()]
    for name, champion in champions.items():
        result = scoring.score_risk(_ScoredRows(rows, name), eligibility(history, cutoffs, champion.model.risk.label))
        eligible[name], not_scored[name], frames.places[name] = result.eligible, result.not_scored, result.places
        unknown |= result.unknown(name)
        tables.append(result.scores(name, champion.version, stale))
    return replace(
        found,
        scores=pa.concat_tables(tables),
        eligible=eligible,
        not_scored=not_scored,
        frames=frames,
        unknown=unknown,
        rarity=rarity_on_cluster(scored, rows.num_rows),
    )


def rarity_on_cluster(frame: ClusterFrame, rows: int) -> EventRarity:
    """How unusual each adverse event is among so many rows; only the severities of those that have one come back."""
    from models.explain.event_rarity import EventRarity, adverse_severities

    schema = pa.schema([("event", pa.string()), ("severity", pa.float64())])
    found = frame.collect(frame.map(adverse_severities, schema))
    return EventRarity.of_severities(found, rows)


def rows_for_decision(frame: pa.Table | ClusterFrame, policy: Policy) -> pa.Table:
    """What the decision reads of the features: columns of the policy's conditions, and those that an account has."""
    if isinstance(frame, pa.Table):
        return frame
    wanted = {"account_id", "as_of", *policy.conditions.columns, *ACCOUNT_COLUMNS, *CONTRACT_COLUMNS}
    return frame.columns([name for name in frame.column_names if name in wanted])
