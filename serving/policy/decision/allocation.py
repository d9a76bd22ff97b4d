"""What becomes of each candidate that the screening left (:mod:`serving.policy.decision.screening`), in the order of
work.

The hold-out is taken out before capacity applies. All others are routed by skill, and either get one of the squad's
places tonight or wait with a rank.

A cancellation takes no place and never waits: it is known, and it has a date.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from serving.contracts import AlarmKind, Flag, Lane, RoutingReason
from serving.policy.decision.candidate_flags import CandidateFlags
from serving.policy.decision.candidates import Candidate, NightInputs
from serving.policy.decision.enrolment import EnrolmentList
from serving.policy.decision.holdout import HoldoutAssignment, first_exemption
from serving.policy.decision.open_cases import OpenCases
from serving.policy.decision.routing import Route, RoutingRequest, SquadCapacity, route
from serving.policy.decision.screening import Screening
from serving.policy.detection.triggers import evaluate_conditions
from serving.policy.state.queue_state import Enrolment, Exemption, HeldOut, RaisedAgain, Suppressed


@dataclass
class Allocation:
    """The result, each list in the order of work."""

    flags: list[Flag] = field(default_factory=list)
    raised_again: list[RaisedAgain] = field(default_factory=list)
    waiting: list[Flag] = field(default_factory=list)
    suppressed: list[Suppressed] = field(default_factory=list)
    held_out: list[HeldOut] = field(default_factory=list)
    exempted: list[Exemption] = field(default_factory=list)
    enrolments: list[Enrolment] = field(default_factory=list)


FirstGroups = Mapping[tuple[str, str], str | None]
"""The group of the first reason, by account and risk."""


def allocate(screened: Screening, inputs: NightInputs, holdout: HoldoutAssignment, reasons: FirstGroups) -> Allocation:
    """Allocate the candidates that are left, in order."""
    allocator = _Allocator(screened, inputs, holdout, reasons)
    for candidate in screened.left:
        allocator.allocate(candidate)
    allocator.result.enrolments = allocator.enrolments.rows
    return allocator.result


class _Allocator:
    def __init__(
        self, screened: Screening, inputs: NightInputs, holdout: HoldoutAssignment, reasons: FirstGroups
    ) -> None:
        accounts, policy = inputs.accounts, inputs.policy
        self.rules, self.holdout = policy.rules, holdout
        self.result = Allocation(raised_again=screened.raised_again, suppressed=screened.suppressed)
        self.flags = CandidateFlags(inputs)
        self.capacity = SquadCapacity(self.rules, inputs.queue.squad_load())
        self.routes: dict[RoutingRequest, Route] = {}
        self.assigned: Counter[tuple[str, Lane]] = Counter()
        self.groups: dict[tuple[str, str], tuple[list[Flag], int]] = {}
        self.open = OpenCases(inputs.queue, accounts, self.rules)
        self.exempt = evaluate_conditions(accounts, policy.conditions.exempt)
        self.enrolments = EnrolmentList(inputs, holdout, self.exempt)
        self.regions, self.tickets = accounts.texts("region"), accounts.texts("ticket_category")
        self.reasons = reasons

    def allocate(self, candidate: Candidate) -> None:
        """Hold a candidate out, or give it a place or a rank."""
        if self.capacity.has_place(self._route(candidate).squads):
            self.enrolments.add(candidate)
        if not self._hold_out(candidate):
            self._assign(candidate, self.rules.family(candidate.detection.risk))

    def _hold_out(self, candidate: Candidate) -> bool:
        if not self.holdout.is_held_out(candidate.place):
            return False
        risk = candidate.detection.risk
        known = None if candidate.kind is AlarmKind.RISK else str(candidate.kind)
        if rule := known or first_exemption(self.exempt, candidate.place):
            self.result.exempted.append(Exemption(candidate.account_id, risk, rule))
            return False
        unit, stratum = self.holdout.unit(candidate.place)
        self.result.held_out.append(
            HeldOut(
                candidate.account_id,
                unit,
                risk,
                stratum,
                candidate.effective_probability,
                candidate.priority,
            )
        )
        return True

    def _assign(self, candidate: Candidate, family: str) -> None:
        squads, reason = self._route(candidate)
        if candidate.kind is AlarmKind.CANCELLATION:
            squad = min(squads, key=lambda name: self.assigned[name, Lane.LEAVING])
            self._add(self.result.flags, candidate, squad, Lane.LEAVING, reason)
        elif not self._joined(candidate, family):
            taken = self.capacity.take(squads)
            lane = Lane.AT_RISK if taken else Lane.WAITING
            flags = self.result.flags if taken else self.result.waiting
            self._add(flags, candidate, taken or squads[0], lane, reason)
            if group := self.open.group(candidate.place):
                self.groups[group, family] = (flags, len(flags) - 1)

    def _add(self, flags: list[Flag], candidate: Candidate, squad: str, lane: Lane, reason: RoutingReason) -> None:
        self.assigned[squad, lane] += 1
        flags.append(self.flags.of(candidate, squad, self.assigned[squad, lane], reason, lane))

    def _joined(self, candidate: Candidate, family: str) -> bool:
        """Add the candidate to the case that another account of its group gets tonight, where there is one."""
        leading = self.groups.get((self.open.group(candidate.place) or "", family))
        if leading is None:
            return False
        flags, place = leading
        flags[place] = replace(flags[place], members=(*flags[place].members, candidate.account_id))
        return True

    def _route(self, candidate: Candidate) -> Route:
        risk, place = candidate.detection.risk, candidate.place
        request = RoutingRequest(
            risk,
            self.regions[place],
            candidate.vip,
            candidate.triggers,
            self.reasons.get((candidate.account_id, risk)),
            self.tickets[place],
            candidate.kind,
        )
        if request not in self.routes:  # few different requests, many accounts
            self.routes[request] = route(request, self.rules)
        return self.routes[request]
