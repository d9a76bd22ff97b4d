"""When should a risk be trained again? When what was measured calls for it, and not only by the calendar.

A new model costs a comparison that it may lose, so one sign alone is not enough where it may be chance: drift counts
once an earlier night confirms it and the ranking of matured nights fell as well. Probabilities that are off count
alone, because their whole interval is beyond a limit, and every priority is computed with them. An old champion counts
once enough new events have happened for another one to learn from.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipelines.setting_sections.monitoring_settings import MonitoringSettings
from serving.night_report.monitor_report import (
    DriftReport,
    ModelReport,
    PerformanceReport,
    RetrainingCode,
    RetrainingReport,
)

if TYPE_CHECKING:
    from models.registry.registry import Champion
    from pipelines.monitoring.label_flow import LabelFlow

CALIBRATED = (0.8, 1.25)
"""Events observed for each expected that are no alarm; the whole interval has to lie outside."""


def ranking_fell(performance: PerformanceReport | None) -> bool:
    """Whether the whole interval of the AUC on matured nights is below what the probabilities promised."""
    if performance is None or "auc" not in performance.figures:
        return False
    high, promised = performance.figures["auc"].high, performance.expected["auc"].low
    return high is not None and promised is not None and high < promised


def calibration_off(performance: PerformanceReport | None) -> bool:
    """Whether events are clearly more or fewer than the probabilities say."""
    figure = performance.figures.get("observed_to_expected") if performance else None
    if figure is None or figure.low is None or figure.high is None:
        return False
    return figure.high < CALIBRATED[0] or figure.low > CALIBRATED[1]


def describe_model(champion: Champion, flow: LabelFlow, today: date) -> ModelReport:
    """The age of the champion's data, and what happened since."""
    through = date.fromisoformat(str(champion.model.facts["through"]))
    return ModelReport(
        version=champion.version,
        through=through,
        age_days=(today - through).days,
        new_events=flow.after(through + timedelta(days=champion.model.risk.embargo + 1)),
    )


def advise_retraining(
    settings: MonitoringSettings,
    model: ModelReport | None,
    drift: DriftReport | None,
    performance: PerformanceReport | None,
) -> RetrainingReport:
    """Whether to train the risk again, with every reason that holds."""
    if model is None:
        return RetrainingReport(recommended=False)
    confirmed = drift is not None and drift.confirmed
    candidates: list[tuple[RetrainingCode, bool]] = [
        ("drift_and_ranking_fell", confirmed and ranking_fell(performance)),
        ("calibration_off", calibration_off(performance) and model.new_events > 0),
        (
            "champion_is_old",
            model.age_days > settings.champion_days and model.new_events >= settings.new_events,
        ),
    ]
    reasons = tuple(code for code, holds in candidates if holds)
    return RetrainingReport(recommended=bool(reasons), reasons=reasons)
