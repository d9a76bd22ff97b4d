"""The facts about an account on the night on which its case opens: the input of the hand-off package.

The pipelines fill them from a snapshot of the history at the cutoff and from the queue's earlier nights; serving never
reads the history itself. Everything is as of the cutoff. An unknown value is ``None`` or empty, never an estimate, and
the package names the sources that are missing.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from features.unit_text import window_text
from serving.handoff.record_links import RecordLink, WebAddress

WEEKS = 12
"""Weeks of usage in a hand-off."""

Probability = Annotated[float, Field(ge=0, le=1)]
WeeklyValues = Annotated[tuple[float | None, ...], Field(min_length=WEEKS, max_length=WEEKS)]


class Frozen(BaseModel):
    """A part of the package: unknown fields are refused, values cannot be changed, numbers are finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Binding(Frozen):
    """What the package was built from, so that it can be explained later."""

    as_of: date = Field(description="the cutoff: the package contains nothing of this day or later")
    data_until: datetime | None = Field(description="when the newest row that was read became known, in UTC")
    policy_version: str = Field(description="content hash of the policy that raised the case")
    models: dict[str, str] = Field(description="risk -> version of the model that scored it")
    catalogue_version: str = Field(default="", description="content hash of the definitions of the features")


class AccountFacts(Frozen):
    """The account."""

    account_id: str
    name: str | None = None
    parent_id: str | None = Field(default=None, description="the group it belongs to")
    segment: str | None = None
    industry: str | None = None
    region: str | None = None
    owner: str | None = Field(default=None, description="its customer success manager")
    customer_since: date | None = None
    source: str | None = Field(default=None, description="the system that it is from; since schema 2.3")
    url: WebAddress = Field(default=None, description="its page in that system; since schema 2.3")


class ContractFacts(Frozen):
    """The active subscriptions of the account, taken together."""

    plans: tuple[str, ...] = ()
    seats: int | None = None
    arr: float | None = Field(default=None, description="recurring revenue per year, in the currency of the source")
    renews_on: date | None = Field(default=None, description="the nearest end of a term")
    auto_renew: bool | None = None
    notice_for: date | None = Field(default=None, description="the day on which a received cancellation takes effect")
    notice_known_on: date | None = Field(default=None, description="the day on which the cancellation became known")
    renewal_overdue_days: int | None = Field(
        default=None, description="days since a renewal date that has passed without a new one"
    )
    partial_loss_share: float | None = Field(
        default=None, description="share of the revenue that ends while other contracts go on"
    )
    partial_loss_on: date | None = Field(default=None, description="the day on which the first part of it ends")


class HorizonPoint(Frozen):
    """The probability that the event occurs in the ``days`` that follow the first ``after`` days, given none before."""

    days: Annotated[int, Field(gt=0)]
    probability: Probability
    after: int = Field(default=0, ge=0, description="days after the night from which it counts: the lead of the risk")

    @property
    def window(self) -> str:
        """The days in words: "within 30 days", or "between 7 and 37 days after the night"."""
        return window_text(self.after, self.days)

    @property
    def span(self) -> str:
        """The days as the head of a column: "30", or "7 to 37"."""
        return f"{self.after} to {self.last}" if self.after else f"{self.days}"

    @property
    def last(self) -> int:
        """The last day of it, counted from the night."""
        return self.after + self.days


class RiskPoint(Frozen):
    """One night's probability."""

    as_of: date
    probability: Probability


class RiskFacts(Frozen):
    """One risk and its earlier probabilities; tonight's probability and reasons come with the flag."""

    risk: str
    title: str = Field(description="what is predicted, for example 'Churn within 90 days'")
    history: tuple[RiskPoint, ...] = Field(default=(), description="earlier nights, oldest first")
    base_rate: Probability | None = Field(default=None, description="mean probability of all scored accounts")
    curve: tuple[HorizonPoint, ...] | None = Field(
        default=None, description="probability of the event by horizon, shortest first; absent where it is not known"
    )
    quality: tuple[str, ...] = Field(
        default=(), description="warnings about tonight's score, for example a feed that is late"
    )

    @model_validator(mode="after")
    def _cumulative(self) -> Self:
        """A longer horizon cannot have a lower probability."""
        pairs = pairwise(self.curve or ())
        if any(
            longer.days <= shorter.days or longer.probability < shorter.probability - 1e-9 for shorter, longer in pairs
        ):
            raise ValueError(f"the curve of {self.risk} has to increase with its horizons")
        return self


class Ticket(Frozen):
    """A support ticket as of the cutoff."""

    ticket_id: str
    opened_on: date
    subject: str | None = None
    category: str | None = None
    priority: str | None = None
    state: str = Field(default="open", description="open, solved, closed, or the source's own value")
    escalated: bool = False
    last_words: str | None = Field(default=None, description="the newest comment, else the text of the ticket")
    last_words_by: Literal["customer", "agent", "system"] | None = None
    last_words_on: date | None = None
    source: str | None = Field(default=None, description="the system that it is from; since schema 2.3")
    url: WebAddress = Field(default=None, description="its page in that system; since schema 2.3")


