"""A case as a night's report and the lists of the queue have it: figures, codes and frozen sentences."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class ReportPart(BaseModel):
    """A part of the report: its values never change, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _in_utc(moment: object) -> object:
    """The queue keeps its times in UTC and without a zone."""
    parsed = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return parsed.replace(tzinfo=UTC) if isinstance(parsed, datetime) and parsed.tzinfo is None else parsed


UtcMoment = Annotated[datetime, BeforeValidator(_in_utc)]


class QueueCase(ReportPart):
    """A case that the night opened or raised again, as it was when the night was recorded."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    case_id: str
    account_id: str
    name: str | None = None
    segment: str | None = None
    owner: str | None = Field(default=None, description="the owner of the account")
    squad: str
    lane: str = Field(default="at_risk", description="`at_risk` or `leaving`")
    state: str
    severity: str
    responsible: str | None = Field(default=None, description="who has to act now")
    opened_on: date
    respond_by: UtcMoment | None = Field(default=None, description="null where the timer has stopped")
    resolve_by: UtcMoment | None = Field(default=None, description="null where the timer has stopped")
    arr: float | None = Field(default=None, description="recurring revenue a year; null where it is unknown")
    currency: str | None = None
    estimated_revenue: float | None = Field(default=None, description="what the priority uses where revenue is unknown")
    at_stake: float | None = Field(default=None, description="the revenue that is lost without a rescue")
    contract_status: str | None = Field(default=None, description="`running`, `leaving`, `left` or `none`")
    ends_on: date | None = Field(default=None, description="the day on which the contract or the lost part of it ends")
    renews_on: date | None = Field(default=None, description="in the past: the renewal is overdue")
    risk: str = Field(description="the risk that raised the case")
    risks: dict[str, float] = Field(description="the probability on the night of the report, by risk")
    raised_on: date | None = Field(default=None, description="the night that raised the case last")
    raised_probability: float | None = Field(default=None, description="the probability of `risk` on that night")
    resolved: str | None = Field(default=None, description="why the cause of the case is gone")
    closes_on: date | None = Field(default=None, description="the night that closes a resolved case")
    priority: float
    triggers: tuple[str, ...] = Field(default=(), description="messages of the triggers that fired")
    reasons: dict[str, tuple[str, ...]] = Field(default_factory=dict, description="sentences by risk, strongest first")
    first_reason: str | None = Field(default=None, description="the sentence that the printed queue shows")
