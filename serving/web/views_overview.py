"""What the overview says to a lead: figures with what they rest on, and "not yet" where there is too little."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from serving.store.overview_queries import Arms, Judged, Week
from serving.store.tables import Account, Case, NightRow
from serving.web import told

ARM = 294
"""Units an arm needs to tell a fall from 30 % to 20 % churn with 80 % power; below that no effect is claimed."""

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
    """How right and how early the cases of one risk were, in words."""

    risk: str
    precision: str
    lead: str


@dataclass(frozen=True)
class Overview:
    """The page; ``most`` is the largest number of each column, which its bars are drawn against."""

    squads: str
    weeks: Sequence[Week]
    most: Mapping[str, int]
    late: Sequence[tuple[Case, Account, told.Clock | None]]
    late_response: int
    late_resolution: int
    judged: Sequence[JudgedView]
    effect: str
    nights: Sequence[NightRow]
    night: NightRow | None
    report: Mapping[str, Any]
    feeds: Sequence[Feed]
    scored: Sequence[str]

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
    arms: Arms,
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
        late=[(case, account, told.clock(case, now)) for case, account in late],
        late_response=late_counts[0],
        late_resolution=late_counts[1],
        judged=[_judged(one) for one in judged],
        effect=_effect(arms),
        nights=nights,
        night=night,
        report=report,
        feeds=_feeds(report),
        scored=_scored(report),
    )


def _judged(one: Judged) -> JudgedView:
    if one.settled < ENOUGH:
        few = f"not measurable yet, n = {one.settled} settled of {one.matured} whose window is over"
        return JudgedView(one.risk, few, "–")
    precision = f"{one.confirmed / one.settled:.0%} of {one.settled} settled"
    lead = f"{one.lead_days:.0f} days (median)" if one.lead_days is not None else "nothing was lost"
    return JudgedView(one.risk, precision, lead)


def _effect(arms: Arms) -> str:
    sizes = f"n = {arms.held_out} held out, {arms.worked} worked"
    if arms.held_out == 0:
        return f"Not measurable: nobody is held out ({sizes}). Set a hold-out in the policy to learn it."
    if min(arms.held_out, arms.worked) < ARM:
        return f"Not measurable yet, {sizes}: about {ARM} on each side can tell a fall from 30 % to 20 %."
    return (
        f"There are enough accounts on both sides ({sizes}). What happened to them is in the data, not in the queue: "
        "`rescue feedback` reads it and gives the difference with its interval."
    )


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
