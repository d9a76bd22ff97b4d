"""What came of earlier nights, for whoever leads the work: right or wrong, how early, and whether the team helped.

Asked of the data and not of the team, because a verdict is somebody's view of their own work. It stands in each night's
report, so that the review app can tell it without reading the source.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from statistics import median
from typing import TYPE_CHECKING

from pipelines.monitoring.effect import effect, outcomes_at
from serving.contracts import RealisedOutcomes
from serving.store.outcome_queries import opened_cases

if TYPE_CHECKING:
    from features.history.history import History
    from features.labels.label_rule import LabelRule
    from models.risks.risk import Risk
    from serving.store import Session, Store


def hindsight(store: Store, history: History, known: Mapping[str, Risk]) -> dict[str, RealisedOutcomes]:
    """What came of the queue's cases so far, by risk."""
    with store.reading() as session:
        return {name: _came_of(session, history, risk.label) for name, risk in known.items()}


def _came_of(session: Session, history: History, rule: LabelRule) -> RealisedOutcomes:
    opened = opened_cases(session, rule.risk)
    settled = outcomes_at(history, rule, opened)
    leads = [_days(at, night) for (_, night), (event, at) in settled.items() if event and at is not None]
    return RealisedOutcomes(
        horizon=rule.lead + rule.horizon,
        cases=len(opened),
        settled=len(settled),
        happened=sum(event for event, _ in settled.values()),
        lead_days=round(median(leads), 1) if leads else None,
        effect=effect(session, history, rule).told(),
    )


def _days(at: datetime, night: date) -> float:
    return (at - datetime.combine(night, time())).total_seconds() / 86_400