class Evidence(Frozen):
    """A customer's own words in a ticket, found by phrases and independent of the models."""

    ticket_id: str
    written_on: date
    kind: str = Field(
        description="asks_to_cancel, asks_to_export, names_competitor, asks_for_manager, threatens, blocked"
    )
    language: str
    quote: str = Field(max_length=160)


class WeeklyUsage(Frozen):
    """A usage measure, one value per week for the twelve weeks before the cutoff, oldest first; None: no data."""

    name: str
    title: str = Field(description="for example 'Active users'")
    unit: str = Field(description="for example 'users per week'")
    weeks: WeeklyValues


class HealthPoint(Frozen):
    """A health score of the CRM; ``adjusted`` where it contains an adjustment by the rescue team."""

    measured_on: date
    score: Annotated[float, Field(ge=0, le=100)]
    adjusted: bool = False
    source: str | None = Field(default=None, description="what measured it, where the account has several sources")
    url: WebAddress = Field(default=None, description="its page in that system; since schema 2.3")


def of_main_source(points: Sequence[HealthPoint]) -> tuple[HealthPoint, ...]:
    """The scores of the source that measured most often, and the adjustments of the team.

    Two sources measure different things: 50 of one after 75 of the other is no fall.
    """
    counts = Counter(point.source for point in points if not point.adjusted)
    main = max(sorted(counts, key=str), key=lambda source: counts[source], default=None)
    return tuple(point for point in points if point.adjusted or point.source == main)


class Invoice(Frozen):
    """An invoice that is unpaid at the cutoff."""

    invoice_id: str
    issued_on: date
    due_on: date | None = None
    amount: float | None = Field(description="null where its currency has no rate")
    currency: str | None = Field(default=None, description="its currency, where that is not the package's")
    source: str | None = Field(default=None, description="the system that it is from; since schema 2.3")
    url: WebAddress = Field(default=None, description="its page in that system; since schema 2.3")


class PastRescue(Frozen):
    """An earlier rescue of the account, and its outcome."""

    decided_on: date
    risk: str
    action: str
    verdict: str | None = None


class AccountState(Frozen):
    """The state of the account at a hand-off, which the next hand-off is compared with."""

    as_of: date
    probabilities: dict[str, Probability]
    arr: float | None = None
    renews_on: date | None = None
    owner: str | None = None
    health: float | None = None
    tickets_open: int | None = None
    overdue: float | None = None


class Facts(Frozen):
    """Everything that the package is built from besides the flag.

    ``tickets`` are the last three by opening, newest first; ``tickets_open`` counts all open tickets, None where
    there is no source of tickets. ``trigger_messages`` has the sentence of each of the policy's triggers by name.
    ``previous`` is the state of the account at its previous hand-off. ``gaps`` names what is missing, for example
    "no usage data".
    """

    binding: Binding
    account: AccountFacts
    contract: ContractFacts = ContractFacts()
    currency: str = ""
    risks: tuple[RiskFacts, ...] = ()
    tickets: Annotated[tuple[Ticket, ...], Field(max_length=3)] = ()
    tickets_open: Annotated[int, Field(ge=0)] | None = None
    evidence: tuple[Evidence, ...] = Field(default=(), description="from the tickets of 90 days, newest first")
    usage: tuple[WeeklyUsage, ...] = ()
    health: tuple[HealthPoint, ...] = Field(default=(), description="oldest first")
    invoices: tuple[Invoice, ...] = Field(default=(), description="unpaid at the cutoff, oldest first")
    rescues: tuple[PastRescue, ...] = Field(default=(), description="newest first")
    previous: AccountState | None = None
    trigger_messages: dict[str, str] = Field(default_factory=dict)
    uplift_models: dict[str, str] = Field(default_factory=dict, description="risk -> version of its uplift model")
    links: tuple[RecordLink, ...] = Field(default=(), description="the account in other systems")
    gaps: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _nothing_later(self) -> Self:
        """No leakage: each dated fact has to lie before the cutoff."""
        cutoff = self.binding.as_of
        dated = [
            *(("ticket", ticket.ticket_id, ticket.opened_on) for ticket in self.tickets),
            *(("evidence in ticket", item.ticket_id, item.written_on) for item in self.evidence),
            *(("health score", "", point.measured_on) for point in self.health),
            *(("invoice", invoice.invoice_id, invoice.issued_on) for invoice in self.invoices),
            *(("rescue", rescue.action, rescue.decided_on) for rescue in self.rescues),
        ]
        for what, which, day in dated:
            if day >= cutoff:
                raise ValueError(f"the {what} {which} of {day} is not before the cutoff {cutoff}")
        return self
