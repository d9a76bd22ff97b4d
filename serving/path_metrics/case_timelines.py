"""The timeline of a case, as far as the metrics need it, and its durations in the time of its squad.

Durations are working time where the squad has a calendar, else time of the clock. A group of cases is measured in
working time only where every one of its squads has a calendar: otherwise the hours would not be comparable.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from serving.path_metrics.censored_times import CensoredTimes, Floats
from serving.paths.calendars import WorkingCalendar, add_duration
from serving.paths.durations import Duration

Measure = Literal["accept", "contact", "resolve"]
MEASURES: tuple[Measure, ...] = ("accept", "contact", "resolve")

Calendars = Mapping[str, WorkingCalendar]
"""The working time of each squad that has any."""


@dataclass(frozen=True)
class CaseTimeline:
    """What happened to a case; instants are UTC, and None where it has not happened.

    ``unit`` is the group of accounts. ``outcome`` is the state in which the case was closed. A deadline was
    ``breached`` where it was recorded as missed, or is missed now. Actions that were undone do not count.
    """

    case_id: str
    unit: str
    squad: str
    skill: str | None
    severity: str
    policy_version: str | None
    opened_at: datetime
    accepted_at: datetime | None
    contacted_at: datetime | None
    closed_at: datetime | None
    outcome: str | None
    respond_within: str
    resolve_within: str
    respond_breached: bool
    resolve_breached: bool
    returns: int
    hand_overs: int
    escalations: int

    def at(self, measure: Measure) -> datetime | None:
        """When the case was accepted, its customer contacted, or the case closed."""
        return {"accept": self.accepted_at, "contact": self.contacted_at, "resolve": self.closed_at}[measure]


def deadline_over(case: CaseTimeline, within: str, calendars: Calendars, now: datetime) -> bool:
    """Whether the time that a case had from its opening is over, so that it is known whether it was kept."""
    return add_duration(case.opened_at, Duration.parse(within), calendars.get(case.squad)) <= now


def measured_in_working_time(cases: Iterable[CaseTimeline], calendars: Calendars) -> bool:
    """Whether every squad of these cases has a calendar."""
    squads = {case.squad for case in cases}
    return bool(squads) and squads <= calendars.keys()


class Stopwatch:
    """Durations of many cases up to an instant, by the clock or by the calendar of each squad.

    The working time of a calendar is laid out once, so that thousands of cases are measured without searching days.
    """

    def __init__(self, cases: Sequence[CaseTimeline], calendars: Calendars, now: datetime) -> None:
        self.calendars, self.now = calendars, now
        self.first = min((case.opened_at for case in cases), default=now)
        self._layouts: dict[WorkingCalendar, tuple[Floats, Floats]] = {}

    def times(
        self, cases: Sequence[CaseTimeline], measure: Measure, units: NDArray[np.int64], *, working: bool
    ) -> CensoredTimes:
        """The times to an event; a case that was closed without it, or is open, was seen until then without it."""
        reached = [case.at(measure) for case in cases]
        ends = [at or case.closed_at or self.now for at, case in zip(reached, cases, strict=True)]
        hours = np.zeros(len(cases))
        for place, (case, end) in enumerate(zip(cases, ends, strict=True)):
            calendar = self.calendars.get(case.squad) if working else None
            hours[place] = self._hours(calendar, case.opened_at, end)
        return CensoredTimes(hours, np.array([at is not None for at in reached], dtype=bool), units)

    def _hours(self, calendar: WorkingCalendar | None, start: datetime, end: datetime) -> float:
        if calendar is None:
            return max(0.0, (end - start).total_seconds() / 3600)
        return max(0.0, self._worked_before(calendar, end) - self._worked_before(calendar, start))

    def _worked_before(self, calendar: WorkingCalendar, instant: datetime) -> float:
        """Working hours from the first opening of a case to an instant."""
        begins, totals = self._layout(calendar)
        seconds = (instant - self.first).total_seconds()
        place = int(np.searchsorted(begins, seconds, side="right")) - 1
        if place < 0:
            return 0.0
        return float(min(totals[place] + (seconds - begins[place]) / 3600, totals[place + 1]))

    def _layout(self, calendar: WorkingCalendar) -> tuple[Floats, Floats]:
        """The beginning of each span in seconds, and the working hours before it and after all of them."""
        if calendar not in self._layouts:
            spans = list(calendar.working_spans(self.first, self.now + timedelta(days=1)))
            begins = np.array([(begin - self.first).total_seconds() for begin, _ in spans])
            lengths = np.array([(end - begin).total_seconds() / 3600 for begin, end in spans])
            self._layouts[calendar] = (begins, np.concatenate([[0.0], np.cumsum(lengths)]))
        return self._layouts[calendar]
