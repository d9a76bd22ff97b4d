"""What crosses from the policy to the queue and the hand-off: flagged accounts, and why a squad got each of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from models.contracts import Change, Reason


class Lane(StrEnum):
    """The part of the queue that a case is in: the model's risks, the received cancellations, or no place tonight."""

    AT_RISK = "at_risk"
    LEAVING = "leaving"
    WAITING = "waiting"


class AlarmKind(StrEnum):
    """What raises a case: a risk that was entered, a trigger, the end of a contract that is known, or a person."""

    RISK = "risk"
    TRIGGER = "trigger"
    CANCELLATION = "cancellation"
    PARTIAL_LOSS = "partial_loss"
    PERSON = "person"


class Alarm(NamedTuple):
    """One cause of a case. ``name`` is that of the risk or trigger; the ends of contracts have none.

    Its text is stored and compared: ``risk:churn``, ``trigger:pays_late``, ``cancellation``, ``partial_loss``.
    """

    kind: AlarmKind
    name: str = ""

    @property
    def code(self) -> str:
        """The text of the alarm."""
        return f"{self.kind}:{self.name}" if self.name else str(self.kind)

    @classmethod
    @cache  # few different codes, many candidates
    def parse(cls, code: str) -> "Alarm":
        """The alarm of a text; ``ValueError`` for a kind that does not exist."""
        kind, _, name = code.partition(":")
        return cls(AlarmKind(kind), name)


def is_predicted(alarms: Collection[str]) -> bool:
    """Whether a case with these first alarms is a prediction: a known end of a contract is a fact.

    Neither is a case that a person opened a prediction: the policy did not select its account, and it took part in no
    draw of the hold-out. A case of an early version has no recorded alarms: it is a prediction.
    """
    kinds = {Alarm.parse(code).kind for code in alarms}
    return not kinds & {AlarmKind.CANCELLATION, AlarmKind.PERSON} and kinds != {AlarmKind.PARTIAL_LOSS}


class RoutingCode(StrEnum):
    """What decided which squad gets a case."""

    VIP = "vip"
    CANCELLATION = "cancellation"
    PARTIAL_LOSS = "partial_loss"
    TRIGGER = "trigger"
    REASON = "reason"
    TICKET = "ticket"
    RISK = "risk"
    FALLBACK = "fallback"
    OPEN_CASE = "open_case"
    PERSON = "person"


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
    """An account that the policy assigns to a squad tonight, with its rank in that squad's lane (from 1).

    ``probabilities`` and ``reasons`` are by risk; ``alarms`` are the codes of all alarms that hold tonight, and
    ``triggers`` the names of the triggers among them. ``at_stake`` is the recurring revenue in the source's currency,
    or the revenue that ends where a cancellation or a partial loss leads the case; None where it is unknown, and then
    ``estimated_revenue`` is what the priority was computed with. ``severity`` is the name of one of the policy's
    severities. ``effective_probability`` is the probability that the priority was computed with; a case that a
    cancellation or a partial loss leads has none. ``ends_on`` is the day on which that revenue ends, and
    ``loss_share`` its share of the account's revenue in a partial loss. ``members`` are the other accounts of the
    group that the case covers. ``uplift`` is by how much a rescue is expected to lower the probability, where the
    priority was computed with it; None where it was computed with probability × save rate.
    """

    account_id: str
    as_of: date
    risk: str
    probabilities: dict[str, float]
    priority: float
    squad: str
    rank: int
    at_stake: float | None
    triggers: tuple[str, ...] = ()
    reasons: dict[str, tuple[Reason, ...]] | None = None
    changes: dict[str, tuple[Change, ...]] | None = None
    severity: str = ""
    routing: RoutingReason = RoutingReason(RoutingCode.FALLBACK)
    effective_probability: float | None = None
    alarms: tuple[str, ...] = ()
    lane: Lane = Lane.AT_RISK
    estimated_revenue: float | None = None
    ends_on: date | None = None
    loss_share: float | None = None
    members: tuple[str, ...] = ()
    uplift: float | None = None

    @property
    def probability(self) -> float | None:
        """The probability of the flag's own risk; ``effective_probability`` where it was not scored tonight."""
        return self.probabilities.get(self.risk, self.effective_probability)


def routing_text(reason: RoutingReason, trigger_messages: Mapping[str, str]) -> str:
    """Why the squad got the case, as a sentence without its full stop; a trigger is described by its message."""
    skill = _spaced(reason.skill)
    subject = _spaced(reason.subject)
    message = trigger_messages.get(reason.subject, subject).rstrip(".")
    sentence = {
        RoutingCode.VIP: "VIP account",
        RoutingCode.CANCELLATION: f"Routed by the skill {skill}: the customer has cancelled",
        RoutingCode.PARTIAL_LOSS: f"Routed by the skill {skill}: a part of the contract ends",
        RoutingCode.TRIGGER: f"Routed by the skill {skill}: {message}",
        RoutingCode.REASON: f"Routed by the skill {skill}: the first reason is {subject}",
        RoutingCode.TICKET: f"Routed by the skill {skill}: the last ticket is about {subject}",
        RoutingCode.RISK: f"Routed by the skill {skill}: the risk is {subject}",
        RoutingCode.FALLBACK: "Routed to the fallback squad: nothing asks for a particular skill",
        RoutingCode.OPEN_CASE: "Stays with the squad of its open case",
        RoutingCode.PERSON: f"Chosen by {reason.subject}, who opened the case",
    }[reason.code]
    if reason.unserved_region:
        return f"{sentence}; no squad with this skill serves {reason.unserved_region}, so the fallback squad got it"
    return sentence


def _spaced(name: str) -> str:
    """A name of the policy's or of the source's, such as ``how_to``, with spaces."""
    return name.replace("_", " ")
