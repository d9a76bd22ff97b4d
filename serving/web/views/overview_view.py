"""What the overview says to a lead: figures with what they rest on, and "not yet" where there is too little."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from serving.contracts import CameOf
from serving.store.overview_queries import Judged, Week
from serving.store.tables import Account, Case, NightRow
from serving.web import display_text

COUNTED = ("flagged", "worked", "saved", "lost")
"""What is counted by week, a column each."""

ENOUGH = 20
"""Outcomes below which a share says more of chance than of the model."""


@dataclass(frozen=True)
class Feed:
    """One source as the last night found it; ``stale`` says since when it has been silent."""

    name: str
    rows: int
    accepted: int
    quarantined: int
    because: str
    stale: str
    missing: bool


@dataclass(frozen=True)
class JudgedView:
    """How right and how early the cases of one risk were, in words: by the team's verdicts, and by the data."""

    risk: str
    horizon: int
    found: str
    happened: str
    lead: str
    effect: str


@dataclass(frozen=True)
class Overview:
    """The page; ``most`` is the largest number of each column, which its bars are drawn against."""

    squads: str
    weeks: Sequence[Week]
    most: Mapping[str, int]
    late: Sequence[tuple[Case, Account, display_text.Clock | None]]
    late_response: int
    late_resolution: int
    judged: Sequence[JudgedView]
    nights: Sequence[NightRow]
    night: NightRow | None
    report: Mapping[str, Any]
    feeds: Sequence[Feed]
    scored: Sequence[str]

    @property
    def quarantined(self) -> int:
        """How many rows last night put aside."""
        return sum(feed.quarantined for feed in self.feeds)

    @property
    def waiting(self) -> int:
        """How many deserved a place last night and did not fit."""
        return int(self.report.get("counts", {}).get("waiting", 0))

    @property
    def held_out(self) -> int:
        """How many were kept from the team last night."""
        return int(self.report.get("counts", {}).get("held out", 0))


def overview(
    *,
    squads: frozenset[str] | None,
    weeks: Sequence[Week],
    late: Sequence[tuple[Case, Account]],
    late_counts: tuple[int, int],
    judged: Sequence[Judged],
    came_of: Mapping[str, CameOf],
    nights: Sequence[NightRow],
    now: datetime,
) -> Overview:
    """Put the figures into words."""
    night = next((row for row in nights if row.status == "recorded"), None)
    report = (night.report if night else None) or {"flagged": 0, "warnings": []}
    return Overview(
        squads="every squad" if squads is None else ", ".join(sorted(squads)),
        weeks=weeks,
        most={name: max((getattr(week, name) for week in weeks), default=0) or 1 for name in COUNTED},
        late=[(case, account, display_text.clock(case, now)) for case, account in late],
        late_response=late_counts[0],
        late_resolution=late_counts[1],
        judged=[_judged(one, came_of[one.risk]) for one in judged],
        nights=nights,
        night=night,
        report=report,
        feeds=_feeds(report),
        scored=_scored(report),
    )


def _judged(one: Judged, came: CameOf) -> JudgedView:
    found = _share(one.confirmed, one.settled, one.matured, "have such a verdict")
    happened = _share(came.happened, came.settled, came.cases, "are settled")
    display_text = came.lead_days is not None and came.settled >= ENOUGH
    lead = f"{came.lead_days:.0f} days (median)" if display_text else "–"
    return JudgedView(one.risk, came.horizon, found, happened, lead, came.effect)


def _share(part: int, whole: int, of: int, told: str) -> str:
    """A share of those cases that are told of, or that there are too few of them."""
    if whole < ENOUGH:
        return f"not measurable yet: {whole} of {of} {display_text}, it takes {ENOUGH}"
    return f"{part / whole:.0%} of {whole}"


def _feeds(report: Mapping[str, Any]) -> list[Feed]:
    tables: Mapping[str, Any] = report.get("tables", {})
    warnings: Sequence[str] = report.get("warnings", ())
    stale = {name: next((line for line in warnings if line.startswith(f"{name} ")), "") for name in tables}
    found = [_feed(name, counts, stale[name].removeprefix(f"{name} ")) for name, counts in tables.items()]
    absent = [name for name in report.get("missing", ()) if name not in tables]
    return [*found, *(Feed(name, 0, 0, 0, "", "", missing=True) for name in absent)]


def _feed(name: str, counts: Mapping[str, Any], stale: str) -> Feed:
    bad: Mapping[str, int] = counts["quarantined"]
    because = ", ".join(f"{rule.replace('_', ' ')} ({number:,})" for rule, number in bad.items())
    return Feed(name, counts["rows"], counts["accepted"], sum(bad.values()), because, stale, missing=False)


def _scored(report: Mapping[str, Any]) -> list[str]:
    lines = []
    for risk, number in report.get("scored", {}).items():
        left = report.get("not_scored", {}).get(risk, {})
        why = "; ".join(f"{count:,} {reason}" for reason, count in sorted(left.items()))
        lines.append(f"{risk.capitalize()}: {number:,} accounts scored" + (f"; not scored: {why}." if why else "."))
    return lines
