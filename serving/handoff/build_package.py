"""Build the hand-off package of a case from the policy's decision and the facts about the account.

The same facts and flag give the same bytes.
"""

from datetime import timedelta

from models.contracts import Reason
from serving.contracts import AlarmKind, Flag, routing_text
from serving.handoff.changes import changes_since
from serving.handoff.facts import Facts, Ticket
from serving.handoff.first_reason import first_reason
from serving.handoff.package import (
    CaseFacts,
    CounterfactualFact,
    Handoff,
    ReasonFact,
    RiskCard,
    RoutingFact,
    SuggestedPlaybook,
    TriggerFact,
    UpliftFact,
    UsageFact,
)
from serving.handoff.playbooks import Suggestion, default_playbooks, suggest_playbook
from serving.handoff.why_now import ASKED_DAYS, why_now

MOST_EVIDENCE = 8
"""So many quotes are included; the tickets have the rest."""
LAST_WORDS = 600
"""Characters of a ticket's last comment that are included; the ticket itself has the rest."""


def build_package(flag: Flag, facts: Facts) -> Handoff:
    """The package of a flag: the policy's decision joined with the facts about the account."""
    reasons = (flag.reasons or {}).get(flag.risk, ())
    package = Handoff(
        headline="",
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
    update: dict[str, object] = {"headline": _headline(flag, package)}
    if facts.previous is not None:
        changes = changes_since(facts.previous, package.account_state, facts.currency)
        update |= {"previous_handoff_on": facts.previous.as_of, "changes": changes}
    return package.model_copy(update=update)


def _headline(flag: Flag, package: Handoff) -> str:
    """The account, the probability, and the first reason; where the customer has cancelled, that is the headline."""
    account = package.account.name or package.account.account_id
    risk, probability = f"{flag.risk.replace('_', ' ')} risk", flag.probabilities.get(flag.risk)
    cause = first_reason(package.model_dump(include={"case", "contract", "risks", "why_now"}))
    if probability is None:
        cause = package.why_now[0] if package.contract.notice_for else cause
        return f"{account}: {cause or f'{risk} not scored'}"
    return "; ".join(filter(None, [f"{account}: {risk} {probability:.0%}", cause]))


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
        at_stake=flag.at_stake,
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
