"""How recorded nights turned out, and how the newest one is expected to.

Scores are those that the nights published, so nothing is scored again and no training row is among them. A night counts
once its labels have matured, one night a week, because the accounts of neighbouring nights are nearly the same. Rows of
accounts that the team acted on are left out, and hold-out rows are weighted in their place, as in training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from features.arrow import to_numpy
from features.labels.groups import with_groups
from features.labels.labels import label
from models.data.examples import labelled_rows
from models.data.treatment import untreated
from models.evaluation.evaluation_rows import EvaluationRows, Scores
from models.evaluation.expected_performance import expected_figures, expected_ranking
from models.evaluation.metrics_report import MIN_SEGMENT_ACCOUNTS, MODEL, MetricsReport, report_metrics, report_parts
from serving.night_report.monitor_report import (
    EstimateReport,
    FigureReport,
    PerformanceReport,
    SegmentPerformance,
    UnknownPart,
)
from serving.store.queries.monitor_queries import scores_of_nights, segments_of_accounts

if TYPE_CHECKING:
    from features.history.history import History
    from models.data.arrays import Floats
    from models.evaluation.bootstrap import Estimate
    from models.risks.risk import Risk
    from serving.store import Session

_KEYS = ["account_id", "as_of"]
MATURED_NIGHTS = 12
"""Nights, a week apart, that are evaluated together."""
FEWEST_EVENTS = 10
"""Accounts with an event without which no figure is given."""
FIGURES = ("auc", "average_precision", "precision_at_capacity", "observed_to_expected")


@dataclass(frozen=True)
class MaturedRows:
    """The recorded scores of matured nights with their outcomes; one value a row."""

    rows: EvaluationRows
    scores: Scores
    probability: Floats
    segment: np.ndarray[tuple[int], np.dtype[np.str_]]


def measure_performance(
    session: Session, history: History, risk: Risk, nights: Sequence[date]
) -> PerformanceReport | UnknownPart:
    """The figures of the newest matured nights; ``nights`` are all recorded ones, the newest first."""
    matured = _a_week_apart([night for night in nights if risk.label.matures_on(night) < history.until])
    if not matured:
        first = risk.label.matures_on(nights[-1]) + timedelta(days=1) if nights else None
        return UnknownPart(code="not_matured" if nights else "no_night", on=first)
    gathered = _gather(session, history, risk, matured)
    if gathered is None:
        return UnknownPart(code="no_scores")
    if gathered.rows.units_with_event < FEWEST_EVENTS:
        return UnknownPart(code="too_few_events")
    scorers = {MODEL: gathered.scores}
    report = report_metrics("recorded nights", gathered.rows, scorers, risk.capacity)
    parts = report_parts(gathered.segment, gathered.rows, scorers, risk.capacity, MIN_SEGMENT_ACCOUNTS)
    return PerformanceReport(
        first=report.first,
        last=report.last,
        nights=report.cutoffs,
        accounts=report.accounts,
        accounts_with_event=report.accounts_with_event,
        capacity=risk.capacity,
        figures=_figures(report),
        expected=figure_reports(expected_ranking(gathered.rows, gathered.scores, risk.capacity)),
        segments=tuple(
            SegmentPerformance(
                segment=part.name,
                rows=part.rows,
                accounts_with_event=part.accounts_with_event,
                figures=_figures(part),
            )
            for part in parts
            if part.name
        ),
    )


def estimate_night(session: Session, risk: Risk, nights: Sequence[date]) -> EstimateReport | UnknownPart:
    """How the newest night will turn out if its probabilities are right."""
    if not nights:
        return UnknownPart(code="no_night")
    scored = scores_of_nights(session, risk.name, nights[:1])
    if not scored.num_rows:
        return UnknownPart(code="no_scores")
    probability, rank = (to_numpy(scored[name]) for name in ("probability", "rank_score"))
    return EstimateReport(
        night=nights[0],
        accounts=scored.num_rows,
        capacity=risk.capacity,
        figures=figure_reports(expected_figures(probability, rank, risk.capacity)),
    )


def _a_week_apart(nights: Sequence[date]) -> list[date]:
    """The newest of these nights (newest first), then the next one at least a week before it, and so on."""
    chosen: list[date] = []
    for night in nights:
        if len(chosen) < MATURED_NIGHTS and (not chosen or (chosen[-1] - night).days >= 7):
            chosen.append(night)
    return chosen


def _gather(session: Session, history: History, risk: Risk, nights: Sequence[date]) -> MaturedRows | None:
    scored = scores_of_nights(session, risk.name, nights)
    if not scored.num_rows:
        return None
    labels = with_groups(history, label(history, sorted(nights), risk.label))
    labels = labels.join(scored.select(_KEYS), _KEYS, join_type="left semi")
    labelled = labelled_rows(scored, labels)
    usable = untreated(labelled)
    labelled = labelled.take(usable.keep)
    if not len(labelled):
        return None
    scored = scored.take(pa.array(labelled.rows))
    segments = segments_of_accounts(session)
    rows = EvaluationRows(
        event=labelled.happened,
        weight=usable.weight,
        day=labelled.day,
        unit=labelled.unit,
        event_number=labelled.event,
        revenue=np.full(len(labelled), np.nan),
    )
    probability, rank = (to_numpy(scored[name]) for name in ("probability", "rank_score"))
    segment = np.array([segments.get(account) or "" for account in scored["account_id"].to_pylist()], dtype=np.str_)
    return MaturedRows(rows, Scores(rank, probability), probability, segment)


def _figures(report: MetricsReport) -> dict[str, FigureReport]:
    return figure_reports({name: report.scorers[MODEL][name] for name in FIGURES if name in report.scorers[MODEL]})


def figure_reports(figures: Mapping[str, Estimate]) -> dict[str, FigureReport]:
    """Estimates as parts of a report."""
    return {name: FigureReport(**estimate.to_json()) for name, estimate in figures.items()}
