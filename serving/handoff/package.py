"""The hand-off package: everything a person needs to begin a rescue, built once when the case opens, then frozen.

It is bound to the score, the model, the policy and the cutoff it was made from, and carries a schema version, so that a
package of last year can still be read and explained. The same facts and flag give the same bytes. JSON is the
package; Markdown and HTML (:mod:`serving.handoff.render`) only show it.
"""

import json
from datetime import date
from statistics import fmean, median
from typing import Final, Literal, Self

from pydantic import Field

from models.contracts import Reason
from serving.contracts import Flag
from serving.handoff.changes import changes_since
from serving.handoff.facts import (
    Account,
    Binding,
    Contract,
    Facts,
    Frozen,
    HealthPoint,
    Invoice,
    Line,
    PastRescue,
    Probability,
    RiskPoint,
    Standing,
    Ticket,
    UsageLine,
)
from serving.handoff.playbooks import suggest

SCHEMA_VERSION: Final = "1.0"
LAST_WORDS = 600
"""Characters of a ticket's last words that are kept; the ticket itself has the rest."""


class ReasonFact(Frozen):
    """Why the risk is what it is, as a sentence with its dated fact; ``strength`` in log-odds."""

    group: str
    feature: str
    sentence: str
    strength: float
    weak: bool = Field(description="did not survive refits: tell it with reserve")


class WhatIf(Frozen):
    """What would have to change, and what the risk would then be."""

    sentence: str
    before: Probability
    after: Probability


class RiskCard(Frozen):
    """One risk tonight, how it came here, and why."""

    risk: str
    title: str
    probability: Probability | None = Field(description="None: not scored tonight")
    usual: Probability | None
    history: tuple[RiskPoint, ...]
    quality: tuple[str, ...]
    reasons: tuple[ReasonFact, ...]
    what_if: tuple[WhatIf, ...]


class TriggerFact(Frozen):
    """A trigger of the policy that fired, in words."""

    name: str
    says: str


class Raised(Frozen):
    """Why this is on somebody's desk: the policy's side of it."""

    risk: str
    severity: str
    squad: str
    routed: str
    priority: float
    at_stake: float
    triggers: tuple[TriggerFact, ...]


class Metric(Frozen):
    """A measure of use against the account's own normal.

    ``normal`` is the median of the first eight weeks, ``now`` the mean of the last four, ``change`` the ratio of the
    two less one; None where there are no data for it, or the normal is zero.
    """

    name: str
    title: str
    unit: str
    weeks: Line
    now: float | None
    normal: float | None
    change: float | None

    @classmethod
    def of(cls, line: UsageLine) -> Self:
        """Reckon what is normal for this account and how it is now."""
        early = [value for value in line.weeks[:8] if value is not None]
        late = [value for value in line.weeks[8:] if value is not None]
        normal, now = median(early) if early else None, fmean(late) if late else None
        change = now / normal - 1 if now is not None and normal else None
        return cls(**line.model_dump(), now=now, normal=normal, change=change)


class SuggestedPlay(Frozen):
    """How one could begin, and why so."""

    name: str
    title: str
    why: str
    steps: tuple[str, ...]


