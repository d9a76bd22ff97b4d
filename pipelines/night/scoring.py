"""Scores of one night or several: every eligible account and risk, or the reason why an account was not scored.

Missing is not zero. Where a feed that a model learned from has stopped, each score says so in its ``quality``; where
the values that a model needs are missing, the account is not scored, and the report counts it with the features.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from features.labels.labels import eligibility
from models.contracts import SCORES
from models.data.eligible_rows import rows_meeting
from pipelines.night.candidate_table import row_keys
from serving.night_report.report_schema import NotScored, RiskReport

if TYPE_CHECKING:
    from features.history.history import History
    from models.data.arrays import Bools
    from models.registry.registry import Champion
    from models.risks.risk import Risk


@dataclass(frozen=True)
class NightScores:
    """The scores of all risks (``SCORES``), and by risk how many accounts were eligible and who was not scored.

    ``frames`` holds the features of the accounts that were scored, by risk.
    """

    scores: pa.Table
    eligible: Mapping[str, int]
    not_scored: Mapping[str, tuple[NotScored, ...]]
    frames: Mapping[str, pa.Table] = field(default_factory=dict, repr=False)

    def reports(self, known: Mapping[str, Risk], versions: Mapping[str, str]) -> tuple[RiskReport, ...]:
        """The part of the night's report about the risks."""
        scored = Counter(self.scores.column("risk").to_pylist())
        return tuple(
            RiskReport(
                name=name,
                title=risk.title,
                model_version=versions.get(name),
                eligible=self.eligible[name],
                scored=scored[name],
                not_scored=self.not_scored[name],
            )
            for name, risk in known.items()
        )


def score_accounts(
    history: History,
    frame: pa.Table,
    cutoffs: Sequence[date],
    champions: Mapping[str, Champion],
    stale: Sequence[str],
    without: Collection[Risk] = (),
) -> NightScores:
    """Score the frame of these cutoffs (a night has one) with the champion of each risk.

    Args:
        history: where eligibility is read.
        frame: the features, one row an account and cutoff.
        cutoffs: the cutoffs of the frame.
        champions: the model of each risk.
        stale: the feeds that have stopped, in words; they are recorded with each score.
        without: risks without a champion; nobody is scored for them.
    """
    tables, frames = [SCORES.empty_table()], {}
    eligible: dict[str, int] = {}
    not_scored: dict[str, tuple[NotScored, ...]] = {}
    for name, champion in champions.items():
        status = eligibility(history, cutoffs, champion.model.risk.label)
        rows = _eligible_rows(frame, status)
        meeting = rows_meeting(rows, champion.model.risk.eligible)
        rows = rows.filter(pa.array(meeting))
        unusable = champion.model.signature.unfit(rows)
        eligible[name] = rows.num_rows
        not_scored[name] = (*_not_eligible(status), *_not_meeting(meeting), *_without_values(unusable))
        frames[name] = rows.filter(pc.is_null(unusable))
        tables.append(_scores(frames[name], name, champion, sorted(stale)))
    for risk in without:
        status = eligibility(history, cutoffs, risk.label)
        eligible[risk.name] = pc.sum(status.column("eligible")).as_py() or 0
        no_model = NotScored(code="no_model", count=eligible[risk.name])
        not_scored[risk.name] = (*_not_eligible(status), no_model)
    return NightScores(pa.concat_tables(tables), eligible, not_scored, frames)


def _not_eligible(status: pa.Table) -> list[NotScored]:
    reasons = Counter(status.column("why").drop_null().to_pylist())
    return [NotScored(code=code, count=count) for code, count in sorted(reasons.items())]


def _not_meeting(meeting: Bools) -> list[NotScored]:
    """How many of the accounts that the label takes do not meet the risk's condition ``eligible``."""
    count = int((~meeting).sum())
    return [NotScored(code="condition_not_met", count=count)] if count else []


def _without_values(unusable: pa.Array) -> list[NotScored]:
    """How many accounts were not scored for want of the same features, the most frequent first."""
    counts = Counter(tuple(features) for features in unusable.drop_null().to_pylist())
    return [NotScored(code="missing_values", count=count, features=names) for names, count in counts.most_common()]


def _eligible_rows(frame: pa.Table, status: pa.Table) -> pa.Table:
    chosen = row_keys(status.filter(status.column("eligible")))
    return frame.filter(pc.is_in(row_keys(frame), value_set=chosen.combine_chunks()))


def _scores(rows: pa.Table, risk: str, champion: Champion, quality: list[str]) -> pa.Table:
    predicted = champion.model.predict(rows)
    count = rows.num_rows
    columns = [
        rows.column("account_id").combine_chunks().cast(pa.string()),
        pa.array([risk] * count, pa.string()),
        rows.column("as_of").combine_chunks().cast(pa.date32()),
        pa.array(predicted.probability, pa.float64()),
        pa.array(predicted.rank_score, pa.float64()),
        pa.array([champion.version] * count, pa.string()),
        pa.array([quality] * count, pa.list_(pa.string())),
    ]
    return pa.Table.from_arrays(columns, schema=SCORES)
