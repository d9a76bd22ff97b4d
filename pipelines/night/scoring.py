"""Scores of a night or several: every eligible account and risk, or the reason why an account was not scored.

Missing is not zero: where a feed that a model learned from has stopped, each score says so in its ``quality``; where
a whole source that the model leans on is silent, the risk abstains, and its accounts are listed as not scored.
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
from pipelines.night.candidate_table import row_keys

if TYPE_CHECKING:
    from features.history.history import History
    from models.registry.registry import Champion
    from models.risks.risk import Risk


@dataclass(frozen=True)
class NightScores:
    """The scores of all risks (``SCORES``), how many accounts were eligible, and who was not scored because of what."""

    scores: pa.Table
    eligible: Mapping[str, int]
    not_scored: Mapping[str, Mapping[str, int]]
    warnings: tuple[str, ...] = ()
    frames: Mapping[str, pa.Table] = field(default_factory=dict, repr=False)

    @property
    def counts(self) -> dict[str, int]:
        """Scored accounts by risk."""
        found = Counter(self.scores.column("risk").to_pylist())
        return {risk: found.get(risk, 0) for risk in self.eligible}


def score_accounts(
    history: History,
    frame: pa.Table,
    cutoffs: Sequence[date],
    champions: Mapping[str, Champion],
    stale: Mapping[str, str],
    without: Collection[Risk] = (),
) -> NightScores:
    """Score the frame of these cutoffs (a night has one) with the champion of each risk.

    ``stale`` names the feeds that have stopped and says so in words; see
    :func:`pipelines.monitoring.feed_freshness.stale_feeds`.
    ``without`` are the risks that have no champion: of these nobody is scored.
    """
    tables, eligible, not_scored, warnings, frames = [], {}, {}, [], {}
    for risk, champion in champions.items():
        fit = eligibility(history, cutoffs, champion.model.risk.label)
        rows = _eligible_rows(frame, fit)
        eligible[risk] = rows.num_rows
        unfit = champion.model.signature.unfit(rows)
        not_scored[risk] = dict(Counter(why for why in [*fit.column("why").to_pylist(), *unfit.to_pylist()] if why))
        rows = rows.filter(pc.is_null(unfit))
        frames[risk] = rows
        tables.append(_scores(rows, risk, champion, sorted(stale.values())))
        if champion.warning:
            warnings.append(f"{risk}: {champion.warning.rstrip('.')}")
    for absent in without:
        fit = eligibility(history, cutoffs, absent.label)
        eligible[absent.name] = pc.sum(fit.column("eligible")).as_py() or 0
        ineligible = Counter(reason for reason in fit.column("why").to_pylist() if reason)
        not_scored[absent.name] = {**ineligible, "no model of this risk": eligible[absent.name]}
    whole = pa.concat_tables(tables) if tables else SCORES.empty_table()
    return NightScores(whole, eligible, not_scored, tuple(warnings), frames)


def _eligible_rows(frame: pa.Table, fit: pa.Table) -> pa.Table:
    chosen = row_keys(fit.filter(fit.column("eligible")))
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
