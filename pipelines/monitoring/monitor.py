"""Is Rescue still right? Feeds, volume, labels, performance, estimates, drift and the effect of the team.

It changes no score and no case; its report is stored beside the nights, where the review app reads it. What cannot be
measured yet has the reason in its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import TYPE_CHECKING, TypeVar

from features.errors import RescueError
from features.validation.volume import FLOOR, NIGHTS
from models.risks.configuration import for_history
from pipelines import assembly
from pipelines.monitoring.alarms import find_alarms
from pipelines.monitoring.effect import effect
from pipelines.monitoring.feed_freshness import feed_reports
from pipelines.monitoring.label_flow import measure_label_flow
from pipelines.monitoring.matured_nights import estimate_night, measure_performance
from pipelines.monitoring.reference_drift import ComparedDays, DriftSources, build_frames, choose_days, measure_drift
from pipelines.monitoring.retraining import advise_retraining, describe_model
from pipelines.monitoring.uplift_training import newest_uplift
from pipelines.scratch import scratch_folder
from pipelines.settings import Settings
from pipelines.sources.source_guard import refuse_other_source
from pipelines.sources.validated_source import validate_source_step
from pipelines.system_clock import refuse_future_day, today
from serving.night_report.monitor_report import (
    DisputedReasonReport,
    DriftReport,
    MonitorReport,
    RiskMonitor,
    UnknownPart,
    VolumeReport,
)
from serving.night_report.uplift_report import UpliftReport
from serving.store.casework.casework_queries import disputed_reasons
from serving.store.database import utcnow
from serving.store.queries import monitor_queries, night_queries

if TYPE_CHECKING:
    import pyarrow as pa

    from features.history.history import History
    from models.registry.registry import Champion
    from models.risks.risk import Risk
    from pipelines.console import Steps
    from serving.night_report.queue_case import ReportPart
    from serving.store import Session

DISPUTED_DAYS = timedelta(days=90)
"""So long disagreements with reasons are reported."""

_Part = TypeVar("_Part", bound="ReportPart")


def monitor(settings: Settings, as_of: date | None, steps: Steps) -> MonitorReport:
    """Look at the source at the beginning of ``as_of`` (default: today) and at the nights up to it; store the report.

    Raises:
        UsageError: there is no queue yet, or it is that of another source.
        DataGateError: the source is not fit to be read.
    """
    with scratch_folder() as scratch, assembly.open_queue(settings) as store:
        refuse_other_source(settings, store)
        opened = validate_source_step(settings, scratch, steps)
        history, known = opened.history, for_history(opened.history, opened.risk_settings)
        day = as_of or today(settings.timezone)
        refuse_future_day(day, history.until, today(settings.timezone))
        with (
            steps.step("monitor", "Measuring labels, performance, drift and effect"),
            store.reading() as session,
        ):
            nights = [night for night in monitor_queries.recorded_nights(session) if as_of is None or night <= as_of]
            feeds = feed_reports(history, day)
            volume = measure_volume(night_queries.rows_of_nights(session, NIGHTS + 1, as_of))
            risks = _Measurement(opened.settings, session, history, nights, known).risks()
            disputed = find_disputed_reasons(session, day)
        report = MonitorReport(
            as_of=day,
            night=nights[0] if nights else None,
            feeds=feeds,
            volume=volume,
            risks=risks,
            alarms=find_alarms(feeds, volume, risks),
            disputed=disputed,
        )
        with store.transaction() as session:
            monitor_queries.store_monitor_report(session, report, utcnow())
    return report


def find_disputed_reasons(session: Session, day: date) -> tuple[DisputedReasonReport, ...]:
    """The reasons that people disagreed with in the time before a day, the most disputed first."""
    since = datetime.combine(day, time()) - DISPUTED_DAYS
    return tuple(
        DisputedReasonReport(reason=row.reason, disagreed=row.disagreed, cases=row.cases, sentence=row.sentence)
        for row in disputed_reasons(session, since)
    )


def measure_volume(nights: Sequence[Mapping[str, int]]) -> tuple[VolumeReport, ...]:
    """Rows by table of the last of these nights, and the median of the others that had the table."""
    if not nights:
        return ()
    *earlier, newest = nights
    reports = []
    for name in sorted({name for night in nights for name in night}):
        seen, rows = [night[name] for night in earlier if name in night], newest.get(name, 0)
        usual = float(median(seen)) if seen else None
        reports.append(VolumeReport(table=name, rows=rows, usual=usual, low=usual is not None and rows < FLOOR * usual))
    return tuple(reports)


@dataclass(frozen=True)
class _Measurement:
    """What every risk is measured on; ``nights`` are the recorded ones, the newest first."""

    settings: Settings
    session: Session
    history: History
    nights: Sequence[date]
    known: Mapping[str, Risk]

    def risks(self) -> tuple[RiskMonitor, ...]:
        """Every risk, with one frame for the drift of all."""
        known = self.known
        champions = {name: self._champion(name) for name in known}
        compared = {
            name: one if isinstance(one, UnknownPart) else choose_days(one.model, self.nights)
            for name, one in champions.items()
        }
        frame = build_frames(self.history, assembly.frame_builder(self.settings), list(compared.values()))
        return tuple(self._risk(risk, champions[name], compared[name], frame) for name, risk in known.items())

    def _champion(self, risk: str) -> Champion | UnknownPart:
        try:
            champion = assembly.open_registry(self.settings).champion(risk)
        except RescueError as error:
            return UnknownPart(code="registry_unavailable", text=str(error))
        return champion or UnknownPart(code="no_champion")

    def _risk(
        self,
        risk: Risk,
        champion: Champion | UnknownPart,
        compared: ComparedDays | UnknownPart,
        frame: pa.Table | None,
    ) -> RiskMonitor:
        flow = measure_label_flow(self.history, risk.label)
        unknown: dict[str, UnknownPart] = {}
        performance = _known("performance", measure_performance(self.session, self.history, risk, self.nights), unknown)
        drift = _known("drift", self._drift(champion, compared, frame), unknown)
        described = (
            champion if isinstance(champion, UnknownPart) else describe_model(champion, flow, self.history.until)
        )
        model = _known("model", described, unknown)
        return RiskMonitor(
            risk=risk.name,
            title=risk.title,
            model=model,
            performance=performance,
            estimate=_known("estimate", estimate_night(self.session, risk, self.nights), unknown),
            drift=drift,
            labels=flow.report(),
            effect=effect(self.session, self.history, risk.label),
            retraining=advise_retraining(self.settings.monitoring, model, drift, performance),
            uplift=self._uplift(risk.name),
            unknown=unknown,
        )

    def _uplift(self, risk: str) -> UpliftReport | None:
        """What the newest uplift model showed; None where there is none and the policy does not ask for it."""
        _, report = newest_uplift(self.settings, risk)
        asked = assembly.current_policy(self.settings).policy.rules.priority.uplift
        return report if asked or report.code != "no_model" else None

    def _drift(
        self, champion: Champion | UnknownPart, compared: ComparedDays | UnknownPart, frame: pa.Table | None
    ) -> DriftReport | UnknownPart:
        if isinstance(champion, UnknownPart):
            return champion
        if isinstance(compared, UnknownPart) or frame is None:
            return compared if isinstance(compared, UnknownPart) else UnknownPart(code="no_night")
        return measure_drift(DriftSources(self.session, self.history, frame, len(self.known)), champion, compared)


def _known(part: str, measured: _Part | UnknownPart, unknown: dict[str, UnknownPart]) -> _Part | None:
    """The part, or None where it is not known: the reason is then added to ``unknown``."""
    if isinstance(measured, UnknownPart):
        unknown[part] = measured
        return None
    return measured
