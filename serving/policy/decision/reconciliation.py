"""Compares every open case with tonight's account: the case is closed, marked as resolved, or brought up to date.

A case's hand-off is frozen, but customers leave, renew, and withdraw cancellations while it is open. A case that says
something else than its account does costs the team its trust in the queue.

- The contract has ended: closed as lost, or as no action where that was known before a person opened the case, for
  nothing is lost now. The policy excludes the account: closed as no action.
- The contract goes on, the cancellation was withdrawn, or the account is no longer at risk: marked as resolved, and
  closed after the policy's nights: as saved where somebody contacted the customer or made a plan, else as expired, for
  the team has saved nothing there. A mark goes when its cause goes.
- The source does not have the account any more: marked, and closed soon as no action, whoever works on it.
- A person opened the case: only the end of the contract, or a missing account, closes it.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from math import isnan
from typing import NamedTuple

from serving.contracts import Alarm, AlarmKind, Lane
from serving.policy.decision.candidates import NightInputs
from serving.policy.detection.contract_alarms import day_after
from serving.policy.detection.detection import Detection, RiskDetection, family_members
from serving.policy.detection.exclusion import LEFT
from serving.policy.state.case_status import Closure, ClosureCode, ClosureOutcome, ContractStatus, LiveFigures
from serving.policy.state.queue_state import OpenCase

RENEWED_DAYS = 30
"""A renewal date that is so many days later than when the case was raised means that a new term was agreed."""

UNCLAIMED = "new"
"""The state of a case that nobody has started."""

CANCELLATION, PARTIAL_LOSS = str(AlarmKind.CANCELLATION), str(AlarmKind.PARTIAL_LOSS)
PERSON = str(AlarmKind.PERSON)
_CERTAIN = (AlarmKind.CANCELLATION, AlarmKind.PARTIAL_LOSS)


class Reconciled(NamedTuple):
    """The open cases that are closed tonight, and the figures of all others, both by case id."""

    closures: tuple[Closure, ...]
    live: tuple[LiveFigures, ...]


def reconcile_cases(
    inputs: NightInputs, excluded: Mapping[int, str], raised: frozenset[str], members: Mapping[str, tuple[str, ...]]
) -> Reconciled:
    """Compare each open case with tonight's account.

    Args:
        inputs: the night's accounts, their detections, and the open cases.
        excluded: the rule by the place of each excluded account.
        raised: the cases that are raised again tonight: these are never marked as resolved.
        members: the other accounts of a case's group that are at risk tonight, by case.
    """
    reconciler = _Reconciler(inputs)
    closures, live = [], []
    for case in sorted(inputs.queue.open_cases, key=lambda case: case.case_id):
        place = inputs.accounts.place.get(case.account_id)
        closure = None if place is None else reconciler.closure(case, place, excluded.get(place))
        figures = reconciler.figures(case, place, case.case_id in raised)
        closure = closure or reconciler.resolved_closure(case, figures)
        if closure:
            closures.append(closure)
        else:
            live.append(figures._replace(members=members.get(case.case_id, ())))
    return Reconciled(tuple(closures), tuple(live))


class _Reconciler:
    def __init__(self, inputs: NightInputs) -> None:
        accounts = inputs.accounts
        self.inputs, self.as_of, self.rules = inputs, inputs.as_of, inputs.policy.rules
        self.status = accounts.texts("contract_status")
        self.revenue, self.renews_in = accounts.numbers("arr"), accounts.numbers("renews_in")
        self.leaves_in, self.part_in = accounts.numbers("leaves_in"), accounts.numbers("partial_loss_in")
        self.left_known_in = accounts.numbers("cancellation_known_in")
        self.withdrawn_in = accounts.numbers("notice_withdrawn_in")
        self.certain = [found for found in inputs.detections if found.kind in _CERTAIN]
        self.risks = inputs.risks
        self.families: dict[str, list[Detection]] = {}

    def closure(self, case: OpenCase, place: int, rule: str | None) -> Closure | None:
        """The closure of a case whose account has left or is excluded, or whose lost part has ended."""
        if rule == LEFT:
            on = day_after(self.as_of, self.leaves_in[place]) or self.as_of
            known_on = max(on, day_after(self.as_of, self.left_known_in[place]) or on)
            if PERSON in (case.alarms or ()) and known_on < case.opened:
                return _close(case, ClosureOutcome.NO_ACTION, ClosureCode.ENDED_BEFORE, on)
            return _close(case, ClosureOutcome.LOST, ClosureCode.LEFT, on)
        if rule is not None and PERSON not in (case.alarms or ()):
            return _close(case, ClosureOutcome.NO_ACTION, ClosureCode.EXCLUDED, self.as_of, rule)
        part = case.alarms == (PARTIAL_LOSS,) and self.status[place] is not None and not self._alarms(case, place)
        if part and case.ends_on is not None and case.ends_on <= self.as_of:
            return _close(case, ClosureOutcome.LOST, ClosureCode.PART_ENDED, case.ends_on)
        return None

    def resolved_closure(self, case: OpenCase, figures: LiveFigures) -> Closure | None:
        """The closure of a case that has been marked as resolved for the policy's nights."""
        if figures.resolved is None or figures.resolved_on is None or figures.closes_on is None:
            return None
        if self.as_of < figures.closes_on:
            return None
        outcome = ClosureOutcome.SAVED if case.acted_on else ClosureOutcome.EXPIRED
        if figures.resolved is ClosureCode.ACCOUNT_MISSING:
            outcome = ClosureOutcome.NO_ACTION
        return _close(case, outcome, figures.resolved, figures.resolved_on)

    def figures(self, case: OpenCase, place: int | None, raised: bool) -> LiveFigures:
        """The figures of a case tonight, with its mark; without the account nothing is known."""
        if place is None:
            unknown = LiveFigures(case.case_id, case.account_id, ends_on=case.ends_on)
            return self._marked(unknown, case, ClosureCode.ACCOUNT_MISSING)
        leaving, alarms = self.status[place] == ContractStatus.LEAVING, self._alarms(case, place)
        ends_on = day_after(self.as_of, self._days(place, alarms))
        figures = LiveFigures(
            case_id=case.case_id,
            account_id=case.account_id,
            lane=Lane.LEAVING if leaving else Lane.AT_RISK,
            status=self.status[place],
            probabilities=self._probabilities(place),
            priority=self._priority(case, place),
            revenue=_known(self.revenue[place]),
            ends_on=ends_on,
            days_left=(ends_on - self.as_of).days if ends_on else None,
            alarms=alarms,
            ended_alarms=self._ended(case, place, alarms),
        )
        return self._marked(figures, case, None if raised else self._resolved(case, place, figures))

    def _marked(self, figures: LiveFigures, case: OpenCase, code: ClosureCode | None) -> LiveFigures:
        """The figures with the mark, which keeps the day of the first night in a row."""
        if code is None:
            return figures
        since = case.resolved_on if case.resolved is not None and case.resolved_on else self.as_of
        rule = self.rules.reconcile
        is_short = case.state == UNCLAIMED or code is ClosureCode.ACCOUNT_MISSING
        nights = rule.unclaimed_nights if is_short else rule.nights
        return figures._replace(resolved=code, resolved_on=since, closes_on=since + timedelta(days=nights))

    def _resolved(self, case: OpenCase, place: int, figures: LiveFigures) -> ClosureCode | None:
        """Why the case is no longer needed; None where it is. Whoever opened a case knows why, so no night ends it."""
        if PERSON in (case.alarms or ()):
            return None
        if not figures.alarms and figures.ended_alarms:
            withdrawn = self.withdrawn_in[place] >= (case.opened - self.as_of).days
            return ClosureCode.WITHDRAWN if withdrawn else ClosureCode.CONTINUED
        if not figures.alarms and self.status[place] == ContractStatus.NONE:
            return ClosureCode.CONTINUED  # by another account of the group
        if not figures.alarms and case.resolved in (ClosureCode.CONTINUED, ClosureCode.WITHDRAWN):
            return case.resolved
        if self._renewed(case, place, figures.alarms):
            return ClosureCode.RENEWED
        return ClosureCode.RISK_FALLEN if not figures.alarms and self._cleared(case, place) else None

    def _ended(self, case: OpenCase, place: int, alarms: tuple[str, ...]) -> tuple[str, ...]:
        """The ends of contracts in the case that are none any more; none where the contracts are unknown tonight."""
        if self.status[place] is None:
            return ()
        return tuple(
            code for code in (CANCELLATION, PARTIAL_LOSS) if code in (case.alarms or ()) and code not in alarms
        )

    def _renewed(self, case: OpenCase, place: int, alarms: tuple[str, ...]) -> bool:
        """Whether a later term was agreed since the case of the contract's risk was raised, and nothing else holds."""
        risk = self.rules.contract_risk
        if case.risk != risk or case.renews_on is None or set(alarms) - {Alarm(AlarmKind.RISK, risk).code}:
            return False
        return bool(self.renews_in[place] - (case.renews_on - self.as_of).days >= RENEWED_DAYS)

    def _cleared(self, case: OpenCase, place: int) -> bool:
        """Whether the account was scored for every risk of the case's family and is inside none."""
        members = [found for found in self._family(case) if isinstance(found, RiskDetection)]
        return bool(members) and all(found.cleared(place) for found in members)

    def _family(self, case: OpenCase) -> list[Detection]:
        if case.risk not in self.families:  # few risks, many cases
            family = self.rules.family(case.risk)
            self.families[case.risk] = family_members(family, self.inputs.detections, self.rules)
        return self.families[case.risk]

    def _alarms(self, case: OpenCase, place: int) -> tuple[str, ...]:
        """The alarms that hold: those of the case's family, and the end of the contracts whatever the family."""
        causes = [*self._family(case), *self.certain]
        return tuple(dict.fromkeys(code for found in causes for code in found.alarms_at(place)))

    def _days(self, place: int, alarms: tuple[str, ...]) -> float:
        """Days to the end of the contract, else to that of the lost part, else to the renewal."""
        days = self.part_in if PARTIAL_LOSS in alarms else self.renews_in
        return float((self.leaves_in if self.status[place] == ContractStatus.LEAVING else days)[place])

    def _priority(self, case: OpenCase, place: int) -> float | None:
        """What the case is worth tonight: of a cancellation, else the most that a cause of its family is."""
        certain = [found for found in self.certain if found.detected[place]]
        for found in certain:
            if found.kind is AlarmKind.CANCELLATION:
                return float(found.priority[place])
        risks = [found for found in self._family(case) if isinstance(found, RiskDetection)]
        scored = [found for found in risks if found.detected[place] or not isnan(found.probability[place])]
        return max((float(found.priority[place]) for found in (*certain, *scored)), default=None)

    def _probabilities(self, place: int) -> dict[str, float]:
        known = ((risk.risk, _known(risk.probability[place])) for risk in self.risks)
        return {risk: value for risk, value in known if value is not None}


def _close(case: OpenCase, outcome: ClosureOutcome, code: ClosureCode, on: date, rule: str = "") -> Closure:
    return Closure(case.case_id, case.account_id, outcome, code, on, rule, case.state)


def _known(value: float) -> float | None:
    return None if isnan(value) else float(value)
