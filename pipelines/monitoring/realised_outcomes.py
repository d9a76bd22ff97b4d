"""The realised outcomes of the queue's cases: how many had the event, how early, and whether the team helped.

They are read from the data and not from the team, because a case's verdict is somebody's view of their own work. Each
night's report holds them, so that the review app can show them without reading the source. Cases of received
cancellations are facts and no predictions: they are counted apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from statistics import median
from typing import TYPE_CHECKING

from pipelines.monitoring.effect import effect_of, outcomes_at
from serving.contracts import AlarmKind
from serving.night_report.report_schema import RealisedOutcomes
from serving.store.case_states import State
from serving.store.queries.outcome_queries import enrolled_units, opened_cases

if TYPE_CHECKING:
    from features.history.history import History
    from features.labels.label_rule import LabelRule
    from models.risks.risk import Risk
    from serving.store import Session, Store


def realised_outcomes(store: Store, history: History, known: Mapping[str, Risk]) -> tuple[RealisedOutcomes, ...]:
    """What happened so far to the accounts of the queue's cases, one entry a risk."""
    with store.reading() as session:
        return tuple(_realised(session, history, risk.label) for risk in known.values())


def _realised(session: Session, history: History, rule: LabelRule) -> RealisedOutcomes:
    cases = opened_cases(session, rule.risk)
    enrolled = enrolled_units(session, rule.risk)
    opened = {(case.account_id, case.opened_on) for case in cases if case.predicted}
    mature = outcomes_at(history, rule, opened | {(unit.account_id, unit.as_of) for unit in enrolled})
    settled = {key: mature[key] for key in opened if key in mature and mature[key].event is not None}
    cancelled = [case for case in cases if str(AlarmKind.CANCELLATION) in case.alarms]
    leads = [_days(at, night) for (_, night), (event, at) in settled.items() if event and at is not None]
    return RealisedOutcomes(
        risk=rule.risk,
        horizon_days=rule.lead + rule.horizon,
        cases=len(opened),
        settled=len(settled),
        events=sum(outcome.happened for outcome in settled.values()),
        median_lead_days=round(median(leads), 1) if leads else None,
        effect=effect_of(enrolled, mature, rule, history.until),
        cancellations=len(cancelled),
        cancellations_saved=sum(case.state == State.SAVED for case in cancelled),
        cancellations_lost=sum(case.state == State.LOST for case in cancelled),
    )


def _days(at: datetime, night: date) -> float:
    return (at - datetime.combine(night, time())).total_seconds() / 86_400
