"""Drift since the champion was trained: of its scores, and of the features that it reads.

The reference is one day, so that each account has one row: the first day, on the weekday of the night, of which the
champion has learned nothing. Scores of days it learned from are sharper than those of any later day, and would always
seem to have moved. The champion scores the reference day itself; the night's scores are the published ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import to_numpy
from features.catalogue import group_of_column
from features.labels.labels import eligibility
from models.data.eligible_rows import rows_meeting
from models.data.signature import CATEGORY
from models.promotion.comparison import first_unseen_cutoff
from pipelines.monitoring.drift import (
    DRIFTED,
    MOVED,
    NIGHT_LEVEL,
    Shift,
    first_alarms,
    measure_category_shift,
    measure_shift,
)
from serving.night_report.monitor_report import DriftReport, ShiftReport, UnknownPart
from serving.store.queries.monitor_queries import scores_of_nights

if TYPE_CHECKING:
    from features.frame import FrameBuilder
    from features.history.history import History
    from models.learners.risk_model import RiskModel
    from models.registry.registry import Champion
    from serving.store import Session

_KEYS = ["account_id", "as_of"]
LEAST_DAYS = 7
"""Days between the reference and a night that is compared with it."""
CONFIRM_DAYS = 6
"""Days between two nights whose alarms confirm each other."""
FEWEST_ACCOUNTS = 30
OWN_WORK = "rescues"
"""The group of features that the team's own work moves: they say nothing about the source."""
MOST_LISTED = 10


@dataclass(frozen=True)
class ComparedDays:
    """The day of reference of a champion, the newest night, and an earlier night that can confirm its alarm."""

    reference: date
    night: date
    earlier: date | None

    @property
    def days(self) -> list[date]:
        """All of them."""
        return [day for day in (self.reference, self.night, self.earlier) if day is not None]


def choose_days(model: RiskModel, nights: Sequence[date]) -> ComparedDays | UnknownPart:
    """What is compared with what; ``nights`` are the recorded ones, the newest first.

    The first night that can be compared is a week after the first day of which the champion has learned nothing: that
    day has the weekday of this night.
    """
    if not nights:
        return UnknownPart(code="no_night")
    night, first = nights[0], first_unseen_cutoff(model)
    reference = first + timedelta(days=(night.weekday() - first.weekday()) % 7)
    if (night - reference).days < LEAST_DAYS:
        return UnknownPart(code="no_reference", on=first + timedelta(days=LEAST_DAYS))
    confirming = (day for day in nights if (night - day).days >= CONFIRM_DAYS and (day - reference).days >= LEAST_DAYS)
    return ComparedDays(reference, night, next(confirming, None))


def build_frames(
    history: History, build: FrameBuilder, compared: Sequence[ComparedDays | UnknownPart]
) -> pa.Table | None:
    """One frame of all days that any risk compares; None where there are none."""
    days = sorted({day for one in compared if isinstance(one, ComparedDays) for day in one.days})
    return build(history, days) if days else None


@dataclass(frozen=True)
class DriftSources:
    """Where the scores and features of a risk come from; ``risks`` is how many risks share the night's level."""

    session: Session
    history: History
    frame: pa.Table
    risks: int


def measure_drift(sources: DriftSources, champion: Champion, compared: ComparedDays) -> DriftReport | UnknownPart:
    """Compare scores and features of the champion's accounts."""
    model, level = champion.model, NIGHT_LEVEL / 2 / sources.risks
    rows = {day: _scorable(sources, model, day) for day in compared.days}
    if min(rows[day].num_rows for day in (compared.reference, compared.night)) < FEWEST_ACCOUNTS:
        return UnknownPart(code="too_few_accounts")
    then = model.predict(rows[compared.reference]).rank_score
    scores, features, alarming = {}, {}, {}
    for day in compared.days[1:]:
        now = _published(sources.session, champion, day)
        score = measure_shift(then, now) if len(now) else None
        features[day] = _feature_shifts(model, rows[compared.reference], rows[day])
        moved = score is not None and score.alarming(level, MOVED)
        scores[day], alarming[day] = score, (moved, first_alarms(features[day], level, DRIFTED))
    moved, names = alarming[compared.night]
    earlier_moved, earlier_names = alarming[compared.earlier] if compared.earlier else (False, [])
    found = {name: shift for name in names if (shift := features[compared.night][name])}
    score = scores[compared.night]
    return DriftReport(
        reference=compared.reference,
        night=compared.night,
        scores=None if score is None else _report(score),
        scores_moved=moved,
        features={name: _report(shift) for name, shift in list(found.items())[:MOST_LISTED]},
        features_tested=sum(shift is not None for shift in features[compared.night].values()),
        confirmed=bool((moved and earlier_moved) or set(names) & set(earlier_names)),
    )


def _scorable(sources: DriftSources, model: RiskModel, day: date) -> pa.Table:
    """The frame's rows of one day that the champion can score."""
    rows = sources.frame.filter(pc.equal(sources.frame["as_of"], pa.scalar(day)))
    eligible = eligibility(sources.history, [day], model.risk.label)
    rows = rows.join(eligible.filter(eligible["eligible"]).select(_KEYS), _KEYS, join_type="left semi")
    rows = rows.filter(pa.array(rows_meeting(rows, model.risk.eligible)))
    return rows.filter(pc.is_null(model.unfit(rows)))


def _published(session: Session, champion: Champion, day: date) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The scores that a night published by this version of the champion; none where another version scored it."""
    scored = scores_of_nights(session, champion.model.risk.name, [day])
    own = scored.filter(pc.equal(scored["model_version"], champion.version))
    return np.asarray(to_numpy(own["rank_score"]), dtype=np.float64)


def _feature_shifts(model: RiskModel, then: pa.Table, now: pa.Table) -> Mapping[str, Shift | None]:
    shifts: dict[str, Shift | None] = {}
    for column in model.signature.columns:
        if group_of_column(column.name) == OWN_WORK:
            continue
        pair = [table[column.name] for table in (then, now)]
        if column.type == CATEGORY:
            texts = [np.array(values.to_pylist(), dtype=object) for values in pair]
            shifts[column.name] = measure_category_shift(*texts)
        else:
            numbers = [pc.fill_null(pc.cast(values, pa.float64()), float("nan")).to_numpy() for values in pair]
            shifts[column.name] = measure_shift(*numbers)
    return shifts


def _report(shift: Shift) -> ShiftReport:
    return ShiftReport(**vars(shift))
