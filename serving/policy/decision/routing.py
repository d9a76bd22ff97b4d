"""Assigns a case to a squad by the skill that it needs.

The skill comes from the first of these that names one: the VIP rule; the cancellation or partial loss; the trigger that
fired; the group of the first reason; the category of the last ticket; the risk. Of the squads with that skill, those
that serve the account's region and speak its language can take the case, in the order of the policy file; the first
with capacity left gets it. Where no such squad exists, the fallback squad gets it, and the reason records that.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from serving.contracts import AlarmKind, RoutingCode, RoutingReason
from serving.policy.definition.policy_schema import PolicyFile


class RoutingRequest(NamedTuple):
    """What is known of an account and its risk when its case is routed."""

    risk: str
    region: str | None = None
    vip: bool = False
    triggers: tuple[str, ...] = ()
    reason_group: str | None = None
    ticket_category: str | None = None
    kind: AlarmKind = AlarmKind.RISK


class Route(NamedTuple):
    """The squads that can take a case, in order of preference, and why."""

    squads: tuple[str, ...]
    reason: RoutingReason


def route(request: RoutingRequest, rules: PolicyFile) -> Route:
    """The squads that can take this case, never empty."""
    reason = _reason(request, rules)
    if reason.code is RoutingCode.FALLBACK:
        return Route((rules.routing.fallback,), reason)
    skilled = (name for name, squad in rules.squads.items() if reason.skill in squad.skills)
    squads = tuple(name for name in skilled if _serves(name, request.region, rules))
    if squads:
        return Route(squads, reason)
    unserved = RoutingReason(reason.code, reason.skill, reason.subject, request.region or "")
    return Route((rules.routing.fallback,), unserved)


def _reason(request: RoutingRequest, rules: PolicyFile) -> RoutingReason:
    return next(_reasons(request, rules), RoutingReason(RoutingCode.FALLBACK))


def _reasons(request: RoutingRequest, rules: PolicyFile) -> Iterator[RoutingReason]:
    """What names a skill for the case, the strongest first."""
    routing = rules.routing
    if request.vip and routing.vip is not None:
        yield RoutingReason(RoutingCode.VIP, routing.vip.skill)
    if request.kind is AlarmKind.CANCELLATION and rules.cancellations.skill:
        yield RoutingReason(RoutingCode.CANCELLATION, rules.cancellations.skill)
    if request.kind is AlarmKind.PARTIAL_LOSS and rules.partial_losses.skill:
        yield RoutingReason(RoutingCode.PARTIAL_LOSS, rules.partial_losses.skill)
    for name in request.triggers:
        if skill := rules.triggers[name].skill:
            yield RoutingReason(RoutingCode.TRIGGER, skill, name)
    if skill := routing.reasons.get(request.reason_group or ""):
        yield RoutingReason(RoutingCode.REASON, skill, request.reason_group or "")
    if skill := routing.ticket_categories.get(request.ticket_category or ""):
        yield RoutingReason(RoutingCode.TICKET, skill, request.ticket_category or "")
    rule = rules.risks.get(request.risk)
    if rule and rule.skill:
        yield RoutingReason(RoutingCode.RISK, rule.skill, request.risk)


def _serves(name: str, region: str | None, rules: PolicyFile) -> bool:
    squad = rules.squads[name]
    if region is None:
        return True
    language = rules.routing.languages.get(region)
    speaks = not squad.languages or language is None or language in squad.languages
    return (not squad.regions or region in squad.regions) and speaks


class SquadCapacity:
    """How many more cases each squad can take tonight, by squad (``free``); ``take`` uses one place."""

    def __init__(self, rules: PolicyFile, load: Mapping[str, int]) -> None:
        """Each squad's nightly capacity, or less where its open cases (``load``) approach ``max_open``."""
        self.free: dict[str, int] = {}
        for name, squad in rules.squads.items():
            left = squad.capacity if squad.max_open is None else squad.max_open - load.get(name, 0)
            self.free[name] = max(0, min(squad.capacity, left))

    def has_place(self, squads: Sequence[str]) -> bool:
        """Whether one of these squads has capacity left."""
        return any(self.free[name] > 0 for name in squads)

    def take(self, squads: Sequence[str]) -> str | None:
        """The first of these squads with capacity left, which is then one less; None where all are full."""
        for name in squads:
            if self.free[name] > 0:
                self.free[name] -= 1
                return name
        return None
