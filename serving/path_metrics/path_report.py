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
    draw_units,
    estimate_median,
    estimate_share,
)

MIN_CASES = 20
"""With fewer cases, a figure shows chance rather than the work of a team."""

SHARES = ("response_breached", "resolution_breached", "returned", "saved")
UNKNOWN_GROUP = "unknown"

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
    """Measures groups of the same cases. What is known of each case is computed once; groups are places in it.

    The draws of the bootstrap are shared, so that the groups of accounts are drawn together everywhere.
    """

    def __init__(self, cases: Sequence[CaseTimeline], calendars: Calendars, now: datetime) -> None:
        self.cases, self.calendars = cases, calendars
        names = {unit: number for number, unit in enumerate(sorted({case.unit for case in cases}))}
        self.units = np.array([names[case.unit] for case in cases], dtype=np.int64)
        self.drawn = draw_units(len(names))
        watch = Stopwatch(cases, calendars, now)
        self._times = {
            (measure, working): watch.times(cases, measure, self.units, working=working)
            for measure in MEASURES
            for working in (False, *([True] if calendars else []))
        }
        self._counted = {name: [_counts(name, case, calendars, now) for case in cases] for name in SHARES}

    def group(self, dimension: str, name: str, places: Sequence[int]) -> GroupFigures:
        """The figures of the cases at these places."""
        working = self._working(places)
        times = {measure: self._of(measure, places, working) for measure in MEASURES}
        return GroupFigures(
            dimension=dimension,
            name=name,
            cases=len(places),
            units=len(np.unique(self.units[list(places)])),
            working_time=working,
            times={
                name: TimeFigure(len(places), int(time.observed.sum()), estimate_median(time, self.drawn))
                for name, time in times.items()
            },
            shares={name: self._share(name, places) for name in SHARES},
        )

    def compare(self, before: Sequence[int], after: Sequence[int]) -> VersionComparison:
        """Two policy versions, in the same kind of time."""
        working = self._working([*before, *after])
        first, second = (
            self.group("policy_version", _version(self.cases[places[0]]), places) for places in (before, after)
        )
        return VersionComparison(
            before=first,
            after=second,
            times={
                measure: compare_medians(
                    self._of(measure, before, working), self._of(measure, after, working), self.drawn
                )
                for measure in MEASURES
            },
            shares={name: compare_shares(first.shares[name].share, second.shares[name].share) for name in SHARES},
        )

    def _working(self, places: Sequence[int]) -> bool:
        return measured_in_working_time((self.cases[place] for place in places), self.calendars)

    def _of(self, measure: Measure, places: Sequence[int], working: bool) -> CensoredTimes:
        times, chosen = self._times[measure, working], list(places)
        return CensoredTimes(times.hours[chosen], times.observed[chosen], times.units[chosen])

    def _share(self, name: str, places: Sequence[int]) -> ShareFigure:
        counted = [place for place in places if self._counted[name][place]]
        hits = [_has(name, self.cases[place]) for place in counted]
        return ShareFigure(len(counted), sum(hits), estimate_share(hits, self.units[counted].tolist()))


def measure_paths(
    cases: Sequence[CaseTimeline], calendars: Calendars, now: datetime, since: datetime | None = None
) -> PathReport:
    """The report on these cases, whose policy versions are compared in the order in which they opened cases."""
    measurement = Measurement(cases, calendars, now)
    groups = [measurement.group("all", "all", range(len(cases)))] if cases else []
    for dimension, value_of in DIMENSIONS.items():
        by_name: dict[str, list[int]] = {}
        for place, case in enumerate(cases):
            by_name.setdefault(value_of(case) or UNKNOWN_GROUP, []).append(place)
        names = sorted(by_name, key=lambda name: (name == UNKNOWN_GROUP, name))
        groups += [measurement.group(dimension, name, by_name[name]) for name in names]
    versions = _by_version(cases)
    comparisons = [measurement.compare(before, after) for before, after in pairwise(versions)]
    return PathReport(now, since, groups, comparisons)


def _by_version(cases: Sequence[CaseTimeline]) -> list[list[int]]:
    """The cases of each known policy version by place, the version that opened a case first coming first."""
    known = [place for place, case in enumerate(cases) if case.policy_version]
    versions: dict[str, list[int]] = {}
    for place in sorted(known, key=lambda place: (cases[place].opened_at, cases[place].case_id)):
        versions.setdefault(_version(cases[place]), []).append(place)
    return list(versions.values())


def _counts(name: str, case: CaseTimeline, calendars: Calendars, now: datetime) -> bool:
    """Whether it is known of a case whether it has something."""
    if name == "response_breached":
        return case.respond_breached or deadline_over(case, case.respond_within, calendars, now)
    if name == "resolution_breached":
        return case.resolve_breached or deadline_over(case, case.resolve_within, calendars, now)
    return case.outcome in {"saved", "lost"} if name == "saved" else True


def _version(case: CaseTimeline) -> str:
    return case.policy_version or UNKNOWN_GROUP


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
