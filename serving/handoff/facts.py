"""What is known of an account on the night its case opens: the input of the hand-off package.

The edge fills these from a snapshot of the history at the cutoff and from the queue's own past; serving never reads the
history itself. Everything here is as of the cutoff. Unknown is ``None`` or empty, never a guess: the package
says what it does not know.
"""

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

WEEKS = 12
"""The length of a usage line."""

Probability = Annotated[float, Field(ge=0, le=1)]
Line = Annotated[tuple[float | None, ...], Field(min_length=WEEKS, max_length=WEEKS)]


class Frozen(BaseModel):
    """A part of the package: no unknown fields, never changed; numbers are finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Binding(Frozen):
    """What the package was made from, so that it can be told later why it said what it said."""

    as_of: date = Field(description="the cutoff: the package knows nothing of this day or after")
    data_until: datetime | None = Field(description="when the newest row that was read became known, UTC")
    policy_version: str = Field(description="content hash of the policy that raised the case")
    models: dict[str, str] = Field(description="risk -> version of the model that scored it")
    catalogue_version: str = Field(default="", description="content hash of the definitions of the features")


class Account(Frozen):
    """Who the account is."""

    account_id: str
    name: str | None = None
    parent_id: str | None = Field(default=None, description="the group it belongs to")
    segment: str | None = None
    industry: str | None = None
    region: str | None = None
    owner: str | None = Field(default=None, description="its customer success manager")
    customer_since: date | None = None


class Contract(Frozen):
    """Its running subscriptions together."""

    plans: tuple[str, ...] = ()
    seats: int | None = None
    arr: float | None = Field(default=None, description="a year's recurring revenue, in the source's one currency")
    renews_on: date | None = Field(default=None, description="the nearest end of a term")
    auto_renew: bool | None = None
    notice_for: date | None = Field(default=None, description="the day a cancellation already known takes effect")


class RiskPoint(Frozen):
    """One night's probability."""

    as_of: date
    probability: Probability


class RiskFacts(Frozen):
    """One risk and what the nights before said of it; tonight's probability and reasons come with the flag."""

    risk: str
    title: str = Field(description="what is predicted, e.g. 'Churn within 90 days'")
    history: tuple[RiskPoint, ...] = Field(default=(), description="earlier nights, oldest first")
    usual: Probability | None = Field(default=None, description="how often it happens to accounts in general")
    quality: tuple[str, ...] = Field(
        default=(), description="what to mind about tonight's score, e.g. a feed that is late"
    )


class Ticket(Frozen):
    """A support ticket at the cutoff."""

    ticket_id: str
    opened_on: date
    subject: str | None = None
    category: str | None = None
    priority: str | None = None
    state: str = Field(default="open", description="open, solved, closed, or as the source calls it")
    escalated: bool = False
    last_words: str | None = Field(default=None, description="the newest comment, else the ticket's own text")
    last_words_by: Literal["customer", "agent", "system"] | None = None
    last_words_on: date | None = None


class UsageLine(Frozen):
    """A measure of use, a value a week for the twelve weeks that end at the cutoff, oldest first; None: no data."""

    name: str
    title: str = Field(description="e.g. 'Active users'")
    unit: str = Field(description="e.g. 'users a week'")
    weeks: Line


class HealthPoint(Frozen):
    """A health score of the CRM; ``adjusted`` where the rescue team's own correction is in it."""

    measured_on: date
    score: Annotated[float, Field(ge=0, le=100)]
    adjusted: bool = False


class Invoice(Frozen):
    """An invoice that is not paid at the cutoff."""

    invoice_id: str
    issued_on: date
    due_on: date | None = None
    amount: float


class PastRescue(Frozen):
    """What the team did before, and what came of it."""

    decided_on: date
    risk: str
    action: str
    verdict: str | None = None


class Standing(Frozen):
    """Where the account stood at an earlier hand-off, to tell what has changed since."""

    as_of: date
    probabilities: dict[str, Probability]
    arr: float | None = None
    renews_on: date | None = None
    owner: str | None = None
    health: float | None = None
    tickets_open: int | None = None
    overdue: float | None = None


class Facts(Frozen):
    """Everything the package is made of beside the flag itself.

    ``tickets`` are the last three by opening, newest first; ``tickets_open`` counts all that are open, None where
    there is no source of tickets. ``says`` tells each of the flag's triggers in words. ``before`` is the
    :meth:`Standing` of the account's last hand-off. ``gaps`` names what could not be looked at ("no usage data").
    """

    binding: Binding
    account: Account
    contract: Contract = Contract()
    currency: str = ""
    risks: tuple[RiskFacts, ...] = ()
    tickets: Annotated[tuple[Ticket, ...], Field(max_length=3)] = ()
    tickets_open: Annotated[int, Field(ge=0)] | None = None
    usage: tuple[UsageLine, ...] = ()
    health: tuple[HealthPoint, ...] = Field(default=(), description="oldest first")
    invoices: tuple[Invoice, ...] = Field(default=(), description="not paid at the cutoff, oldest first")
    rescues: tuple[PastRescue, ...] = Field(default=(), description="newest first")
    before: Standing | None = None
    says: dict[str, str] = Field(default_factory=dict)
    gaps: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _nothing_later(self) -> Self:
        """A package must not know the future: each dated fact has to lie before the cutoff."""
        cutoff = self.binding.as_of
        dated = [
            *(("ticket", ticket.ticket_id, ticket.opened_on) for ticket in self.tickets),
            *(("health score", "", point.measured_on) for point in self.health),
            *(("invoice", invoice.invoice_id, invoice.issued_on) for invoice in self.invoices),
            *(("rescue", rescue.action, rescue.decided_on) for rescue in self.rescues),
        ]
        for what, which, day in dated:
            if day >= cutoff:
                raise ValueError(f"the {what} {which} of {day} is not before the cutoff {cutoff}")
        return self
