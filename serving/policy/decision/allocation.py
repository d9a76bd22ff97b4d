"""What becomes of each candidate, one after the other in the order of work.

An excluded account gets no case. A candidate with an open case is raised again in it when it has an alarm that the case
does not contain or when its risk rose, and never gets a second case. One whose alarms all cool down, that rests after a
loss, or whose priority is below the minimum is suppressed. The hold-out is taken out before capacity applies. All
others are routed by skill, and either get one of the squad's places tonight or wait with a rank.

A cancellation takes no place and never waits: it is known, and it has a date.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import isnan
from typing import Any

import numpy as np

from serving.contracts import AlarmKind, Flag, Lane, RoutingCode, RoutingReason
from serving.policy.decision.candidates import Candidate, NightInputs
from serving.policy.decision.contract_endings import ContractEndings
from serving.policy.decision.cooldown import CoolingDown
from serving.policy.decision.enrolment import EnrolmentList
from serving.policy.decision.holdout import HoldoutAssignment, first_exemption
from serving.policy.decision.open_cases import OpenCases, join_raises
from serving.policy.decision.routing import Route, RoutingRequest, SquadCapacity, route
from serving.policy.detection.contract_alarms import day_after
from serving.policy.detection.detection import Detection, RiskDetection
from serving.policy.detection.exclusion import Exclusions
from serving.policy.detection.triggers import evaluate_conditions
from serving.policy.state.queue_state import (
    Enrolment,
    Exemption,
    HeldOut,
    OpenCase,
    RaiseCode,
    RaisedAgain,
    RaiseReason,
    Suppressed,
    SuppressionCode,
)


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


def allocate(
    candidates: Iterable[Candidate],
    inputs: NightInputs,
    exclusions: Exclusions,
    holdout: HoldoutAssignment,
    reasons: FirstGroups,
) -> Allocation:
    """Allocate the candidates in order, and list the accounts with a cause that raises no case yet."""
    allocator = _Allocator(inputs, exclusions, holdout, reasons)
    for candidate in candidates:
        allocator.allocate(candidate)
    for detection in inputs.risks:
        allocator.suppress_rising(detection)
    allocator.suppress_small()
    allocator.result.enrolments = allocator.enrolments.rows
    return allocator.result


class _Allocator:
    def __init__(
        self, inputs: NightInputs, exclusions: Exclusions, holdout: HoldoutAssignment, reasons: FirstGroups
    ) -> None:
        accounts, queue, policy = inputs.accounts, inputs.queue, inputs.policy
        self.inputs, self.accounts, self.as_of, self.rules = inputs, accounts, inputs.as_of, policy.rules
        self.excluded, self.holdout = exclusions.rules, holdout
        self.result = Allocation()
        self.capacity = SquadCapacity(self.rules, queue.squad_load())
        self.routes: dict[RoutingRequest, Route] = {}
        self.assigned: Counter[tuple[str, Lane]] = Counter()
        self.groups: dict[tuple[str, str], tuple[list[Flag], int]] = {}
        self.listed: set[tuple[str, str]] = set()
        self.raised: dict[str, int] = {}
        self.shares = accounts.numbers("partial_loss_share")
        self.open = OpenCases(queue, accounts, self.rules)
        self.endings = ContractEndings(accounts, inputs.as_of)
        self.cooling = CoolingDown(queue, self.rules, inputs.as_of, self.endings)
        self.exempt = evaluate_conditions(accounts, policy.conditions.exempt)
        self.enrolments = EnrolmentList(inputs, holdout, self.exempt)
        self.statuses = accounts.texts("contract_status")
        self.regions, self.tickets = accounts.texts("region"), accounts.texts("ticket_category")
        self.reasons = reasons

    def allocate(self, candidate: Candidate) -> None:
        """Allocate one candidate; the order of the checks is part of the policy."""
        family, minimum = self.rules.family(candidate.detection.risk), self.rules.priority.minimum
        certain = candidate.kind is AlarmKind.CANCELLATION
        if rule := self.excluded.get(candidate.place):
            self._suppress(candidate, SuppressionCode.EXCLUDED, rule=rule)
        elif case := self.open.of_account(candidate.account_id, family, any_family=certain):
            self._raise_again(candidate, case)
        elif self._rests(candidate, family):
            pass
        elif candidate.priority < minimum:
            self._suppress(candidate, SuppressionCode.BELOW_MINIMUM, priority=candidate.priority, minimum=minimum)
        elif not certain and (case := self.open.of_group(candidate.place, family)):
            self._suppress(candidate, SuppressionCode.GROUP_CASE, case_id=case.case_id)
        else:
            if self.capacity.has_place(self._route(candidate).squads):
                self.enrolments.add(candidate)
            if not self._hold_out(candidate):
                self._assign(candidate, family)

    def suppress_rising(self, detection: RiskDetection) -> None:
        """List the accounts at or above the threshold that have not been there for enough nights."""
        required = self.rules.risks[detection.risk].enter_nights
        nights = detection.hysteresis.above
        for place in np.flatnonzero((nights > 0) & ~detection.detected).tolist():
            account = self.accounts.account_ids[place]
            rising = Suppressed(account, detection.risk, SuppressionCode.TOO_FEW_NIGHTS, nights=int(nights[place]))
            self._list_once(rising._replace(nights_required=required))

    def suppress_small(self) -> None:
        """List the parts of contracts that end and are not worth a case."""
        for detection in self.inputs.detections:
            for place in np.flatnonzero(detection.small).tolist():
                account, value = self.accounts.account_ids[place], float(np.nan_to_num(detection.priority[place]))
                small = Suppressed(account, detection.risk, SuppressionCode.BELOW_MINIMUM, priority=value)
                minimum = self.rules.priority.minimum
                self._list_once(small._replace(minimum=minimum, alarms=(str(detection.kind),)))

    def _list_once(self, suppressed: Suppressed) -> None:
        """Record why an account gets no case for a risk: only the first reason, as the candidates come first."""
        key = (suppressed.account_id, suppressed.risk)
        if key not in self.listed:
            self.listed.add(key)
            self.result.suppressed.append(suppressed)

    def _suppress(self, candidate: Candidate, code: SuppressionCode, **parameters: Any) -> None:
        plain = Suppressed(candidate.account_id, candidate.detection.risk, code, alarms=candidate.alarms)
        self._list_once(plain._replace(**parameters))

    def _rests(self, candidate: Candidate, family: str) -> bool:
        """Suppress a candidate that rests after a loss, or without an alarm that is news."""
        account = candidate.account_id
        if rest := self.cooling.rest_after_loss(account, self.statuses[candidate.place], candidate.alarms):
            self._suppress(candidate, SuppressionCode.LOST, until=rest.until)
            return True
        until = [self.cooling.until(account, family, code) for code in candidate.alarms]
        days = [day for day in until if day is not None]
        if not days or len(days) < len(until):
            return False
        self._suppress(candidate, SuppressionCode.COOLING_DOWN, until=max(days))
        return True

    def _raise_again(self, candidate: Candidate, case: OpenCase) -> None:
        news = tuple(code for code in candidate.alarms if self._is_news(case, code))
        code = RaiseCode.ALARM if news else self._worse(candidate, case)
        if code is None:
            self._suppress(candidate, SuppressionCode.OPEN_CASE, case_id=case.case_id)
            return
        worse = min(candidate.severity, case.severity, key=self.rules.rank_of)
        now = self._current_probability(candidate)
        reason = RaiseReason(code, case.severity, worse, case.probability, now, news)
        lane = Lane.LEAVING if candidate.kind is AlarmKind.CANCELLATION else Lane.AT_RISK
        flag = self._flag(candidate, case.squad, 0, RoutingReason(RoutingCode.OPEN_CASE), lane)
        if self.rules.family(flag.risk) != self.rules.family(case.risk):
            flag = replace(flag, risk=case.risk)  # a cancellation in the case of another family
        self._add_raise(RaisedAgain(case.case_id, replace(flag, severity=worse), reason))

    def _is_news(self, case: OpenCase, code: str) -> bool:
        """Whether the case does not contain the alarm, or only the end of another contract."""
        return not self.open.contains(case, code) or self.endings.is_new(
            case.account_id, code, case.alarm_nights.get(code)
        )

    def _add_raise(self, again: RaisedAgain) -> None:
        """A case is raised once a night: the causes of two families are joined, and a cancellation leads."""
        place = self.raised.setdefault(again.case_id, len(self.result.raised_again))
        if place == len(self.result.raised_again):
            self.result.raised_again.append(again)
        else:
            self.result.raised_again[place] = join_raises(self.result.raised_again[place], again, self.rules)

    def _worse(self, candidate: Candidate, case: OpenCase) -> RaiseCode | None:
        """How the account is worse within the alarms of its case."""
        if self.rules.rank_of(candidate.severity) < self.rules.rank_of(case.severity):
            return RaiseCode.SEVERITY
        now = self._current_probability(candidate)
        if candidate.detection.risk != case.risk or case.probability is None or now is None:
            return None
        rise = round(now - case.probability, 9)
        return RaiseCode.PROBABILITY if rise >= self.rules.risks[case.risk].worsen_by else None

    def _current_probability(self, candidate: Candidate) -> float | None:
        found = candidate.detection
        scored = float(found.probability[candidate.place]) if isinstance(found, RiskDetection) else float("nan")
        effective = None if isnan(candidate.effective_probability) else candidate.effective_probability
        return effective if isnan(scored) else scored

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
        flags.append(self._flag(candidate, squad, self.assigned[squad, lane], reason, lane))

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

    def _flag(self, candidate: Candidate, squad: str, rank: int, routing: RoutingReason, lane: Lane) -> Flag:
        place, found = candidate.place, candidate.detection
        probabilities = ((risk.risk, float(risk.probability[place])) for risk in self.inputs.risks)
        stake, share = found.revenue.known[place], self.shares[place]
        ends = day_after(self.as_of, found.days[place]) if found.kind is not AlarmKind.RISK else None
        return Flag(
            account_id=candidate.account_id,
            as_of=self.as_of,
            risk=found.risk,
            probabilities={risk: value for risk, value in probabilities if not isnan(value)},
            priority=candidate.priority,
            squad=squad,
            rank=rank,
            at_stake=None if isnan(stake) else float(stake),
            triggers=candidate.triggers,
            severity=candidate.severity,
            routing=routing,
            effective_probability=None if isnan(candidate.effective_probability) else candidate.effective_probability,
            alarms=candidate.alarms,
            lane=lane,
            estimated_revenue=float(found.revenue.estimated[place]) if isnan(stake) else None,
            ends_on=ends,
            loss_share=None if isnan(share) else float(share),
            uplift=_known_uplift(found, place),
        )


def _known_uplift(found: Detection, place: int) -> float | None:
    """By how much a rescue lowers the probability, where the priority was computed with it."""
    if not isinstance(found, RiskDetection) or isnan(found.uplift[place]):
        return None
    return float(found.uplift[place])
