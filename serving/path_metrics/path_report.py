"""The figures of escalation paths by squad, skill, severity and policy version, and before and after a version.

A deadline counts once its time is over, so that cases which were answered early do not make young cases look better. A
comparison of two versions is no experiment: other things may have changed between them, and the report says so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import isfinite
from typing import Any

import numpy as np

from serving.path_metrics.case_timelines import (
    MEASURES,
    Calendars,
    CaseTimeline,
    Measure,
    Stopwatch,
    deadline_over,
    measured_in_working_time,
)
from serving.path_metrics.censored_times import (
    CensoredTimes,
    Estimate,
    compare_medians,
    compare_shares,
    estimate_median,
    estimate_share,
)

MIN_CASES = 20
"""With fewer cases, a figure shows chance rather than the work of a team."""

SHARES = ("response_breached", "resolution_breached", "returned", "saved")
UNKNOWN = "unknown"

DIMENSIONS: Mapping[str, Callable[[CaseTimeline], str | None]] = {
    "squad": lambda case: case.squad,
    "skill": lambda case: case.skill,
    "severity": lambda case: case.severity,
    "policy_version": lambda case: case.policy_version,
}


@dataclass(frozen=True)
class TimeFigure:
    """The median hours to an event over ``cases``; ``reached`` of them had it, the others were seen without it."""

    cases: int
    reached: int
    median: Estimate


@dataclass(frozen=True)
class ShareFigure:
    """How many of the ``cases`` that count had something, with its share."""

    cases: int
    hits: int
    share: Estimate


@dataclass(frozen=True)
class GroupFigures:
    """The figures of the cases with one value of a dimension; ``working_time`` tells what the hours are."""

    dimension: str
    name: str
    cases: int
    units: int
    working_time: bool
    times: Mapping[Measure, TimeFigure]
    shares: Mapping[str, ShareFigure]

    @property
    def enough(self) -> bool:
        """Whether there are enough cases to read the figures as more than chance."""
        return self.cases >= MIN_CASES

    def to_json(self) -> dict[str, Any]:
        """Plain values; null where a figure cannot be estimated, and ``not_reached`` for a median beyond all cases."""
        return {
            "dimension": self.dimension,
            "name": self.name,
            "cases": self.cases,
            "account_groups": self.units,
            "enough_cases": self.enough,
            "hours_are": "working hours" if self.working_time else "hours",
            "times": {
                name: {"cases": figure.cases, "reached": figure.reached, **_json("median", figure.median)}
                for name, figure in self.times.items()
            },
            "shares": {
                name: {"cases": figure.cases, "count": figure.hits, **_json("share", figure.share)}
                for name, figure in self.shares.items()
            },
        }


@dataclass(frozen=True)
class VersionComparison:
    """The cases of a policy version beside those of the version before it: differences are after − before."""

    before: GroupFigures
    after: GroupFigures
    times: Mapping[Measure, Estimate]
    shares: Mapping[str, Estimate]

    @property
    def enough(self) -> bool:
        """Whether both versions have enough cases."""
        return self.before.enough and self.after.enough

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "before": self.before.name,
            "after": self.after.name,
            "enough_cases": self.enough,
            "hours_are": "working hours" if self.after.working_time else "hours",
            "times": {name: _json("difference", estimate) for name, estimate in self.times.items()},
            "shares": {name: _json("difference", estimate) for name, estimate in self.shares.items()},
        }


@dataclass(frozen=True)
class PathReport:
    """All figures at ``now``; ``groups`` holds the whole first, then each dimension's values."""

    now: datetime
    since: datetime | None
    groups: Sequence[GroupFigures]
    comparisons: Sequence[VersionComparison]

    def of(self, dimension: str) -> list[GroupFigures]:
        """The groups of a dimension."""
        return [group for group in self.groups if group.dimension == dimension]

    def to_json(self) -> dict[str, Any]:
        """Plain values, for ``rescue paths metrics --json`` and the API."""
        return {
            "at": self.now.isoformat() + "Z",
            "since": self.since.isoformat() + "Z" if self.since else None,
            "min_cases": MIN_CASES,
            "groups": [group.to_json() for group in self.groups],
            "comparisons": [comparison.to_json() for comparison in self.comparisons],
        }


