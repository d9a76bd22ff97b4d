"""The hand-off package: everything that a person needs to begin a rescue, built once when the case opens, then frozen.

It is bound to the score, the model, the policy and the cutoff that it was built from, and has a schema version, so that
packages of earlier versions can still be read (:mod:`serving.handoff.versions`). The same facts and flag give the same
bytes. JSON is the package; Markdown and HTML (:mod:`serving.handoff.render`) are renderings of it.
"""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from statistics import fmean, median
from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from models.contracts import Reason
from serving.contracts import AlarmKind, Flag, RoutingCode, routing_text
from serving.handoff.changes import changes_since
from serving.handoff.facts import (
    AccountFacts,
    AccountState,
    Binding,
    ContractFacts,
    Evidence,
    Facts,
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
from serving.handoff.playbooks import Suggestion, default_playbooks, suggest_playbook
from serving.handoff.record_links import RecordLink
from serving.handoff.versions import upgrade_package
from serving.handoff.why_now import why_now

HANDOFF_SCHEMA_VERSION: Final = "2.3"
MOST_EVIDENCE = 8
"""So many quotes are included; the tickets have the rest."""
ASKED_DAYS = 28
"""What a customer asked for in so many days is still to be answered."""
LAST_WORDS = 600
"""Characters of a ticket's last comment that are included; the ticket itself has the rest."""


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
    """A usage measure against the account's own normal level.

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
        """Compute the normal level, the present one, and the change."""
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


def build(flag: Flag, facts: Facts) -> Handoff:
    """The package of a flag: the policy's decision joined with the facts about the account."""
    reasons = (flag.reasons or {}).get(flag.risk, ())
    package = Handoff(
        headline=_headline(flag, facts),
        binding=facts.binding,
        case=_case(flag, facts),
        account=facts.account,
        contract=facts.contract,
        currency=facts.currency,
        why_now=why_now(flag, facts),
        evidence=facts.evidence[:MOST_EVIDENCE],
        risks=_risks(flag, facts),
        playbook=_playbook(
            suggest_playbook(
                flag.risk,
                reasons,
                facts.contract.notice_for,
                facts.contract.partial_loss_on if AlarmKind.PARTIAL_LOSS in flag.alarms else None,
            ),
            facts,
        ),
        previous_handoff_on=None,
        changes=(),
        tickets=tuple(_shortened(ticket) for ticket in facts.tickets),
        tickets_open=facts.tickets_open,
        usage=tuple(UsageFact.of(usage) for usage in facts.usage),
        health=facts.health,
        invoices=facts.invoices,
        rescues=facts.rescues,
        links=facts.links,
        gaps=facts.gaps,
    )
    if facts.previous is None:
        return package
    changes = changes_since(facts.previous, package.account_state, facts.currency)
    return package.model_copy(update={"previous_handoff_on": facts.previous.as_of, "changes": changes})


def handoff_schema() -> str:
    """The JSON Schema of the package: ``docs/handoff.schema.json``."""
    return json.dumps(Handoff.model_json_schema(mode="serialization"), indent=2, sort_keys=True) + "\n"


def overdue_amount(invoices: tuple[Invoice, ...], cutoff: date) -> float:
    """The amount of the unpaid invoices that were due before the cutoff, as far as it is in the package's currency."""
    due = [invoice for invoice in invoices if invoice.due_on is not None and invoice.due_on < cutoff]
    return sum(invoice.amount for invoice in due if invoice.amount is not None and invoice.currency is None)


def _headline(flag: Flag, facts: Facts) -> str:
    """The account, the probability, and the first reason, else the first trigger, else why now.

    Where the customer has cancelled, that is the headline, whatever else happened.
    """
    account = facts.account.name or facts.account.account_id
    risk = f"{flag.risk.replace('_', ' ')} risk"
    probability = flag.probabilities.get(flag.risk)
    reasons = (flag.reasons or {}).get(flag.risk, ())
    causes = [reason.sentence for reason in reasons if reason.strength > 0]
    causes += [facts.trigger_messages.get(name, name) for name in flag.triggers]
    if probability is None:
        now = why_now(flag, facts)[:1]
        why = (*now, *causes) if facts.contract.notice_for else (*causes, *now)
        return f"{account}: {next(iter(why), f'{risk} not scored')}"
    return "; ".join([f"{account}: {risk} {probability:.0%}", *causes[:1]])


def _case(flag: Flag, facts: Facts) -> CaseFacts:
    messages = facts.trigger_messages
    routing = flag.routing
    return CaseFacts(
        risk=flag.risk,
        severity=flag.severity,
        squad=flag.squad,
        routing=RoutingFact(
            code=routing.code,
            skill=routing.skill,
            subject=routing.subject,
            unserved_region=routing.unserved_region,
            text=routing_text(routing, messages),
        ),
        priority=flag.priority,
        at_stake=flag.at_stake or 0.0,
        triggers=tuple(TriggerFact(name=name, message=messages.get(name, name)) for name in flag.triggers),
        uplift=_uplift(flag, facts),
    )


def _uplift(flag: Flag, facts: Facts) -> UpliftFact | None:
    if flag.uplift is None:
        return None
    return UpliftFact(lowers_by=round(flag.uplift, 6), model_version=facts.uplift_models.get(flag.risk, ""))


def _risks(flag: Flag, facts: Facts) -> tuple[RiskCard, ...]:
    """A card for each risk of the facts, the flag's own first."""
    ordered = sorted(facts.risks, key=lambda risk: (risk.risk != flag.risk, risk.risk))
    return tuple(
        RiskCard(
            **risk.model_dump(),
            probability=flag.probabilities.get(risk.risk),
            reasons=tuple(_reason(reason) for reason in (flag.reasons or {}).get(risk.risk, ())),
            counterfactuals=tuple(
                CounterfactualFact(sentence=change.sentence, before=change.before, after=change.after)
                for change in (flag.changes or {}).get(risk.risk, ())
            ),
        )
        for risk in ordered
    )


def _reason(reason: Reason) -> ReasonFact:
    return ReasonFact(
        group=reason.group,
        feature=reason.feature,
        sentence=reason.sentence,
        strength=reason.strength,
        weak=reason.weak,
    )


def _playbook(suggestion: Suggestion, facts: Facts) -> SuggestedPlaybook:
    """The playbook; what the customer asked for in the last four weeks is its first step."""
    playbook, since = suggestion.playbook, facts.binding.as_of - timedelta(days=ASKED_DAYS)
    asked = {evidence.kind for evidence in facts.evidence if evidence.written_on >= since}
    first = [step for kind, step in default_playbooks().selection.first_steps.items() if kind in asked]
    steps = (*first, *playbook.steps)
    return SuggestedPlaybook(name=suggestion.name, title=playbook.title, why=suggestion.text(), steps=steps)


def _shortened(ticket: Ticket) -> Ticket:
    words = ticket.last_words
    if words is None or len(words) <= LAST_WORDS:
        return ticket
    return ticket.model_copy(update={"last_words": words[: LAST_WORDS - 1].rstrip() + "…"})