class Handoff(Frozen):
    """The package."""

    schema_version: Literal["1.0"] = SCHEMA_VERSION
    headline: str
    binding: Binding
    raised: Raised
    account: Account
    contract: Contract
    currency: str
    risks: tuple[RiskCard, ...]
    play: SuggestedPlay
    since: date | None = Field(description="the hand-off before this one, which `changes` compares with")
    changes: tuple[str, ...]
    tickets: tuple[Ticket, ...]
    tickets_open: int | None
    usage: tuple[Metric, ...]
    health: tuple[HealthPoint, ...]
    invoices: tuple[Invoice, ...]
    rescues: tuple[PastRescue, ...]
    gaps: tuple[str, ...]

    @property
    def revenue(self) -> float | None:
        """The contracts' revenue a year; without contracts, what was invoiced in a year, as the night reckoned."""
        return self.contract.arr if self.contract.arr is not None else self.raised.at_stake or None

    @classmethod
    def build(cls, flag: Flag, facts: Facts) -> Self:
        """Build the package of a flag; see :func:`build`."""
        play, why = suggest(flag.risk, (flag.reasons or {}).get(flag.risk, ()), facts.contract.notice_for)
        package = cls(
            headline=_headline(flag, facts),
            binding=facts.binding,
            raised=_raised(flag, facts),
            account=facts.account,
            contract=facts.contract,
            currency=facts.currency,
            risks=_risks(flag, facts),
            play=SuggestedPlay(name=play.name, title=play.title, why=why, steps=play.steps),
            since=None,
            changes=(),
            tickets=tuple(_clipped(ticket) for ticket in facts.tickets),
            tickets_open=facts.tickets_open,
            usage=tuple(Metric.of(line) for line in facts.usage),
            health=facts.health,
            invoices=facts.invoices,
            rescues=facts.rescues,
            gaps=facts.gaps,
        )
        return package._compared_with(facts.before) if facts.before else package

    def to_json(self) -> str:
        """The package as JSON, the same bytes for the same package."""
        return self.model_dump_json(indent=2)

    @property
    def standing(self) -> Standing:
        """Where the account stood at this hand-off: what the next one compares with."""
        known = {card.risk: card.probability for card in self.risks if card.probability is not None}
        return Standing(
            as_of=self.binding.as_of,
            probabilities=known,
            arr=self.contract.arr,
            renews_on=self.contract.renews_on,
            owner=self.account.owner,
            health=self.health[-1].score if self.health else None,
            tickets_open=self.tickets_open,
            overdue=overdue(self.invoices, self.binding.as_of),
        )

    def _compared_with(self, before: Standing) -> Self:
        changes = changes_since(before, self.standing)
        return self.model_copy(update={"since": before.as_of, "changes": changes})


def build(flag: Flag, facts: Facts) -> Handoff:
    """The package of a flag: what the policy decided, joined with what is known of the account."""
    return Handoff.build(flag, facts)


def handoff_schema() -> str:
    """The JSON Schema of the package: ``docs/handoff.schema.json``."""
    return json.dumps(Handoff.model_json_schema(mode="serialization"), indent=2, sort_keys=True) + "\n"


def overdue(invoices: tuple[Invoice, ...], cutoff: date) -> float:
    """The amount of unpaid invoices that were due before the cutoff."""
    return sum(invoice.amount for invoice in invoices if invoice.due_on is not None and invoice.due_on < cutoff)


def _headline(flag: Flag, facts: Facts) -> str:
    name = facts.account.name or facts.account.account_id
    probability = flag.probabilities.get(flag.risk)
    risk = f"{flag.risk} risk {probability:.0%}" if probability is not None else None
    reasons = (flag.reasons or {}).get(flag.risk, ())
    first = next((reason.sentence for reason in reasons if reason.strength > 0), None)
    first = first or next((facts.says.get(name, name) for name in flag.triggers), None)
    said = [part for part in (risk, first) if part] or [f"{flag.risk} risk not scored"]
    return f"{name}: {'; '.join(said)}"


def _raised(flag: Flag, facts: Facts) -> Raised:
    return Raised(
        risk=flag.risk,
        severity=flag.severity,
        squad=flag.squad,
        routed=flag.routed,
        priority=flag.priority,
        at_stake=flag.at_stake,
        triggers=tuple(TriggerFact(name=name, says=facts.says.get(name, name)) for name in flag.triggers),
    )


def _risks(flag: Flag, facts: Facts) -> tuple[RiskCard, ...]:
    """A card for each risk that facts tell of, the flag's own first."""
    ordered = sorted(facts.risks, key=lambda risk: (risk.risk != flag.risk, risk.risk))
    return tuple(
        RiskCard(
            **risk.model_dump(),
            probability=flag.probabilities.get(risk.risk),
            reasons=tuple(_reason(reason) for reason in (flag.reasons or {}).get(risk.risk, ())),
            what_if=tuple(
                WhatIf(sentence=change.sentence, before=change.before, after=change.after)
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


def _clipped(ticket: Ticket) -> Ticket:
    words = ticket.last_words
    if words is None or len(words) <= LAST_WORDS:
        return ticket
    return ticket.model_copy(update={"last_words": words[: LAST_WORDS - 1].rstrip() + "…"})
