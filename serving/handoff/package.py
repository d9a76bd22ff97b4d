"""The hand-off package: everything that a person needs to begin a rescue, frozen when the case opens.

It is bound to the score, the model, the policy and the cutoff that it was built from, and has a schema version, so that
packages of earlier versions can still be read (:mod:`serving.handoff.versions`). The same facts and flag give the same
bytes. JSON is the package; Markdown and HTML (:mod:`serving.handoff.render`) are renderings of it.
"""

import json
from collections.abc import Mapping
from datetime import date
from statistics import fmean, median
from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from serving.contracts import RoutingCode
from serving.handoff.facts import (
    AccountFacts,
    AccountState,
    Binding,
    ContractFacts,
    Evidence,
    Frozen,
    HealthPoint,
    HorizonPoint,
    Invoice,
    PastRescue,
    Probability,
    RiskPoint,
    Ticket,
    WeeklyUsage,
    WeeklyValues,
    of_main_source,
)
from serving.handoff.record_links import RecordLink
from serving.handoff.versions import upgrade_package

HANDOFF_SCHEMA_VERSION: Final = "2.3"


class ReasonFact(Frozen):
    """A reason for the risk, as a sentence with its dated fact; ``strength`` in log-odds."""

    group: str
    feature: str
    sentence: str
    strength: float
    weak: bool = Field(description="was not stable over refits")


class CounterfactualFact(Frozen):
    """A change that would lower the risk, and the probability before and after it."""

    sentence: str
    before: Probability
    after: Probability


class RiskCard(Frozen):
    """One risk tonight, its history and its reasons."""

    risk: str
    title: str
    probability: Probability | None = Field(description="None: not scored tonight")
    base_rate: Probability | None
    history: tuple[RiskPoint, ...]
    curve: tuple[HorizonPoint, ...] | None = Field(
        default=None, description="probability of the event by horizon, shortest first"
    )
    quality: tuple[str, ...]
    reasons: tuple[ReasonFact, ...]
    counterfactuals: tuple[CounterfactualFact, ...]

    @property
    def reasons_by_weight(self) -> list[ReasonFact]:
        """The reasons as readers see their list: the strongest first, and what lowers the risk last."""
        return sorted(self.reasons, key=lambda reason: -reason.strength)


class TriggerFact(Frozen):
    """A trigger of the policy that fired, with its message."""

    name: str
    message: str


class RoutingFact(Frozen):
    """Why the squad got the case: a code with its parameters, and the sentence."""

    code: RoutingCode | None = Field(default=None, description="None in packages of schema 1.0, which had no codes")
    skill: str = ""
    subject: str = ""
    unserved_region: str = ""
    text: str


class UpliftFact(Frozen):
    """What the priority was computed with in place of probability × save rate."""

    lowers_by: float = Field(description="by how much a rescue is expected to lower the probability: 0.1 is ten points")
    model_version: str = Field(description="version of the uplift model")


class CaseFacts(Frozen):
    """The case as the policy opened or raised it."""

    risk: str
    severity: str
    squad: str
    routing: RoutingFact
    priority: float
    at_stake: float | None = Field(description="revenue at stake; None where it is unknown")
    triggers: tuple[TriggerFact, ...]
    uplift: UpliftFact | None = Field(
        default=None, description="None where the priority is computed with probability × save rate"
    )

    @property
    def uplift_text(self) -> str:
        """What the priority was computed with, as a sentence; empty for probability × save rate."""
        if self.uplift is None:
            return ""
        return (
            f"Computed with the uplift: a rescue is expected to lower the {self.risk.replace('_', ' ')} risk by "
            f"{100 * self.uplift.lowers_by:.0f} points (uplift model {self.uplift.model_version})."
        )


