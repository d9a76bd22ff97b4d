"""What the API answers: the queue's rows with the fields that a caller may rely on, instants in UTC."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Instant = Annotated[datetime, AfterValidator(lambda at: at.replace(tzinfo=UTC))]


class Answer(BaseModel):
    """What every answer shares: it is read off the store's rows."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Me(Answer):
    """Who you are to Rescue."""

    name: str
    roles: list[str]
    squads: list[str] | None = Field(description="The squads whose cases you see; null for every squad.")


class Case(Answer):
    """A case as it stands now."""

    id: str
    account_id: str
    risk: str
    squad: str
    state: str
    owner: str | None = Field(description="Who works it.")
    responsible: str | None = Field(description="Who has to act now: the owner, or whom the ladder names.")
    severity: str
    headline: str
    priority: float
    at_stake: float = Field(description="Recurring revenue, in the source's currency.")
    probabilities: dict[str, float] = Field(description="By risk, when the case was last raised.")
    opened_on: date
    raised_on: date
    respond_by: Instant | None
    resolve_by: Instant | None
    snoozed_until: date | None
    closed_at: Instant | None
    version: int = Field(description="Send it back with an act: it is refused if somebody else was quicker.")


class Account(Answer):
    """The newest that is known of an account."""

    account_id: str
    name: str | None
    parent_id: str | None
    segment: str | None
    industry: str | None
    region: str | None
    owner: str | None
    arr: float | None
    renews_on: date | None


class ListedCase(Answer):
    """A case in the list."""

    case: Case
    account: Account
    reason: str | None = Field(description="The first sentence of why.")


class CasePage(Answer):
    """One page of cases."""

    night: date | None = Field(description="The newest night that is recorded.")
    total: int
    page: int
    pages: int
    items: list[ListedCase]


class Event(Answer):
    """One entry of a case's record; it never changes."""

    at: Instant
    actor: str
    kind: str
    before: dict[str, Any]
    after: dict[str, Any]
    comment: str | None
    version: int


class CaseFile(Answer):
    """A case with its account, a hand-off and its record."""

    case: Case
    account: Account
    moves: list[str] = Field(description="What may be done to the case as it stands.")
    handoff_of: date
    handoffs: list[date] = Field(description="The nights of which there is a hand-off: ask with ?as_of=.")
    handoff: dict[str, Any] = Field(description="The frozen package; docs/handoff.schema.json describes it.")
    scores: dict[str, float] = Field(description="Probabilities of the newest night, by risk.")
    record: list[Event]


class Score(Answer):
    """The probability of one night."""

    as_of: date
    probability: float


class Adjustment(Answer):
    """What a verdict said about the account's health."""

    case_id: str
    verdict: str
    points: float
    author: str
    decided_at: Instant
    withdrawn_at: Instant | None


class AccountFile(Answer):
    """An account over time."""

    account: Account
    night: date | None
    scores: dict[str, list[Score]]
    cases: list[Case]
    adjustments: list[Adjustment]


class Accounts(Answer):
    """The accounts that were found."""

    items: list[Account]


class Week(Answer):
    """What happened in the week that begins on ``monday``."""

    monday: date
    flagged: int
    worked: int
    saved: int
    lost: int


class Judged(Answer):
    """What came of the cases of one risk whose time is over."""

    risk: str
    matured: int = Field(description="Cases that you see whose window is over.")
    settled: int = Field(description="Those whose verdict says whether the account was at risk.")
    confirmed: int = Field(description="Those that were: saved or lost.")
    lead_days: float | None = Field(description="Median days from the night to a loss.")


class CameOf(Answer):
    """What came, by the data, of all cases that earlier nights opened for one risk, whoever sees them."""

    horizon: int = Field(description="Days after the night within which the event counts.")
    cases: int
    settled: int = Field(description="Cases of which it is known by now whether it happened.")
    happened: int
    lead_days: float | None = Field(description="Median days from the night to the event.")
    effect: str = Field(description="How the team's accounts compare with those held out, in words.")


class Overview(Answer):
    """How the work goes, as far as you may see."""

    weeks: list[Week]
    judged: list[Judged]
    late_responses: int
    late_resolutions: int
    came_of: dict[str, CameOf] = Field(description="By risk; empty until the first night that tells it.")
