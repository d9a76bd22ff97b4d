"""Is the champion still as good as its evaluation said? Its figures at the newest cutoffs that have matured.

Scores at cutoffs whose labels the champion was trained on would look better than they are. So only later cutoffs count,
and a champion that was trained lately has none yet: then the reason is given instead of figures. Rows of accounts that
the team acted on are left out, and hold-out rows are weighted in their place, as in training.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.labels.labels import eligibility, label
from models.data.eligible_rows import rows_meeting
from models.data.examples import labelled_rows
from models.data.treatment import untreated
from models.evaluation.evaluation_rows import EvaluationRows, Scores
from models.evaluation.metrics_report import MODEL, MetricsReport, report_metrics
from models.promotion.comparison import first_unseen_cutoff

if TYPE_CHECKING:
    from features.frame import FrameBuilder
    from features.history.history import History
    from models.learners.risk_model import RiskModel

MATURED_CUTOFFS = 4
"""How many weekly cutoffs whose labels have matured are scored again."""

KEYS = ["account_id", "as_of"]


@dataclass(frozen=True)
class MaturedScores:
    """The champion's scores of the eligible accounts at matured cutoffs; ``rows`` are those of the frame."""

    rows: pa.Table
    probability: pa.Array
    rank_score: pa.Array


def matured_cutoffs(history: History, model: RiskModel) -> list[date]:
    """The newest weekly cutoffs whose labels have matured, the newest first."""
    last = history.until - timedelta(days=model.risk.embargo + 1)
    return [day for week in range(MATURED_CUTOFFS) if (day := last - timedelta(weeks=week)) > history.first]


def score_matured(history: History, build: FrameBuilder, model: RiskModel) -> MaturedScores | None:
    """Score the matured cutoffs with the champion; None where there are none."""
    cutoffs = matured_cutoffs(history, model)
    if not cutoffs:
        return None
    frame = build(history, cutoffs)
    eligible = eligibility(history, cutoffs, model.risk.label)
    rows = frame.join(eligible.filter(eligible["eligible"]).select(KEYS), KEYS, join_type="left semi")
    rows = rows.filter(pa.array(rows_meeting(rows, model.risk.eligible)))
    rows = rows.filter(pc.is_null(model.unfit(rows)))
    predicted = model.predict(rows)
    return MaturedScores(rows.select(KEYS), pa.array(predicted.probability), pa.array(predicted.rank_score))


def champion_performance(history: History, model: RiskModel, scores: MaturedScores | None) -> MetricsReport | str:
    """The champion's figures at the matured cutoffs that it did not learn from, or the reason why there are none."""
    unseen = first_unseen_cutoff(model)
    places = None if scores is None else pc.greater_equal(scores.rows["as_of"], pa.scalar(unseen))
    if scores is None or not pc.any(places).as_py():
        return f"no matured cutoff is later than what the champion learned from; the first one is {unseen}"
    scored = scores.rows.filter(places)
    labels = label(history, sorted(set(scored["as_of"].to_pylist())), model.risk.label)
    labelled = labelled_rows(scored, labels.join(scored, KEYS, join_type="left semi"))
    usable = untreated(labelled)
    labelled = labelled.take(usable.keep)
    if not len(labelled):
        return "no label has matured"
    rank, probability = (
        np.asarray(values.filter(places))[labelled.rows] for values in (scores.rank_score, scores.probability)
    )
    rows = EvaluationRows(
        event=labelled.happened,
        weight=usable.weight,
        day=labelled.day,
        unit=labelled.account,
        event_number=labelled.event,
        revenue=np.full(len(labelled), np.nan),
    )
    return report_metrics("matured cutoffs", rows, {MODEL: Scores(rank, probability)}, model.risk.capacity)
