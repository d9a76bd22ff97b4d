"""What of a monitor's measurements needs attention: one alarm for each, in the order of what they break."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipelines.monitoring.retraining import calibration_off, ranking_fell
from serving.night_report.monitor_report import (
    CalibrationOff,
    FeatureDrift,
    LabelsStopped,
    LowVolume,
    MonitorAlarm,
    RankingFell,
    RiskMonitor,
    ScoreDrift,
    StaleFeed,
    VolumeReport,
)
from serving.night_report.report_schema import FeedReport


def find_alarms(
    feeds: Sequence[FeedReport], volume: Sequence[VolumeReport], risks: Sequence[RiskMonitor]
) -> tuple[MonitorAlarm, ...]:
    """Every alarm; the critical ones, about the source, come first."""
    found: list[MonitorAlarm] = [
        StaleFeed(table=feed.table, age_days=feed.age_days, max_age_days=feed.max_age_days)
        for feed in feeds
        if feed.stale
    ]
    found += [LowVolume(table=it.table, rows=it.rows, usual=it.usual or 0.0) for it in volume if it.low]
    for risk in risks:
        found += _of_risk(risk)
    return tuple(sorted(found, key=lambda alarm: alarm.severity != "critical"))


def _of_risk(risk: RiskMonitor) -> Iterator[MonitorAlarm]:
    if risk.labels is not None and risk.labels.stopped:
        known = risk.labels
        yield LabelsStopped(
            risk=risk.risk, last_event=known.last_event, known_until=known.known_until, expected=known.expected
        )
    if risk.performance is not None and ranking_fell(risk.performance):
        promised = risk.performance.expected["auc"].value
        yield RankingFell(risk=risk.risk, auc=risk.performance.figures["auc"], expected=promised or 0.0)
    if risk.performance is not None and calibration_off(risk.performance):
        yield CalibrationOff(risk=risk.risk, observed_to_expected=risk.performance.figures["observed_to_expected"])
    yield from _of_drift(risk)


def _of_drift(risk: RiskMonitor) -> Iterator[MonitorAlarm]:
    drift = risk.drift
    if drift is None:
        return
    if drift.scores_moved and drift.scores is not None:
        yield ScoreDrift(
            risk=risk.risk,
            reference=drift.reference,
            index=drift.scores.index,
            by_chance=drift.scores.by_chance,
            p_value=drift.scores.p_value,
            confirmed=drift.confirmed,
        )
    if drift.features:
        yield FeatureDrift(
            risk=risk.risk,
            reference=drift.reference,
            features=tuple(drift.features),
            tested=drift.features_tested,
            confirmed=drift.confirmed,
        )