class UsageFact(Frozen):
    """A usage measure: its last four weeks against the eight weeks before.

    ``normal`` is the median of the first eight weeks, ``now`` the mean of the last four, ``change`` the ratio of the
    two minus one; None where there are no data for it, or the normal is zero.
    """

    name: str
    title: str
    unit: str
    weeks: WeeklyValues
    now: float | None
    normal: float | None
    change: float | None

    @classmethod
    def of(cls, usage: WeeklyUsage) -> Self:
        """Compute the level of the eight weeks before, the present one, and the change."""
        early = [value for value in usage.weeks[:8] if value is not None]
        late = [value for value in usage.weeks[8:] if value is not None]
        normal, now = median(early) if early else None, fmean(late) if late else None
        change = now / normal - 1 if now is not None and normal else None
        return cls(**usage.model_dump(), now=now, normal=normal, change=change)


class SuggestedPlaybook(Frozen):
    """The suggested playbook, and why it was selected."""

    name: str
    title: str
    why: str
    steps: tuple[str, ...]


class Handoff(Frozen):
    """The package."""

    schema_version: Literal["1.0", "2.0", "2.1", "2.2", "2.3"] = Field(
        default=HANDOFF_SCHEMA_VERSION, description="the version in which it was written"
    )
    headline: str
    binding: Binding
    case: CaseFacts
    account: AccountFacts
    contract: ContractFacts
    currency: str
    why_now: tuple[str, ...] = Field(
        default=(), description="what happened, in sentences that can be said to the customer; since schema 2.1"
    )
    evidence: tuple[Evidence, ...] = Field(
        default=(), description="the customer's own words in tickets, newest first; since schema 2.1"
    )
    risks: tuple[RiskCard, ...]
    playbook: SuggestedPlaybook
    previous_handoff_on: date | None = Field(description="the previous hand-off, which `changes` compares with")
    changes: tuple[str, ...]
    tickets: tuple[Ticket, ...]
    tickets_open: int | None
    usage: tuple[UsageFact, ...]
    health: tuple[HealthPoint, ...]
    invoices: tuple[Invoice, ...]
    rescues: tuple[PastRescue, ...]
    links: tuple[RecordLink, ...] = Field(default=(), description="the account in other systems; since schema 2.3")
    gaps: tuple[str, ...]

    @model_validator(mode="before")
    @classmethod
    def _of_any_version(cls, content: Any) -> Any:
        return upgrade_package(content) if isinstance(content, Mapping) else content

    @property
    def revenue(self) -> float | None:
        """Recurring revenue per year of the contracts; without contracts, what was invoiced within a year."""
        return self.contract.arr if self.contract.arr is not None else self.case.at_stake or None

    @property
    def main_health(self) -> tuple[HealthPoint, ...]:
        """The health scores that can be compared with each other, oldest first."""
        return of_main_source(self.health)

    def to_json(self) -> str:
        """The package as JSON, the same bytes for the same package."""
        return self.model_dump_json(indent=2)

    @property
    def account_state(self) -> AccountState:
        """The state of the account at this hand-off, which the next one is compared with."""
        known = {card.risk: card.probability for card in self.risks if card.probability is not None}
        return AccountState(
            as_of=self.binding.as_of,
            probabilities=known,
            arr=self.contract.arr,
            renews_on=self.contract.renews_on,
            owner=self.account.owner,
            health=self.main_health[-1].score if self.main_health else None,
            tickets_open=self.tickets_open,
            overdue=overdue_amount(self.invoices, self.binding.as_of),
        )


def handoff_schema() -> str:
    """The JSON Schema of the package: ``docs/handoff.schema.json``."""
    return json.dumps(Handoff.model_json_schema(mode="serialization"), indent=2, sort_keys=True) + "\n"


def overdue_amount(invoices: tuple[Invoice, ...], cutoff: date) -> float:
    """The amount of the unpaid invoices that were due before the cutoff, as far as it is in the package's currency."""
    due = [invoice for invoice in invoices if invoice.due_on is not None and invoice.due_on < cutoff]
    return sum(invoice.amount for invoice in due if invoice.amount is not None and invoice.currency is None)
