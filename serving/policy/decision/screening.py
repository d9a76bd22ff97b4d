"""Which candidates are left for the squads, before anybody is explained: the others are raised again or get no case.

An excluded account gets no case. A candidate with an open case is raised again in it when it has an alarm that the case
does not contain or when its risk rose, and never gets a second case. One whose alarms all cool down, that rests after a
loss, or whose priority is below the minimum is suppressed. None of this depends on the reasons of an account, so it is
done once a night, although the candidates that are left may be allocated twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import isnan
from typing import Any

import numpy as np

from serving.contracts import AlarmKind, Lane, RoutingCode, RoutingReason
from serving.policy.decision.candidate_flags import CandidateFlags
from serving.policy.decision.candidates import Candidate, NightInputs
from serving.policy.decision.contract_endings import ContractEndings
from serving.policy.decision.cooldown import CoolingDown
from serving.policy.decision.open_cases import OpenCases, join_raises
from serving.policy.detection.contract_alarms import day_after
from serving.policy.detection.detection import RiskDetection
from serving.policy.detection.exclusion import Exclusions
from serving.policy.state.queue_state import (
    OpenCase,
    RaiseCode,
    RaisedAgain,
    RaiseReason,
    Suppressed,
    SuppressionCode,
)


@dataclass
class Screening:
    """The result, each list in the order of work; ``left`` are the candidates that squads may take."""

    left: list[Candidate] = field(default_factory=list)
    raised_again: list[RaisedAgain] = field(default_factory=list)
    suppressed: list[Suppressed] = field(default_factory=list)


def screen(candidates: Iterable[Candidate], inputs: NightInputs, exclusions: Exclusions) -> Screening:
    """Screen the candidates in order, and list the accounts with a cause that raises no case yet."""
    screener = _Screener(inputs, exclusions)
    for candidate in candidates:
        screener.screen(candidate)
    for detection in inputs.risks:
        screener.suppress_rising(detection)
    screener.suppress_small()
    return screener.result


class _Screener:
    def __init__(self, inputs: NightInputs, exclusions: Exclusions) -> None:
        accounts, queue = inputs.accounts, inputs.queue
        self.as_of, self.accounts, self.rules = inputs.as_of, accounts, inputs.policy.rules
        self.inputs = inputs
        self.excluded = exclusions.rules
        self.result = Screening()
        self.flags = CandidateFlags(inputs)
        self.listed: set[tuple[str, str]] = set()
        self.raised: dict[str, int] = {}
        self.open = OpenCases(queue, accounts, self.rules)
        self.endings = ContractEndings(accounts, inputs.as_of)
        self.cooling = CoolingDown(queue, self.rules, inputs.as_of, self.endings)
        self.statuses, self.renews_in = accounts.texts("contract_status"), accounts.numbers("renews_in")

    def screen(self, candidate: Candidate) -> None:
        """Screen one candidate; the order of the checks is part of the policy."""
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
            self.result.left.append(candidate)

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
        status, renews_on = self.statuses[candidate.place], day_after(self.as_of, self.renews_in[candidate.place])
        if rest := self.cooling.rest_after_loss(account, status, candidate.alarms, renews_on):
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
        flag = self.flags.of(candidate, case.squad, 0, RoutingReason(RoutingCode.OPEN_CASE), lane)
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
