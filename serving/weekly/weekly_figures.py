"""The figures of one week: what is at stake, what was saved and lost, how fast, whether the model is right and helps.

They are read at the end of the week, or now while the week goes on. What happened after its end does not count, so that
the report of a past week stays the same. Each figure comes from the place where the overview and the reporting views
get it: money and flow from ``report_v1_outcomes`` and cases, times from ``path_metrics``, the model and the effect from
the monitor's report.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from features.errors import UsageError
from serving.night_report.monitor_report import MonitorAlarm, RiskMonitor
from serving.night_report.report_schema import NightReport, NoSignal, NotBetter
from serving.night_report.report_text import warning_line
from serving.path_metrics.case_timelines import CaseTimeline
from serving.path_metrics.censored_times import Estimate, estimate_share
from serving.path_metrics.path_report import Measurement, TimeFigure
from serving.store import Session
from serving.store.queries.path_queries import case_timelines, squad_calendars
from serving.store.queries.results.period_queries import (
    PeriodFlow,
    RevenueMoves,
    months_and_quarters,
    revenue_moves,
)
from serving.store.queries.results.weekly_queries import (
    CasesAtInstant,
    LossReason,
    SavedButGone,
    SavedCohort,
    WeekFlow,
    flow_by_week,
    loss_reasons,
    monitor_report_before,
    night_report_at,
    open_cases_at,
    saved_but_gone,
    saved_but_leaving,
    saved_cohort,
    sum_saved_but_gone,
)

SHOWN_WEEKS = 12
MODEL_ALARMS = frozenset({"score_drift", "feature_drift", "ranking_fell", "calibration_off"})
"""The alarms of the monitor that are about a model; the others are about the source."""
PERIOD_WEEKS = 4
"""Weeks whose cases are put together for times: a single week has too few."""


@dataclass(frozen=True)
class ContactPeriod:
    """The time to the first contact of the cases that were opened in a few weeks."""

    first: date
    last: date
    contact: TimeFigure | None
    working_time: bool
    cases: int


@dataclass(frozen=True)
class WeeklyFigures:
    """Everything about the week from ``monday``; ``complete`` is False while it goes on.

    ``flow`` are the last weeks, this one last. ``at_begin`` and ``at_end`` are the open cases at its beginning and
    its end, or now, and ``moves`` what lies between. ``months`` are this quarter and month, each with the one before.
    ``losses`` are the reasons of the week, ``recent_losses`` those of all shown weeks. ``left_share`` is the share of
    saved accounts that left within 90 days, over the shown weeks; ``gone`` and ``leaving`` are case and name of those
    saved in the shown weeks that have left or were lost, and that are leaving, at the end of this one; ``week_gone``
    is their part in what was saved this week.
    """

    monday: date
    complete: bool
    squads: tuple[str, ...] | None
    flow: Sequence[WeekFlow]
    at_begin: CasesAtInstant
    at_end: CasesAtInstant
    week_gone: SavedButGone
    moves: RevenueMoves
    months: Sequence[PeriodFlow]
    waiting: int | None
    periods: Sequence[ContactPeriod]
    losses: Sequence[LossReason]
    recent_losses: Sequence[LossReason]
    left: SavedCohort
    recent_left: SavedCohort
    left_share: Estimate
    gone: Sequence[tuple[str, str]]
    leaving: Sequence[tuple[str, str]]
    monitored_on: date | None
    risks: Sequence[RiskMonitor]
    model_alarms: Sequence[MonitorAlarm]
    model_warnings: Sequence[str]
    reason_titles: dict[str, str]

    @property
    def week(self) -> WeekFlow:
        """The flow of this week."""
        return self.flow[-1]

    @property
    def shown_flow(self) -> Sequence[WeekFlow]:
        """The weeks from the first in which there was a case: those before Rescue was used are not shown."""
        used = [place for place, it in enumerate(self.flow) if it.opened or it.contacted or it.closed]
        return self.flow[used[0] if used else -1 :]

    @property
    def before(self) -> WeekFlow:
        """The flow of the week before."""
        return self.flow[-2]

    @property
    def sunday(self) -> date:
        """The last day of the week."""
        return self.monday + timedelta(days=6)

    @property
    def code(self) -> str:
        """The week as ISO 8601 writes it: ``2026-W27``."""
        year, number, _ = self.monday.isocalendar()
        return f"{year}-W{number:02d}"


def parse_week(text: str) -> date:
    """The Monday of a week that is given as ``2026-W27``, or as any day in it.

    Raises:
        UsageError: it is neither.
    """
    try:
        if "w" in text.lower():
            year, _, number = text.lower().partition("w")
            return date.fromisocalendar(int(year.strip(" -")), int(number), 1)
        day = date.fromisoformat(text)
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is no week: write 2026-W27, or a day of the week such as 2026-07-01.") from None
    return day - timedelta(days=day.weekday())


def last_complete_week(today: date) -> date:
    """The Monday of the week that ended last."""
    return today - timedelta(days=today.weekday(), weeks=1)


def measure_week(
    session: Session,
    monday: date,
    now: datetime,
    squads: frozenset[str] | None = None,
    reason_titles: dict[str, str] | None = None,
    *,
    times: bool = True,
) -> WeeklyFigures:
    """The figures of the week from ``monday`` in these squads (None: all), as known at its end or now (naive UTC).

    Without ``times``, the times to a contact are left out: their intervals take most of the time.
    """
    begin = datetime.combine(monday, time())
    end = min(begin + timedelta(weeks=1), max(now, begin))
    since = begin - timedelta(weeks=SHOWN_WEEKS - 1)
    after = end.date() if end < begin + timedelta(weeks=1) else monday + timedelta(weeks=1)
    report = monitor_report_before(session, monday + timedelta(weeks=1))
    night = night_report_at(session, monday, monday + timedelta(weeks=1))
    shown = saved_cohort(session, since.date(), after, squads)
    return WeeklyFigures(
        monday=monday,
        complete=now >= begin + timedelta(weeks=1),
        squads=None if squads is None else tuple(sorted(squads)),
        flow=flow_by_week(session, monday, squads, SHOWN_WEEKS),
        at_begin=open_cases_at(session, begin, squads),
        at_end=open_cases_at(session, end, squads),
        week_gone=sum_saved_but_gone(session, begin, end, end, squads),
        moves=revenue_moves(session, begin, end, squads),
        months=months_and_quarters(session, end, squads),
        waiting=night.decision.waiting if night else None,
        periods=_contact_periods(session, monday, end, squads) if times else (),
        losses=loss_reasons(session, begin, end, squads),
        recent_losses=loss_reasons(session, since, end, squads),
        left=saved_cohort(session, monday, after, squads),
        recent_left=shown,
        left_share=estimate_share([place < shown.left for place in range(shown.saved)], range(shown.saved)),
        gone=saved_but_gone(session, since, end, end, squads),
        leaving=saved_but_leaving(session, since, end, end, squads),
        monitored_on=report.as_of if report else None,
        risks=report.risks if report else (),
        model_alarms=[alarm for alarm in report.alarms if alarm.code in MODEL_ALARMS] if report else [],
        model_warnings=_model_warnings(night) if night else [],
        reason_titles=dict(reason_titles or {}),
    )


def _model_warnings(night: NightReport) -> list[str]:
    """What the night says about models that are not shown to be of use."""
    return [warning_line(it) for it in night.warnings if isinstance(it, NoSignal | NotBetter)]


def _contact_periods(
    session: Session, monday: date, end: datetime, squads: frozenset[str] | None
) -> list[ContactPeriod]:
    """The three periods of weeks up to this one, the oldest first."""
    calendars = squad_calendars(session)
    first_of_all = monday - timedelta(weeks=SHOWN_WEEKS - 1)
    since = datetime.combine(first_of_all, time())
    cases = [_until(case, end) for case in case_timelines(session, end, squads, since)]
    periods = []
    for number in range(SHOWN_WEEKS // PERIOD_WEEKS):
        first = first_of_all + timedelta(weeks=PERIOD_WEEKS * number)
        last = first + timedelta(weeks=PERIOD_WEEKS, days=-1)
        own = [case for case in cases if first <= case.opened_at.date() <= last]
        whole = Measurement(own, calendars, end).group("all", "all", range(len(own))) if own else None
        periods.append(
            ContactPeriod(
                first=first,
                last=last,
                contact=whole.times["contact"] if whole and whole.enough else None,
                working_time=bool(whole and whole.working_time),
                cases=len(own),
            )
        )
    return periods


def _until(case: CaseTimeline, end: datetime) -> CaseTimeline:
    """The timeline as it was known at an instant."""
    known = {
        name: at if at is not None and at < end else None
        for name, at in (
            ("accepted_at", case.accepted_at),
            ("contacted_at", case.contacted_at),
            ("closed_at", case.closed_at),
        )
    }
    outcome = case.outcome if known["closed_at"] is not None else None
    return replace(case, outcome=outcome, **known)  # type: ignore[arg-type]
