"""A recorded night for tests of the review app: a stale feed, quarantined rows, a missing table, measured effects."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from serving.night_report.effect_report import DifferenceReport, EffectReport, GroupReport
from serving.night_report.report_schema import (
    DecisionReport,
    FeedReport,
    NightReport,
    NotScored,
    RealisedOutcomes,
    RiskReport,
    TableRows,
)

RUN_ID = "5e1f0c7a9b12"


def night_row(as_of: date, cases: int, risks: Sequence[str]) -> dict[str, Any]:
    """The row of a night that flagged so many accounts and scored these risks."""
    at = datetime.combine(as_of, datetime.min.time()) + timedelta(hours=2)
    return {
        "as_of": as_of,
        "run_id": RUN_ID,
        "epoch": 1,
        "status": "recorded",
        "lease_until": at,
        "started_at": at,
        "recorded_at": at,
        "content_hash": "",
        "report": night_report_of(as_of, cases, risks).to_json(),
        "failure": None,
    }


def night_report_of(as_of: date, cases: int, risks: Sequence[str]) -> NightReport:
    """Its report."""
    return NightReport(
        as_of=as_of,
        run_id=RUN_ID,
        tables=(
            TableRows(name="accounts", rows=640, accepted=640, duplicates=0, quarantined={}),
            TableRows(
                name="usage_daily", rows=486045, accepted=485537, duplicates=0, quarantined={"out_of_range": 508}
            ),
            TableRows(name="tickets", rows=6060, accepted=6054, duplicates=0, quarantined={"unknown_account": 6}),
        ),
        missing_tables=("outcomes",),
        feeds=(
            FeedReport(table="usage_daily", age_days=1, max_age_days=4, stale=False),
            FeedReport(table="tickets", age_days=5, max_age_days=4, stale=True),
        ),
        risks=tuple(
            RiskReport(
                name=risk,
                title=risk.replace("_", " ").capitalize(),
                model_version="3",
                eligible=323,
                scored=323,
                not_scored=(NotScored(code="no_subscription", count=69),),
            )
            for risk in risks
        ),
        decision=DecisionReport(flagged=cases, waiting=3, held_out=2),
        realised_outcomes=(_measured_outcomes(), _unmeasured_outcomes()),
    )


def _measured_outcomes() -> RealisedOutcomes:
    """Enough settled cases to measure accuracy and effect."""
    effect = EffectReport(
        worked=GroupReport(accounts=140, settled=131, events=20),
        held_out=GroupReport(accounts=100, settled=96, events=25),
        needed=30,
        difference=DifferenceReport(value=0.112, low=0.014, high=0.206),
    )
    return RealisedOutcomes(
        risk="churn", horizon_days=97, cases=214, settled=131, events=45, median_lead_days=41.0, effect=effect
    )


def _unmeasured_outcomes() -> RealisedOutcomes:
    """Too few settled cases."""
    effect = EffectReport(
        worked=GroupReport(accounts=9, settled=9, events=3),
        held_out=GroupReport(accounts=4, settled=4, events=1),
        needed=30,
        difference=None,
    )
    return RealisedOutcomes(
        risk="escalation", horizon_days=14, cases=88, settled=9, events=3, median_lead_days=5.0, effect=effect
    )
