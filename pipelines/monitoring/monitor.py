"""Is Rescue still right? Feeds, volume, scores and effect, from the source, the queue and the champions' own evidence.

It reads and writes nothing. What cannot be told yet is said to be so, with how much is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.errors import RescueError
from features.labels.labels import eligibility
from features.validation.volume import FLOOR, NIGHTS
from models.data.eligible_rows import rows_meeting
from models.risks.configuration import for_history
from pipelines import assembly
from pipelines.monitoring.drift import Drift, Floats, drift
from pipelines.monitoring.effect import Effect, effect
from pipelines.monitoring.feed_freshness import feed_ages, feed_reports
from pipelines.scratch import scratch_folder
from pipelines.settings import Settings
from pipelines.sources.source_guard import refuse_other_source
from pipelines.sources.validated_source import validate_source_step
from serving.night_report.report_text import stale_text
from serving.store import night_queries, outcome_queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from features.frame import FrameBuilder
    from features.history.history import History
    from models.learners.risk_model import RiskModel
    from models.registry.registry import Registry
    from pipelines.console import Steps
    from serving.store import Session

MATURED = 4
"""So many weekly cutoffs whose labels are settled are what tonight's scores are held against."""

KEYS = ["account_id", "as_of"]


@dataclass(frozen=True)
class Volume:
    """Rows of a table on the newest night, and the median of the nights before it (None on the first)."""

    rows: int
    usual: float | None

    @property
    def low(self) -> bool:
        """Whether a night would stop at so few."""
        return self.usual is not None and self.rows < FLOOR * self.usual


@dataclass(frozen=True)
class Monitored:
    """What there is to watch; ``drift`` has a sentence instead where it cannot be told."""

    as_of: date
    night: date | None
    feeds: Mapping[str, int | None]
    stale: Mapping[str, str]
    volume: Mapping[str, Volume]
    drift: Mapping[str, Drift | str]
    effect: Mapping[str, Effect]

    @property
    def alarms(self) -> list[str]:
        """What somebody should look at, one sentence each."""
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
        effects = {risk: it.report().model_dump(mode="json") for risk, it in self.effect.items()}
        found = {**asdict(self), "as_of": self.as_of.isoformat(), "night": night, "alarms": self.alarms}
        return found | {"drift": drifts, "effect": effects}


def monitor(settings: Settings, as_of: date | None, steps: Steps) -> Monitored:
    """Look at the source at the beginning of ``as_of`` (default: after its newest row), and at the newest night.

    Raises:
        UsageError: the queue is that of another source.
        DataGateError: the source is not fit to be read.
    """
    with scratch_folder() as scratch, assembly.open_store(settings) as store:
        refuse_other_source(settings, store)
        opened = validate_source_step(settings, scratch, steps)
        history, known = opened.history, for_history(opened.history, opened.risk_settings)
        day = as_of or history.until
        scores = _Scores(history, assembly.open_registry(settings), assembly.frame_builder(settings))
        with steps.step("monitor", "Looking at feeds, volume, scores and effect"), store.reading() as session:
            night = outcome_queries.newest_scored_night(session)
            return Monitored(
                as_of=day,
                night=night,
                feeds=feed_ages(history, day),
                stale={feed.table: stale_text(feed) for feed in feed_reports(history, day) if feed.stale},
                volume=volumes(night_queries.rows_of_nights(session, NIGHTS + 1)),
                drift={risk: scores.drift(session, risk, night) for risk in known},
                effect={risk: effect(session, history, found.label) for risk, found in known.items()},
            )


def volumes(nights: Sequence[Mapping[str, int]]) -> dict[str, Volume]:
    """Rows by table of the last of these nights, against the median of the others that had the table."""
    if not nights:
        return {}
    *earlier, newest = nights
    names = sorted({name for night in nights for name in night})
    seen = {name: [night[name] for night in earlier if name in night] for name in names}
    return {name: Volume(newest.get(name, 0), median(rows) if (rows := seen[name]) else None) for name in names}


@dataclass(frozen=True)
class _Scores:
    """Where the scores of now and then come from."""

    history: History
    registry: Registry
    build: FrameBuilder

    def drift(self, session: Session, risk: str, night: date | None) -> Drift | str:
        """The newest night's scores against those that the same champion gives at the newest matured cutoffs."""
        if night is None:
            return "no night is recorded yet"
        now = outcome_queries.probabilities_of_night(session, risk, night)
        try:
            champion = self.registry.champion(risk)
        except RescueError as error:
            return str(error)
        if champion is None or not now:
            return f"nobody was scored on {night}"
        then = self._matured(champion.model)
        return drift(then, np.array(now)) or f"too few scores: {len(now)} on {night}, {len(then)} at matured cutoffs"

    def _matured(self, model: RiskModel) -> Floats:
        last = self.history.until - timedelta(days=model.risk.embargo + 1)
        cutoffs = [day for week in range(MATURED) if (day := last - timedelta(weeks=week)) > self.history.first]
        if not cutoffs:
            return np.empty(0)
        frame = self.build(self.history, cutoffs)
        fit = eligibility(self.history, cutoffs, model.risk.label)
        rows = frame.join(fit.filter(fit["eligible"]).select(KEYS), KEYS, join_type="left semi")
        rows = rows.filter(pa.array(rows_meeting(rows, model.risk.eligible)))
        return model.predict(rows.filter(pc.is_null(model.unfit(rows)))).probability
