"""A report of the monitor with everything that it can contain."""

from datetime import date
from typing import Any

from serving.night_report.effect_report import EffectReport, GroupReport
from serving.night_report.monitor_report import (
    CalibrationOff,
    DriftReport,
    EstimateReport,
    FeatureDrift,
    FigureReport,
    LabelReport,
    LabelsStopped,
    LowVolume,
    ModelReport,
    MonitorReport,
    PerformanceReport,
    RankingFell,
    RetrainingReport,
    RiskMonitor,
    ScoreDrift,
    SegmentPerformance,
    ShiftReport,
    StaleFeed,
    UnknownPart,
)

DAY, NIGHT, REFERENCE = date(2026, 3, 1), date(2026, 2, 28), date(2026, 1, 3)


def figure(value: float, low: float, high: float) -> FigureReport:
    return FigureReport(value=value, low=low, high=high)


ALARMS = (
    StaleFeed(table="tickets", age_days=12, max_age_days=3),
    LowVolume(table="invoices", rows=60, usual=105.0),
    LabelsStopped(risk="churn", last_event=date(2025, 11, 3), known_until=date(2026, 1, 28), expected=9.4),
    ScoreDrift(risk="churn", reference=REFERENCE, index=0.31, by_chance=0.05, p_value=1e-5, confirmed=True),
    FeatureDrift(
        risk="churn",
        reference=REFERENCE,
        features=("logins_28d", "tickets_28d", "arr_now", "seats_now"),
        tested=96,
        confirmed=False,
    ),
    RankingFell(risk="churn", auc=figure(0.58, 0.54, 0.62), expected=0.71),
    CalibrationOff(risk="churn", observed_to_expected=figure(0.6, 0.5, 0.71)),
)
EFFECT = EffectReport(
    worked=GroupReport(accounts=9, settled=9, events=3),
    held_out=GroupReport(accounts=4, settled=4, events=1),
    needed=30,
    difference=None,
    valid="every_night",
)


def performance_report(**figures: FigureReport) -> PerformanceReport:
    """Twelve matured nights."""
    usual = {
        "auc": figure(0.78, 0.74, 0.82),
        "average_precision": figure(0.3, 0.25, 0.36),
        "precision_at_capacity": figure(0.41, 0.33, 0.5),
        "observed_to_expected": figure(1.04, 0.9, 1.2),
    }
    return PerformanceReport(
        first=date(2025, 10, 1),
        last=date(2025, 12, 17),
        nights=12,
        accounts=323,
        accounts_with_event=61,
        capacity=20,
        figures={**usual, **figures},
        expected={"auc": figure(0.8, 0.79, 0.81)},
        segments=(
            SegmentPerformance(
                segment="enterprise",
                rows=400,
                accounts_with_event=21,
                figures={"observed_to_expected": figure(1.1, 0.8, 1.5)},
            ),
        ),
    )


def risk_monitor(**changes: Any) -> RiskMonitor:
    """A risk of which everything is measured."""
    shift = ShiftReport(index=0.06, by_chance=0.05, p_value=0.4, then=320, now=323)
    fields: dict[str, Any] = {
        "risk": "churn",
        "title": "Churn within 90 days",
        "model": ModelReport(version="3", through=date(2025, 9, 1), age_days=181, new_events=55),
        "performance": performance_report(),
        "estimate": EstimateReport(
            night=NIGHT,
            accounts=323,
            capacity=20,
            figures={
                "auc": figure(0.8, 0.75, 0.85),
                "precision_at_capacity": figure(0.45, 0.25, 0.65),
                "events": figure(24, 17, 33),
            },
        ),
        "drift": DriftReport(
            reference=REFERENCE,
            night=NIGHT,
            scores=shift,
            scores_moved=False,
            features={},
            features_tested=96,
            confirmed=False,
        ),
        "labels": LabelReport(
            events=80, last_event=date(2026, 1, 20), known_until=date(2026, 1, 28), expected=1.7, stopped=False
        ),
        "effect": EFFECT,
        "retraining": RetrainingReport(recommended=True, reasons=("champion_is_old",)),
    }
    return RiskMonitor(**(fields | changes))


def unmeasured_risk() -> RiskMonitor:
    """A risk of which nothing can be measured yet."""
    unknown = {
        "model": UnknownPart(code="no_champion"),
        "performance": UnknownPart(code="not_matured", on=date(2026, 7, 9)),
        "estimate": UnknownPart(code="no_scores"),
        "drift": UnknownPart(code="no_champion"),
    }
    nothing = dict.fromkeys(("model", "performance", "estimate", "drift", "labels"))
    return risk_monitor(
        risk="escalation", title="Escalation within 14 days", **nothing, unknown=unknown,
        retraining=RetrainingReport(recommended=False),
    )  # fmt: skip


def monitor_report() -> MonitorReport:
    """Two risks and every alarm."""
    return MonitorReport(
        as_of=DAY, night=NIGHT, feeds=(), volume=(), risks=(risk_monitor(), unmeasured_risk()), alarms=ALARMS
    )