class Measurement:
    """Measures groups of the same cases; ``units`` numbers the groups of accounts."""

    def __init__(self, cases: Sequence[CaseTimeline], calendars: Calendars, now: datetime) -> None:
        self.calendars, self.now = calendars, now
        self.watch = Stopwatch(cases, calendars, now)
        self.units = {unit: number for number, unit in enumerate(sorted({case.unit for case in cases}))}

    def group(self, dimension: str, name: str, cases: Sequence[CaseTimeline]) -> GroupFigures:
        """The figures of some of the cases."""
        working = measured_in_working_time(cases, self.calendars)
        times = {measure: self.times(cases, measure, working=working) for measure in MEASURES}
        return GroupFigures(
            dimension=dimension,
            name=name,
            cases=len(cases),
            units=len({case.unit for case in cases}),
            working_time=working,
            times={
                name: TimeFigure(len(cases), int(time.observed.sum()), estimate_median(time))
                for name, time in times.items()
            },
            shares={name: self._share(name, cases) for name in SHARES},
        )

    def times(self, cases: Sequence[CaseTimeline], measure: Measure, *, working: bool) -> CensoredTimes:
        """The times of the cases to an event."""
        units = np.array([self.units[case.unit] for case in cases], dtype=np.int64)
        return self.watch.times(cases, measure, units, working=working)

    def compare(self, before: Sequence[CaseTimeline], after: Sequence[CaseTimeline]) -> VersionComparison:
        """Two policy versions, in the same kind of time."""
        working = measured_in_working_time([*before, *after], self.calendars)
        first, second = (self.group("policy_version", _version(cases[0]), cases) for cases in (before, after))
        return VersionComparison(
            before=first,
            after=second,
            times={
                measure: compare_medians(
                    self.times(before, measure, working=working), self.times(after, measure, working=working)
                )
                for measure in MEASURES
            },
            shares={name: compare_shares(first.shares[name].share, second.shares[name].share) for name in SHARES},
        )

    def _share(self, name: str, cases: Sequence[CaseTimeline]) -> ShareFigure:
        counted = [case for case in cases if self._counts(name, case)]
        hits = [_has(name, case) for case in counted]
        return ShareFigure(len(counted), sum(hits), estimate_share(hits, [self.units[case.unit] for case in counted]))

    def _counts(self, name: str, case: CaseTimeline) -> bool:
        if name == "response_breached":
            return case.respond_breached or deadline_over(case, case.respond_within, self.calendars, self.now)
        if name == "resolution_breached":
            return case.resolve_breached or deadline_over(case, case.resolve_within, self.calendars, self.now)
        return case.outcome in {"saved", "lost"} if name == "saved" else True


def measure_paths(
    cases: Sequence[CaseTimeline], calendars: Calendars, now: datetime, since: datetime | None = None
) -> PathReport:
    """The report on these cases, whose policy versions are compared in the order in which they opened cases."""
    measurement = Measurement(cases, calendars, now)
    groups = [measurement.group("all", "all", cases)] if cases else []
    for dimension, value_of in DIMENSIONS.items():
        by_name: dict[str, list[CaseTimeline]] = {}
        for case in cases:
            by_name.setdefault(value_of(case) or UNKNOWN, []).append(case)
        names = sorted(by_name, key=lambda name: (name == UNKNOWN, name))
        groups += [measurement.group(dimension, name, by_name[name]) for name in names]
    versions = _by_version(cases)
    comparisons = [measurement.compare(before, after) for before, after in pairwise(versions)]
    return PathReport(now, since, groups, comparisons)


def _by_version(cases: Sequence[CaseTimeline]) -> list[list[CaseTimeline]]:
    """The cases of each known policy version, the version that opened a case first coming first."""
    known = sorted((case for case in cases if case.policy_version), key=lambda case: (case.opened_at, case.case_id))
    versions: dict[str, list[CaseTimeline]] = {}
    for case in known:
        versions.setdefault(_version(case), []).append(case)
    return list(versions.values())


def _version(case: CaseTimeline) -> str:
    return case.policy_version or UNKNOWN


def _has(name: str, case: CaseTimeline) -> bool:
    return {
        "response_breached": case.respond_breached,
        "resolution_breached": case.resolve_breached,
        "returned": case.returns > 0,
        "saved": case.outcome == "saved",
    }[name]


def _json(name: str, estimate: Estimate) -> dict[str, Any]:
    values = dict(zip((name, "low", "high"), map(_number, estimate), strict=True))
    return values | {"not_reached": estimate.value == np.inf}


def _number(value: float) -> float | None:
    return round(value, 4) if isfinite(value) else None
