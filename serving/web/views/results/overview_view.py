"""What the overview shows to a lead: figures with the numbers behind them, and "not measurable yet" for few cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from serving.night_report.effect_text import effect_line, effect_outlook
from serving.night_report.monitor_report import MonitorReport
from serving.night_report.monitor_text import alarm_line, risk_lines
from serving.night_report.report_schema import NightReport, RealisedOutcomes
from serving.night_report.report_text import feed_problem, quarantine_text, risk_line, warning_lines
from serving.path_metrics.censored_times import Estimate, wilson_interval
from serving.path_metrics.path_text import share_text
from serving.store.queries.overview_queries import TeamOutcomes
from serving.store.tables import Account, Case, NightRow
from serving.web import display_text
from serving.web.views.results.path_view import PathSection
from serving.weekly.weekly_sections import WeeklySection

MIN_OUTCOMES = 20
"""With fewer outcomes, a share shows chance rather than the quality of the model."""


@dataclass(frozen=True)
class FeedRow:
    """One source table of the last night; ``stale`` is empty unless its newest row is too old."""

    name: str
    status: str
    stale: bool
    rows: int
    accepted: int
    quarantined: int
    rules: str


@dataclass(frozen=True)
class AccuracyRow:
    """How often and how early the cases of one risk were right: by the data, and by the team's outcomes."""

    title: str
    horizon: str
    events: str
    lead: str
    confirmed: str
    effect: str
    outlook: Sequence[str]


@dataclass(frozen=True)
class MonitoredRisk:
    """What ``rescue monitor`` measured of one risk: titles and texts."""

    title: str
    lines: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class MonitorAlarmLine:
    """An alarm with its severity in words."""

    severity: str
    text: str


@dataclass(frozen=True)
class MonitorView:
    """The newest report of ``rescue monitor``."""

    as_of: date
    alarms: Sequence[MonitorAlarmLine]
    risks: Sequence[MonitoredRisk]


@dataclass(frozen=True)
class NightLine:
    """One of the last nights; ``flagged`` is None for a night that was not recorded."""

    as_of: date
    status: str
    flagged: int | None
    failure: str


class LateLine(NamedTuple):
    """A case that missed a deadline: its timer now, and for one that got a new deadline since, when it was missed."""

    case: Case
    account: Account
    timer: display_text.SlaTimer | None
    missed_at: datetime | None = None


@dataclass(frozen=True)
class OverviewView:
    """The page; ``results`` are sections of the weekly report, about the week that goes on.

    ``renewed`` are the open cases that missed the time to respond and got a new one by a hand-over.
    """

    squads: str
    results: Sequence[WeeklySection]
    late: Sequence[LateLine]
    renewed: Sequence[LateLine]
    late_response: int
    late_resolution: int
    accuracy: Sequence[AccuracyRow]
    nights: Sequence[NightLine]
    night: NightRow | None
    report: NightReport | None
    warnings: Sequence[str]
    feeds: Sequence[FeedRow]
    scored: Sequence[str]
    monitor: MonitorView | None
    paths: PathSection | None = None

    @property
    def quarantined(self) -> int:
        """The number of rows that the last night quarantined."""
        return sum(feed.quarantined for feed in self.feeds)


def build_overview(
    *,
    squads: frozenset[str] | None,
    results: Sequence[WeeklySection],
    late: Sequence[tuple[Case, Account]],
    renewed: Sequence[tuple[Case, Account, datetime]],
    late_counts: tuple[int, int],
    judged: Sequence[TeamOutcomes],
    realised: Mapping[str, RealisedOutcomes],
    nights: Sequence[NightRow],
    monitor: MonitorReport | None,
    now: datetime,
    paths: PathSection | None = None,
) -> OverviewView:
    """The page from the figures of the store."""
    night = next((row for row in nights if row.status == "recorded"), None)
    report = _report(night) if night else None
    return OverviewView(
        squads="every squad" if squads is None else ", ".join(sorted(squads)),
        results=results,
        late=[LateLine(case, account, display_text.sla_timer(case, now)) for case, account in late],
        renewed=[LateLine(case, account, display_text.sla_timer(case, now), at) for case, account, at in renewed],
        late_response=late_counts[0],
        late_resolution=late_counts[1],
        accuracy=[_accuracy_row(team, realised[team.risk], report, now.date()) for team in judged],
        nights=[_night_line(row) for row in nights],
        night=night,
        report=report,
        warnings=warning_lines(report) if report else (),
        feeds=_feed_rows(report) if report else (),
        scored=[risk_line(risk) for risk in report.risks] if report else (),
        monitor=_monitor_view(monitor) if monitor else None,
        paths=paths,
    )


def _monitor_view(report: MonitorReport) -> MonitorView:
    return MonitorView(
        as_of=report.as_of,
        alarms=[
            MonitorAlarmLine("Alarm" if alarm.severity == "critical" else "Warning", alarm_line(alarm))
            for alarm in report.alarms
        ],
        risks=[MonitoredRisk(risk.title, list(risk_lines(risk))) for risk in report.risks],
    )


def _report(night: NightRow) -> NightReport | None:
    return NightReport.from_json(night.report) if night.report else None


def _night_line(night: NightRow) -> NightLine:
    report = _report(night) if night.status == "recorded" else None
    status = display_text.NIGHT_STATUS_TITLES[night.status]
    return NightLine(night.as_of, status, report.decision.flagged if report else None, night.failure or "")


def _accuracy_row(
    team: TeamOutcomes, realised: RealisedOutcomes, report: NightReport | None, today: date
) -> AccuracyRow:
    risk = report.risk(team.risk) if report else None
    lead = realised.median_lead_days
    measurable = lead is not None and realised.settled >= MIN_OUTCOMES
    return AccuracyRow(
        title=risk.title if risk else display_text.code_title(team.risk),
        horizon=display_text.day_count(realised.horizon_days),
        events=_share(realised.events, realised.settled, realised.cases),
        lead=f"{display_text.day_count(lead or 0)} (median)" if measurable else "–",
        confirmed=_share(team.confirmed, team.settled, team.matured),
        effect=effect_line(realised.effect),
        outlook=list(effect_outlook(realised.effect, today)),
    )


def _share(part: int, whole: int, total: int) -> str:
    """A share of the cases with a known outcome, or that there are too few of them."""
    if not total:
        return "not measurable yet: no case is so old that its outcome counts"
    if whole < MIN_OUTCOMES:
        return f"not measurable yet: the outcome of {whole} of {total} cases is known; {MIN_OUTCOMES} are needed"
    share = part / whole
    return f"{share_text(Estimate(share, *wilson_interval(share, whole)))} of {whole} cases"


def _feed_rows(report: NightReport) -> list[FeedRow]:
    feeds = {feed.table: feed for feed in report.feeds}
    rows = []
    for table in report.tables:
        feed = feeds.get(table.name)
        problem = feed_problem(feed).removeprefix(f"{feed.table} ") if feed else "–"
        stale = feed is not None and bool(problem)
        quarantined = sum(table.quarantined.values())
        rows.append(
            FeedRow(
                table.name,
                problem or "up to date",
                stale,
                table.rows,
                table.accepted,
                quarantined,
                quarantine_text(table),
            )
        )
    return [*rows, *(FeedRow(name, "not in the source", False, 0, 0, 0, "") for name in report.missing_tables)]
