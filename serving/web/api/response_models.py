"""The responses of the API: the fields of the queue that a caller may rely on; times are in UTC."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from serving.night_report.report_schema import RealisedOutcomes
from serving.store.tables import CaseAlarm

UtcTime = Annotated[datetime, AfterValidator(lambda at: at.replace(tzinfo=UTC))]


class ResponseModel(BaseModel):
    """The base of all responses: it is read from the attributes of the store's rows."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class PersonResponse(ResponseModel):
    """The signed-in user."""

    name: str
    roles: list[str]
    squads: list[str] | None = Field(description="The squads whose cases you see; null for every squad.")


class CaseResponse(ResponseModel):
    """A case in its current state."""

    id: str
    account_id: str
    risk: str
    squad: str
    state: str
    owner: str | None = Field(description="The person who works on the case.")
    responsible: str | None = Field(
        description="The person who has to act now: the owner, or the next person of the escalation path."
    )
    severity: str
    headline: str = Field(description="Of the night of `raised_on`, like the hand-off.")
    lane: str = Field(description="`at_risk` or `leaving`.")
    alarms: dict[str, date] = Field(description="Why the case exists: each alarm with the night that raised it.")
    opened_on: date
    raised_on: date
    probability: float | None = Field(description="Of `risk`, on the night of `raised_on`; null: a contract ends.")
    at_stake: float | None = Field(description="The revenue that is lost without a rescue; null if it is unknown.")
    live_on: date = Field(description="The night of the figures up to `first_reason`.")
    priority: float
    probabilities: dict[str, float] = Field(description="By risk.")
    revenue: float | None = Field(description="Recurring revenue a year; null if it is unknown.")
    estimated_revenue: float | None = Field(description="What the priority uses where the revenue is unknown.")
    contract_status: str | None = Field(description="`running`, `leaving`, `left` or `none`.")
    ends_on: date | None = Field(description="The day on which the contract, or the lost part of it, ends or renews.")
    first_reason: str | None = Field(description="null: that of the hand-off is the newest.")
    resolved: str | None = Field(description="Why the cause of an open case is gone: it can be closed as saved.")
    resolved_on: date | None
    closes_on: date | None = Field(description="The night that closes a resolved case.")
    closure: str | None = Field(description="Why a night closed the case.")
    outcome_reason: str | None = Field(None, description="Why it ended so: a code of the policy.")
    outcome_amount: float | None = Field(None, description="Yearly revenue saved or lost, as recorded at the close.")
    outcome_currency: str | None = None
    left_on: date | None = Field(None, description="The account left on that day, within 90 days after *saved*.")
    closure_on: date | None
    group_members: list[str] = Field(description="The other accounts of the group that the case covers.")
    respond_by: UtcTime | None
    resolve_by: UtcTime | None
    snoozed_until: date | None
    closed_at: UtcTime | None
    version: int = Field(description="Send it with an action: the action is refused if the case has changed since.")

    @field_validator("alarms", mode="before")
    @classmethod
    def _dates(cls, alarms: Mapping[str, CaseAlarm]) -> dict[str, date]:
        return {code: alarm.raised_on for code, alarm in alarms.items()}


class AccountResponse(ResponseModel):
    """The current state of an account."""

    account_id: str
    name: str | None
    parent_id: str | None
    segment: str | None
    industry: str | None
    region: str | None
    owner: str | None
    arr: float | None = Field(description="Annual recurring revenue; null if it is unknown.")
    currency: str | None
    renews_on: date | None


class CaseListItem(ResponseModel):
    """A case in the list."""

    case: CaseResponse
    account: AccountResponse
    reason: str | None = Field(description="The first reason, as a sentence.")


class CaseListResponse(ResponseModel):
    """One page of cases."""

    night: date | None = Field(description="The newest night.")
    risks: list[str] = Field(description="The risks of the newest night; each can be used as `risk` and as `sort`.")
    total: int
    page: int
    pages: int
    items: list[CaseListItem]


class CaseEventResponse(ResponseModel):
    """One entry of a case's history; it never changes."""

    at: UtcTime
    actor: str
    kind: str
    before: dict[str, Any]
    after: dict[str, Any]
    comment: str | None
    version: int


class PathEntryResponse(ResponseModel):
    """One thing that an escalation path did or will do."""

    at: UtcTime
    text: str
    step: int | None = Field(description="Its number, from 1; null for what people did.")


