"""What crosses from the policy to the queue and the hand-off: flagged accounts, and why a squad got each of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from models.contracts import Change, Reason


class RoutingCode(StrEnum):
    """What decided which squad gets a case."""

    VIP = "vip"
    TRIGGER = "trigger"
    REASON = "reason"
    TICKET = "ticket"
    RISK = "risk"
    FALLBACK = "fallback"
    OPEN_CASE = "open_case"


@dataclass(frozen=True)
class RoutingReason:
    """Why a squad got a case, as data; :func:`routing_text` is its sentence.

    ``skill`` is the skill that the case was routed by. ``subject`` is what determined that skill, by ``code``: the name
    of a trigger, a group of reasons, a ticket category, or a risk. ``unserved_region`` is the account's region where
    no squad with the skill serves it, so that the fallback squad got the case.
    """

    code: RoutingCode
    skill: str = ""
    subject: str = ""
    unserved_region: str = ""


@dataclass(frozen=True)
class Flag:
    """An account that the policy assigns to a squad tonight, with its rank in that squad's queue (from 1).

    ``probabilities`` and ``reasons`` are by risk; ``triggers`` are the names of the policy's triggers that fired;
    ``at_stake`` is the recurring revenue in the source's currency; ``severity`` is the name of one of the policy's
    severities. ``effective_probability`` is the probability that the priority was computed with: an account that a
    trigger raised without a score has one too.
    """

    account_id: str
    as_of: date
    risk: str
    probabilities: dict[str, float]
    priority: float
    squad: str
    rank: int
    at_stake: float
    triggers: tuple[str, ...] = ()
    reasons: dict[str, tuple[Reason, ...]] | None = None
    changes: dict[str, tuple[Change, ...]] | None = None
    severity: str = ""
    routing: RoutingReason = RoutingReason(RoutingCode.FALLBACK)
    effective_probability: float = 0.0

    @property
    def probability(self) -> float:
        """The probability of the flag's own risk; ``effective_probability`` where it was not scored tonight."""
        return self.probabilities.get(self.risk, self.effective_probability)


def routing_text(reason: RoutingReason, trigger_messages: Mapping[str, str]) -> str:
    """Why the squad got the case, as a sentence without its full stop; a trigger is described by its message."""
    skill = _spaced(reason.skill)
    subject = _spaced(reason.subject)
    message = trigger_messages.get(reason.subject, subject).rstrip(".")
    sentence = {
        RoutingCode.VIP: "VIP account",
        RoutingCode.TRIGGER: f"Routed by the skill {skill}: {message}",
        RoutingCode.REASON: f"Routed by the skill {skill}: the first reason is {subject}",
        RoutingCode.TICKET: f"Routed by the skill {skill}: the last ticket is about {subject}",
        RoutingCode.RISK: f"Routed by the skill {skill}: the risk is {subject}",
        RoutingCode.FALLBACK: "Routed to the fallback squad: nothing asks for a particular skill",
        RoutingCode.OPEN_CASE: "Stays with the squad of its open case",
    }[reason.code]
    if reason.unserved_region:
        return f"{sentence}; no squad with this skill serves {reason.unserved_region}, so the fallback squad got it"
    return sentence


def _spaced(name: str) -> str:
    """A name of the policy's or of the source's, such as ``how_to``, with spaces."""
    return name.replace("_", " ")
