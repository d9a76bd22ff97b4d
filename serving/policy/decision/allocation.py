"""What becomes of each candidate, one after the other in the order of work.

A candidate with an open case is raised again in it when its risk rose, and never gets a second case. One that is
cooling down, or whose priority is below the minimum, is suppressed. The hold-out is taken out before capacity applies.
All others are routed by skill, and either get one of the squad's places tonight or wait with a rank.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import isnan
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from serving.contracts import Flag, RoutingCode, RoutingReason
from serving.policy.decision.account_table import AccountTable, Numbers
from serving.policy.decision.detection import RankedCandidates, RiskDetection
from serving.policy.decision.holdout import HoldoutAssignment, first_exemption
from serving.policy.decision.priority import revenue_at_stake
from serving.policy.decision.queue_state import (
    Exemption,
    HeldOut,
    OpenCase,
    QueueState,
    RaiseCode,
    RaisedAgain,
    RaiseReason,
    Suppressed,
    SuppressionCode,
)
from serving.policy.decision.routing import Route, RoutingRequest, SquadCapacity, route
from serving.policy.decision.triggers import evaluate_conditions
from serving.policy.definition.policy_file import Policy

_VIP = "\0vip"
"""The key of the VIP condition among those of the severities: no severity can have this name."""


@dataclass
class Allocation:
    """The result, each list in the order of work."""

    flags: list[Flag] = field(default_factory=list)
    raised_again: list[RaisedAgain] = field(default_factory=list)
    waiting: list[Flag] = field(default_factory=list)
    suppressed: list[Suppressed] = field(default_factory=list)
    held_out: list[HeldOut] = field(default_factory=list)
    exempted: list[Exemption] = field(default_factory=list)


class Candidate(NamedTuple):
    """One candidate: the place of its account, the risk it was detected for, its priority and its severity."""

    place: int
    account_id: str
    detection: RiskDetection
    priority: float
    effective_probability: float
    severity: str
    vip: bool


class NightInputs(NamedTuple):
    """Everything that the allocation reads besides the candidates."""

    detections: Sequence[RiskDetection]
    accounts: AccountTable
    queue: QueueState
    policy: Policy
    as_of: date


def allocate(ranked: RankedCandidates, inputs: NightInputs) -> Allocation:
    """Allocate the candidates in order, and list the accounts that were above a threshold for too few nights."""
    allocator = _Allocator(inputs)
    for candidate in _with_severity(ranked, inputs.accounts, inputs.policy):
        allocator.allocate(candidate)
    for detection in inputs.detections:
        allocator.suppress_rising(detection)
    return allocator.result


def _with_severity(ranked: RankedCandidates, accounts: AccountTable, policy: Policy) -> list[Candidate]:
    """Give each candidate the first severity whose condition holds, but at least that of its triggers."""
    conditions = dict(policy.conditions.severities)
    if policy.conditions.vip:
        conditions[_VIP] = policy.conditions.vip
    subset = accounts.take(ranked.place)
    at_stake = pa.array(revenue_at_stake(subset, policy.rules.priority))
    probability = pa.array(ranked.effective_probability)
    table = subset.table.append_column("probability", probability).append_column("at_stake", at_stake)
    holds = evaluate_conditions(AccountTable(table), conditions)
    vips = holds.pop(_VIP, np.zeros(len(ranked), dtype=np.bool_))
    names = [row.name for row in policy.rules.severities]
    candidates = []
    for index, (place, detection) in enumerate(zip(ranked.place.tolist(), ranked.detections, strict=True)):
        by_condition = next((rank for rank, name in enumerate(names[:-1]) if holds[name][index]), len(names) - 1)
        by_trigger = (policy.rules.triggers[name].severity for name in detection.triggers_at(place))
        ranks = [by_condition, *(policy.rules.rank_of(severity) for severity in by_trigger if severity)]
        candidates.append(
            Candidate(
                place,
                accounts.account_ids[place],
                detection,
                float(ranked.priority[index]),
                float(ranked.effective_probability[index]),
                names[min(ranks)],
                bool(vips[index]),
            )
        )
    return candidates


class _Allocator:
    def __init__(self, inputs: NightInputs) -> None:
        self.detections, accounts, queue, policy, self.as_of = inputs
        self.rules, self.account_ids = policy.rules, accounts.account_ids
        self.result = Allocation()
        self.capacity = SquadCapacity(self.rules, queue.squad_load())
        self.routes: dict[RoutingRequest, Route] = {}
        self.flagged_by_squad: Counter[str] = Counter()
        self.waiting_by_squad: Counter[str] = Counter()
        self.open = {(case.account_id, self.rules.family(case.risk)): case for case in queue.open_cases}
        self.cooling_down = self._cooling_down(queue)
        self.holdout = HoldoutAssignment(accounts, self.rules.holdout)
        self.exempt = evaluate_conditions(accounts, policy.conditions.exempt)
        self.regions, self.tickets = accounts.texts("region"), accounts.texts("ticket_category")
        self.reasons = {found.risk: accounts.texts(f"reason_group_{found.risk}") for found in self.detections}
        self.revenue: Numbers = np.nan_to_num(accounts.numbers("arr"))

    def _cooling_down(self, queue: QueueState) -> dict[tuple[str, str], date]:
        """The day from which an account and family can have a new case, for those that cool down."""
        cooling_down: dict[tuple[str, str], date] = {}
        for closed in queue.cooldowns:
            until = closed.closed_on + timedelta(days=self.rules.cooldown_days(closed.risk))
            key = (closed.account_id, self.rules.family(closed.risk))
            if until > max(self.as_of, cooling_down.get(key, self.as_of)):
                cooling_down[key] = until
        return cooling_down

    def allocate(self, candidate: Candidate) -> None:
        """Allocate one candidate; the order of the checks is part of the policy."""
        key = (candidate.account_id, self.rules.family(candidate.detection.risk))
        minimum = self.rules.priority.minimum
        below = minimum is not None and candidate.priority < minimum
        if case := self.open.get(key):
            self._raise_again(candidate, case)
        elif until := self.cooling_down.get(key):
            self._suppress(candidate, SuppressionCode.COOLING_DOWN, until=until)
        elif below and not candidate.detection.alone[candidate.place]:
            self._suppress(candidate, SuppressionCode.BELOW_MINIMUM, priority=candidate.priority, minimum=minimum)
        elif not self._hold_out(candidate):
            self._assign(candidate)

    def suppress_rising(self, detection: RiskDetection) -> None:
        """List the accounts at or above the threshold that have not been there for enough nights."""
        required = self.rules.risks[detection.risk].enter_nights
        nights = detection.hysteresis.above
        for place in np.flatnonzero((nights > 0) & ~detection.detected).tolist():
            self.result.suppressed.append(
                Suppressed(
                    self.account_ids[place],
                    detection.risk,
                    SuppressionCode.TOO_FEW_NIGHTS,
                    nights=int(nights[place]),
                    nights_required=required,
                )
            )

    def _suppress(
        self,
        candidate: Candidate,
        code: SuppressionCode,
        *,
        case_id: str | None = None,
        until: date | None = None,
        priority: float | None = None,
        minimum: float | None = None,
    ) -> None:
        risk = candidate.detection.risk
        self.result.suppressed.append(Suppressed(candidate.account_id, risk, code, case_id, until, priority, minimum))

    def _raise_again(self, candidate: Candidate, case: OpenCase) -> None:
        code = self._raise_code(candidate, case)
        if code is None:
            self._suppress(candidate, SuppressionCode.OPEN_CASE, case_id=case.case_id)
            return
        probability = self._current_probability(candidate)
        reason = RaiseReason(code, case.severity, candidate.severity, case.probability, probability)
        flag = self._flag(candidate, case.squad, 0, RoutingReason(RoutingCode.OPEN_CASE))
        self.result.raised_again.append(RaisedAgain(case.case_id, flag, reason))

    def _raise_code(self, candidate: Candidate, case: OpenCase) -> RaiseCode | None:
        if self.rules.rank_of(candidate.severity) < self.rules.rank_of(case.severity):
            return RaiseCode.SEVERITY
        if candidate.detection.risk != case.risk or case.probability is None:
            return None
        rise = round(self._current_probability(candidate) - case.probability, 9)
        return RaiseCode.PROBABILITY if rise >= self.rules.risks[case.risk].worsen_by else None

    def _current_probability(self, candidate: Candidate) -> float:
        scored = float(candidate.detection.probability[candidate.place])
        return candidate.effective_probability if isnan(scored) else scored

    def _hold_out(self, candidate: Candidate) -> bool:
        if not self.holdout.is_held_out(candidate.place):
            return False
        risk = candidate.detection.risk
        if rule := first_exemption(self.exempt, candidate.place):
            self.result.exempted.append(Exemption(candidate.account_id, risk, rule))
            return False
        unit = self.holdout.units[candidate.place]
        stratum = self.holdout.strata[unit]
        self.result.held_out.append(
            HeldOut(candidate.account_id, unit, risk, stratum, candidate.effective_probability, candidate.priority)
        )
        return True

    def _assign(self, candidate: Candidate) -> None:
        squads, reason = self._route(candidate)
        squad = self.capacity.take(squads)
        ranks = self.flagged_by_squad if squad else self.waiting_by_squad
        flags = self.result.flags if squad else self.result.waiting
        name = squad or squads[0]
        ranks[name] += 1
        flags.append(self._flag(candidate, name, ranks[name], reason))

    def _route(self, candidate: Candidate) -> Route:
        risk, place = candidate.detection.risk, candidate.place
        triggers = candidate.detection.triggers_at(place)
        request = RoutingRequest(
            risk, self.regions[place], candidate.vip, triggers, self.reasons[risk][place], self.tickets[place]
        )
        if request not in self.routes:  # few different requests, many accounts
            self.routes[request] = route(request, self.rules)
        return self.routes[request]

    def _flag(self, candidate: Candidate, squad: str, rank: int, routing: RoutingReason) -> Flag:
        place = candidate.place
        probabilities = ((found.risk, float(found.probability[place])) for found in self.detections)
        return Flag(
            account_id=candidate.account_id,
            as_of=self.as_of,
            risk=candidate.detection.risk,
            probabilities={risk: value for risk, value in probabilities if not isnan(value)},
            priority=candidate.priority,
            squad=squad,
            rank=rank,
            at_stake=float(self.revenue[place]),
            triggers=candidate.detection.triggers_at(place),
            severity=candidate.severity,
            routing=routing,
            effective_probability=candidate.effective_probability,
        )
