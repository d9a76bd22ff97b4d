"""Is Rescue still right? Feeds, volume, score drift, performance and effect, from the source, the queue and the models.

It changes nothing. What cannot be measured yet is reported as such, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from features.errors import RescueError
from features.validation.volume import FLOOR, NIGHTS
from models.risks.configuration import for_history
from pipelines import assembly
from pipelines.monitoring.drift import Drift, drift
from pipelines.monitoring.effect import Effect, effect
from pipelines.monitoring.feed_freshness import feed_ages, feed_reports
from pipelines.monitoring.performance import champion_performance, score_matured
from pipelines.scratch import scratch_folder
from pipelines.settings import Settings
from pipelines.sources.source_guard import refuse_other_source
from pipelines.sources.validated_source import validate_source_step
from pipelines.system_clock import today
from serving.night_report.report_text import stale_text
from serving.store.queries import night_queries, outcome_queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from features.frame import FrameBuilder
    from features.history.history import History
    from models.evaluation.metrics_report import MetricsReport
    from models.registry.registry import Registry
    from pipelines.console import Steps
    from serving.store import Session


@dataclass(frozen=True)
class Volume:
    """Rows of a table on the newest night, and the median of the nights before it (None on the first night)."""

    rows: int
    usual: float | None

    @property
    def low(self) -> bool:
        """Whether a night would stop at so few."""
        return self.usual is not None and self.rows < FLOOR * self.usual


@dataclass(frozen=True)
class MonitorReport:
    """What was measured; ``drift`` and ``performance`` hold the reason instead where they cannot be measured yet."""

    as_of: date
    night: date | None
    feeds: Mapping[str, int | None]
    stale: Mapping[str, str]
    volume: Mapping[str, Volume]
    drift: Mapping[str, Drift | str]
    performance: Mapping[str, MetricsReport | str]
    effect: Mapping[str, Effect]

    @property
    def alarms(self) -> list[str]:
        """What needs attention, one sentence each."""
        low = [f"{name} has {it.rows:,} rows, usually {it.usual:,.0f}" for name, it in self.volume.items() if it.low]
        moved = [
            f"The scores of {risk} have {it.verdict} (index {it.index:.2f}, {it.by_chance:.2f} by chance)"
            for risk, it in self.drift.items()
            if isinstance(it, Drift) and it.verdict != "steady"
        ]
        return [*self.stale.values(), *low, *moved]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        night = self.night.isoformat() if self.night else None
        drifts = {
            risk: {**asdict(it), "verdict": it.verdict} if isinstance(it, Drift) else {"unknown": it}
            for risk, it in self.drift.items()
        }
        performance = {
            risk: {"unknown": it} if isinstance(it, str) else it.to_json() for risk, it in self.performance.items()
        }
        effects = {risk: it.report().model_dump(mode="json") for risk, it in self.effect.items()}
        plain = {**vars(self), "volume": {name: asdict(it) for name, it in self.volume.items()}}
        plain |= {"as_of": self.as_of.isoformat(), "night": night, "alarms": self.alarms}
        return plain | {"drift": drifts, "performance": performance, "effect": effects}


def monitor(settings: Settings, as_of: date | None, steps: Steps) -> MonitorReport:
    """Look at the source at the beginning of ``as_of`` (default: today), and at the newest night.

    Raises:
        UsageError: the queue is that of another source.
        DataGateError: the source is not fit to be read.
    """
    with scratch_folder() as scratch, assembly.open_store(settings) as store:
        refuse_other_source(settings, store)
        opened = validate_source_step(settings, scratch, steps)
        history, known = opened.history, for_history(opened.history, opened.risk_settings)
        day = as_of or today(settings.timezone)
        scores = _Scores(history, assembly.open_registry(settings), assembly.frame_builder(opened.settings))
        with (
            steps.step("monitor", "Measuring feeds, volume, score drift, performance and effect"),
            store.reading() as session,
        ):
            night = outcome_queries.newest_scored_night(session)
            models = {risk: scores.measure(session, risk, night) for risk in known}
            return MonitorReport(
                as_of=day,
                night=night,
                feeds=feed_ages(history, day),
                stale={feed.table: stale_text(feed) for feed in feed_reports(history, day) if feed.stale},
                volume=volumes(night_queries.rows_of_nights(session, NIGHTS + 1)),
                drift={risk: drifted for risk, (drifted, _) in models.items()},
                performance={risk: performance for risk, (_, performance) in models.items()},
                effect={risk: effect(session, history, found.label) for risk, found in known.items()},
            )


def volumes(nights: Sequence[Mapping[str, int]]) -> dict[str, Volume]:
    """Rows by table of the last of these nights, and the median of the others that had the table."""
    if not nights:
        return {}
    *earlier, newest = nights
    names = sorted({name for night in nights for name in night})
    seen = {name: [night[name] for night in earlier if name in night] for name in names}
    return {name: Volume(newest.get(name, 0), median(rows) if (rows := seen[name]) else None) for name in names}


@dataclass(frozen=True)
class _Scores:
    """Where scores, then and now, come from."""

    history: History
    registry: Registry
    build: FrameBuilder

    def measure(self, session: Session, risk: str, night: date | None) -> tuple[Drift | str, MetricsReport | str]:
        """Drift and performance of one risk's champion, or the reason why they cannot be measured.

        Drift compares the newest night's scores with those that the same champion gives at matured cutoffs.
        """
        try:
            champion = self.registry.champion(risk)
        except RescueError as error:
            return str(error), str(error)
        if champion is None:
            return "there is no champion yet", "there is no champion yet"
        matured = score_matured(self.history, self.build, champion.model)
        performance = champion_performance(self.history, champion.model, matured)
        if night is None:
            return "no night is recorded yet", performance
        now = outcome_queries.probabilities_of_night(session, risk, night)
        if not now:
            return f"no account was scored on {night}", performance
        then = np.empty(0) if matured is None else np.asarray(matured.probability)
        too_few = f"too few scores: {len(now)} on {night}, {len(then)} at matured cutoffs"
        return drift(then, np.array(now)) or too_few, performance
