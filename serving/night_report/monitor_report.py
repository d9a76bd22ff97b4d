"""The schema of what ``rescue monitor`` reports: codes and numbers (words: :mod:`serving.night_report.monitor_text`).

A part that cannot be measured yet is null, and ``unknown`` of the risk has the code of the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from serving.night_report.effect_report import EffectReport
from serving.night_report.queue_case import ReportPart
from serving.night_report.report_schema import FeedReport
from serving.night_report.uplift_report import UpliftReport

Severity = Literal["critical", "warning"]
UnknownCode = Literal[
    "no_champion", "registry_unavailable", "no_night", "no_scores", "no_reference", "not_matured", "too_few_events",
    "too_few_accounts",
]  # fmt: skip
RetrainingCode = Literal["drift_and_ranking_fell", "calibration_off", "champion_is_old"]


class FigureReport(ReportPart):
    """A figure with its 95% interval; null where it is not defined."""

    value: float | None
    low: float | None
    high: float | None


class VolumeReport(ReportPart):
    """Rows of a table on the newest night, and the median of the nights before it."""

    table: str
    rows: int
    usual: float | None = Field(description="null on the first night")
    low: bool = Field(description="whether a night would stop at so few")


class UnknownPart(ReportPart):
    """Why a part of a risk's report is null; ``on`` is the first day on which it can be known, where that is sure."""

    code: UnknownCode
    on: date | None = None
    text: str = Field(default="", description="the message of an error, with the code `registry_unavailable`")


class SegmentPerformance(ReportPart):
    """The figures of one segment's accounts on the matured nights."""

    segment: str
    rows: int
    accounts_with_event: int
    figures: dict[str, FigureReport]


class PerformanceReport(ReportPart):
    """How recorded nights turned out whose labels have matured: one night a week.

    ``figures`` are ``auc``, ``average_precision``, ``precision_at_capacity`` (each within a night) and
    ``observed_to_expected``. ``expected`` are the first three as the probabilities of the same nights promised them.
    """

    first: date
    last: date
    nights: int
    accounts: int
    accounts_with_event: int
    capacity: int
    figures: dict[str, FigureReport]
    expected: dict[str, FigureReport]
    segments: tuple[SegmentPerformance, ...] = ()


class EstimateReport(ReportPart):
    """How the newest night is expected to turn out by its own probabilities, with the range of 95% of the outcomes."""

    night: date
    accounts: int
    capacity: int
    figures: dict[str, FigureReport]


class ShiftReport(ReportPart):
    """A shift between two days: ``index`` of the population stability, and the probability of so much by chance."""

    index: float
    by_chance: float
    p_value: float
    then: int = Field(description="accounts on the day of reference")
    now: int


class DriftReport(ReportPart):
    """What moved between the day of reference and the night; ``features`` are those that alarm, the largest first."""

    reference: date
    night: date
    scores: ShiftReport | None
    scores_moved: bool
    features: dict[str, ShiftReport]
    features_tested: int
    confirmed: bool = Field(description="whether an earlier night, at least six days before, alarmed as well")


class LabelReport(ReportPart):
    """Events of the last year, and how long ago the last one that can be known happened.

    ``expected`` is how many events the days since then would have had at the rate before; ``stopped`` is whether chance
    gives none with less than one in a thousand and no earlier pause was half as long.
    """

    events: int
    last_event: date | None
    known_until: date = Field(description="events up to this day are mature")
    expected: float
    stopped: bool


class ModelReport(ReportPart):
    """The champion: when the data it learned from end, and how many events happened since."""

    version: str
    through: date
    age_days: int
    new_events: int


class RetrainingReport(ReportPart):
    """Whether a risk should be trained again now, and why; empty ``reasons`` where not."""

    recommended: bool
    reasons: tuple[RetrainingCode, ...] = ()


class RiskMonitor(ReportPart):
    """Everything that is monitored of one risk."""

    risk: str
    title: str
    model: ModelReport | None
    performance: PerformanceReport | None
    estimate: EstimateReport | None
    drift: DriftReport | None
    labels: LabelReport | None
    effect: EffectReport
    retraining: RetrainingReport
    uplift: UpliftReport | None = Field(
        default=None, description="null where nobody has trained an uplift model and the policy does not ask for it"
    )
    unknown: dict[str, UnknownPart] = Field(default_factory=dict, description="by part that is null: why")


class StaleFeed(ReportPart):
    """A source table has had no new row for too long."""

    code: Literal["stale_feed"] = "stale_feed"
    severity: Severity = "critical"
    table: str
    age_days: int | None
    max_age_days: int


class LowVolume(ReportPart):
    """A source table has far fewer rows than on the nights before."""

    code: Literal["low_volume"] = "low_volume"
    severity: Severity = "critical"
    table: str
    rows: int
    usual: float


class LabelsStopped(ReportPart):
    """A risk has had no event for so long that the source may have stopped to deliver them."""

    code: Literal["labels_stopped"] = "labels_stopped"
    severity: Severity = "critical"
    risk: str
    last_event: date | None
    known_until: date
    expected: float


class ScoreDrift(ReportPart):
    """The scores of the newest night are distributed otherwise than on the day of reference."""

    code: Literal["score_drift"] = "score_drift"
    severity: Severity = "warning"
    risk: str
    reference: date
    index: float
    by_chance: float
    p_value: float
    confirmed: bool


class FeatureDrift(ReportPart):
    """Features of a risk are distributed otherwise than on the day of reference."""

    code: Literal["feature_drift"] = "feature_drift"
    severity: Severity = "warning"
    risk: str
    reference: date
    features: tuple[str, ...]
    tested: int
    confirmed: bool


class RankingFell(ReportPart):
    """On matured nights the ranking was worse than the probabilities of these nights promised."""

    code: Literal["ranking_fell"] = "ranking_fell"
    severity: Severity = "warning"
    risk: str
    auc: FigureReport
    expected: float


class CalibrationOff(ReportPart):
    """On matured nights there were more or fewer events than the probabilities say."""

    code: Literal["calibration_off"] = "calibration_off"
    severity: Severity = "warning"
    risk: str
    observed_to_expected: FigureReport


MonitorAlarm = Annotated[
    StaleFeed | LowVolume | LabelsStopped | ScoreDrift | FeatureDrift | RankingFell | CalibrationOff,
    Field(discriminator="code"),
]


class DisputedReasonReport(ReportPart):
    """A group of reasons that people disagreed with, the newest sentence, and how many cases showed such a reason."""

    reason: str
    disagreed: int
    cases: int
    sentence: str


class MonitorReport(ReportPart):
    """What was measured at the beginning of ``as_of``; ``night`` is the newest recorded night."""

    schema_version: int = 1
    as_of: date
    night: date | None
    feeds: tuple[FeedReport, ...]
    volume: tuple[VolumeReport, ...]
    risks: tuple[RiskMonitor, ...]
    alarms: tuple[MonitorAlarm, ...]
    disputed: tuple[DisputedReasonReport, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> MonitorReport:
        """The report that :meth:`to_json` wrote."""
        return cls.model_validate(data)

    @property
    def risks_to_train(self) -> tuple[str, ...]:
        """The risks whose model should be trained again."""
        return tuple(risk.risk for risk in self.risks if risk.retraining.recommended)