class PathResponse(ResponseModel):
    """The escalation path of a case."""

    name: str = Field(description="Empty for the tiers of the squad.")
    done: list[PathEntryResponse]
    next: list[PathEntryResponse] = Field(description="What comes as long as nobody responds.")
    acknowledged_by: str | None
    acknowledged_at: UtcTime | None
    stopped: str = Field(description="Why nothing comes next; empty while the path runs.")


class ExternalRecordResponse(ResponseModel):
    """The record that a channel keeps of the case in another system, such as a ticket."""

    channel: str = Field(description="The name of the channel in the settings.")
    external_id: str
    url: str | None
    problem: str | None = Field(description="What was changed there and could not be changed here.")
    written_at: UtcTime | None
    read_at: UtcTime | None
    gone_at: UtcTime | None = Field(description="Since when it is not there any more: it was deleted there.")


class CaseDetailResponse(ResponseModel):
    """A case with its account, a hand-off and its history."""

    case: CaseResponse
    account: AccountResponse
    actions: list[str] = Field(description="The actions that the state of the case allows.")
    handoff_of: date = Field(description="The night of the hand-off in this response.")
    handoffs: list[date] = Field(description="The nights that have a hand-off: request one with ?as_of=.")
    handoff: dict[str, Any] = Field(description="The frozen hand-off; docs/handoff.schema.json describes it.")
    path: PathResponse
    scores: dict[str, float] = Field(description="Probabilities of the newest night, by risk.")
    external_records: list[ExternalRecordResponse] = Field(description="The case in other systems, by channel.")
    history: list[CaseEventResponse]


class TakeNextResponse(ResponseModel):
    """The case that you took."""

    case: CaseResponse | None = Field(description="null: no new case is left in your squads.")


class ScorePoint(ResponseModel):
    """The probability of one night."""

    as_of: date
    probability: float


class AdjustmentResponse(ResponseModel):
    """How the outcome of a case changed the account's health score."""

    case_id: str
    verdict: str = Field(description="The outcome.")
    points: float
    author: str
    decided_at: UtcTime
    withdrawn_at: UtcTime | None


class AccountRiskResponse(ResponseModel):
    """The newest score of an account for one risk."""

    risk: str
    as_of: date
    probability: float
    rank: int = Field(description="Among all accounts that were scored; 1 is the highest probability.")
    curve: list[tuple[int, float]] = Field(
        description="Days from the end of the lead, and the probability within them; empty without."
    )

    @field_validator("curve", mode="before")
    @classmethod
    def _points(cls, curve: str | None) -> list[tuple[int, float]]:
        return [(days, probability) for days, probability, *_ in json.loads(curve)] if curve else []


class AccountDetailResponse(ResponseModel):
    """An account over time."""

    account: AccountResponse
    night: date | None
    status: list[str] = Field(description="Why the account is or is not in the queue, as sentences.")
    risks: list[AccountRiskResponse]
    scores: dict[str, list[ScorePoint]] = Field(description="The probabilities by risk, oldest night first.")
    cases: list[CaseResponse]
    adjustments: list[AdjustmentResponse]


class AccountListResponse(ResponseModel):
    """One page of accounts."""

    total: int
    page: int
    pages: int
    items: list[AccountResponse]


class WeekResponse(ResponseModel):
    """What happened in the week that begins on ``monday``."""

    monday: date
    flagged: int
    worked: int
    saved: int
    lost: int


class TeamOutcomesResponse(ResponseModel):
    """The team's outcomes of the cases of one risk whose prediction window has ended."""

    risk: str
    matured: int = Field(description="Cases that you see whose prediction window has ended.")
    settled: int = Field(description="Those with an outcome that says whether the account was at risk.")
    confirmed: int = Field(description="Those that were at risk: saved or lost.")
    lead_days: float | None = Field(description="Median days from the night to a loss.")


class OverviewResponse(ResponseModel):
    """How the work goes, for the squads that you see."""

    weeks: list[WeekResponse]
    judged: list[TeamOutcomesResponse]
    late_responses: int
    late_resolutions: int
    realised_outcomes: list[RealisedOutcomes] = Field(
        description="What happened, according to the data, to the accounts of the earlier cases of all squads."
    )
