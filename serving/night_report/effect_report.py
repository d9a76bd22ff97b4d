"""The team's effect on one risk, as part of a night's report and of the monitor's."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from serving.night_report.queue_case import ReportPart


class GroupReport(ReportPart):
    """Accounts of one group, how many of them are settled, and how many of those had the event."""

    accounts: int
    settled: int
    events: int


class DifferenceReport(ReportPart):
    """A difference between held-out and worked accounts with its 95% interval: the effect of the work."""

    value: float
    low: float
    high: float


class EffectReport(ReportPart):
    """The team's effect on one risk, measured on accounts that a squad had a place for.

    ``difference`` is the share of events among held-out accounts minus that among worked accounts; null while a group
    has fewer settled accounts than it needs.
    """

    worked: GroupReport
    held_out: GroupReport
    needed: int = Field(description="settled accounts that each group needs")
    difference: DifferenceReport | None
    valid: Literal["one_look", "every_night"] = Field(
        default="one_look",
        description="`every_night`: the interval contains the truth on all nights together with 95%; `one_look`, of "
        "earlier versions: only if it is read once",
    )
    assumed: float | None = Field(
        default=None, description="the difference that the policy's save rates assume; null without enrolled accounts"
    )
    detectable: float | None = Field(
        default=None, description="smallest difference that is found with 80% by the settled accounts of now"
    )
    detectable_of: int | None = Field(
        default=None, description="settled accounts by which a difference of `assumed` is found with 80%"
    )
    answer_on: date | None = Field(
        default=None,
        description="when so many are settled at the present flow; null where that takes over ten years",
    )
    per_week: float | None = Field(
        default=None,
        description="accounts enrolled a week, over the last eight weeks without the first night; null in its week",
    )
    revenue: DifferenceReport | None = Field(
        default=None, description="effect of the settled work in revenue a year, capped by account as in the priority"
    )
    holdout_cost: float | None = Field(
        default=None,
        description="revenue a year that work on the held-out accounts is worth by the policy's save rates",
    )
    currency: str | None = Field(default=None, description="of the amounts; null where accounts have different ones")
