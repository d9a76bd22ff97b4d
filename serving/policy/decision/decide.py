"""Tonight's decision: which accounts get a case and from which squad, which open cases are raised again, which accounts
wait, which are suppressed, and why.

``decide`` is pure: accounts, the state of the queue, the policy and the day in; a decision out. It reads no clock and
uses no random numbers, and the order of the rows does not matter, so deciding a night twice gives the same queue.

An account is first *detected* (hysteresis, trigger, or the end of a contract,
:mod:`serving.policy.detection.detection`) and then *allocated* (:mod:`serving.policy.decision.allocation`): raised
again in its open case, suppressed, held out, assigned to a squad, or left waiting. At last every open case is compared
with tonight's account (:mod:`serving.policy.decision.reconciliation`).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from serving.contracts import AlarmKind
from serving.policy.decision.allocation import Allocation, FirstGroups, allocate
from serving.policy.decision.candidates import NightInputs, complete_candidates
from serving.policy.decision.cooldown import settle_losses
from serving.policy.decision.holdout import HoldoutAssignment
from serving.policy.decision.reconciliation import Reconciled, reconcile_cases
from serving.policy.decision.screening import Screening, screen
from serving.policy.definition.default_rules import complete_rules, unlisted_risks
from serving.policy.definition.policy_file import Policy, PolicyError
from serving.policy.detection.account_table import AccountTable, Flags
from serving.policy.detection.contract_alarms import day_after, detect_cancellations, detect_partial_losses
from serving.policy.detection.detection import RiskDetection, detect_risk, rank_candidates
from serving.policy.detection.exclusion import Exclusions
from serving.policy.detection.revenue import Revenue
from serving.policy.detection.triggers import evaluate_conditions
from serving.policy.state.queue_state import Decision, DecisionCounts, QueueState, Streak, SuppressionCode

__all__ = ["FirstReasons", "Policy", "PolicyError", "accounts_to_explain", "decide", "decide_with_reasons"]

FirstReasons = Callable[[Sequence[str]], FirstGroups]
"""Given accounts, the group of each account's first reason, by (account, risk)."""

_PROBABILITY = "probability_"
MOST_EXPLAINED = 500
"""Of the accounts that wait, so many get reasons."""


def decide(accounts: pa.Table, queue: QueueState, policy: Policy, as_of: date) -> Decision:
    """Decide the night of ``as_of``.

    ``accounts`` has one row per account: ``account_id``, ``parent_id``, ``type``, ``name``, ``segment``, ``industry``,
    ``region``, ``owner``, ``currency`` (text), ``arr`` (recurring revenue per year), ``renews_in`` (days), for each
    scored risk ``probability_<risk>`` and ``rank_<risk>``, and the features that the policy's conditions name. Its
    contracts are in ``contract_status`` (:class:`~serving.policy.state.case_status.ContractStatus`), ``leaves_in``,
    ``leaving_arr``, ``notice_withdrawn_in``, ``partial_loss_in``, ``partial_loss_arr`` and ``partial_loss_share``; days
    are from ``as_of`` and negative in the past. ``ticket_category`` (of the last ticket) is for the routing. Only
    ``account_id`` is required; any other column that is missing is unknown. An account that is not scored tonight keeps
    its streaks. A risk that the policy does not mention gets default rules
    (:mod:`serving.policy.definition.default_rules`).
    """
    return _Night.of(accounts, queue, policy, as_of).decision()


def decide_with_reasons(
    accounts: pa.Table, queue: QueueState, policy: Policy, as_of: date, first_reasons: FirstReasons
) -> Decision:
    """Decide the night with the first reasons of the accounts that it may raise, where the routing uses them.

    Reasons take long to compute. So the night is allocated without them, the accounts that it may raise are explained,
    and the night is allocated again. Where no squad is chosen by a reason, nobody is explained.
    """
    night = _Night.of(accounts, queue, policy, as_of)
    if not policy.rules.routing.reasons:
        return night.decision()
    return night.decision(first_reasons(accounts_to_explain(night.allocation({}))))


@dataclass(frozen=True)
class _Night:
    """What a night's decision is made of before any account is given a place: it does not depend on reasons."""

    policy_version: str
    inputs: NightInputs
    fired: Mapping[str, Flags]
    exclusions: Exclusions
    holdout: HoldoutAssignment
    screened: Screening

    @classmethod
    def of(cls, accounts: pa.Table, queue: QueueState, policy: Policy, as_of: date) -> "_Night":
        """Detect the causes of all accounts, and put the candidates in the order of work."""
        rows = AccountTable.of(accounts)
        completed = replace(policy, rules=complete_rules(policy.rules, _base_rates(rows, policy)))
        rules, fired = completed.rules, evaluate_conditions(rows, policy.conditions.triggers)
        revenue = Revenue.of(rows, rules.priority)
        risks = [detect_risk(risk, rows, revenue, queue, completed, fired) for risk in rules.risks]
        certain = [detect_cancellations(rows, revenue, rules), detect_partial_losses(rows, revenue, rules)]
        inputs = NightInputs([*risks, *certain], rows, queue, completed, as_of)
        holdout = HoldoutAssignment(rows, rules.holdout, queue.holdout_units)
        exclusions = Exclusions(rows, completed)
        candidates = complete_candidates(rank_candidates(inputs.detections, rules), inputs)
        return cls(policy.version, inputs, fired, exclusions, holdout, screen(candidates, inputs, exclusions))

    def allocation(self, reasons: FirstGroups) -> Allocation:
        """What becomes of each candidate; ``reasons`` are the groups of first reasons, as far as they are known."""
        return allocate(self.screened, self.inputs, self.holdout, reasons)

    def decision(self, reasons: FirstGroups = MappingProxyType({})) -> Decision:
        """The whole decision."""
        inputs, result = self.inputs, self.allocation(reasons)
        reconciled = _reconciled(inputs, self.exclusions, result)
        return Decision(
            as_of=inputs.as_of,
            policy_version=self.policy_version,
            flags=tuple(result.flags),
            raised_again=tuple(result.raised_again),
            waiting=tuple(result.waiting),
            suppressed=tuple(result.suppressed),
            held_out=tuple(result.held_out),
            exempted=tuple(result.exempted),
            closures=reconciled.closures,
            live=reconciled.live,
            settlements=tuple(sorted(settle_losses(inputs.queue, _contract_ends(inputs)))),
            holdout_units=self.holdout.new_units,
            enrolments=tuple(result.enrolments),
            streaks=_streaks(inputs.risks, inputs.queue),
            counts=_counts(inputs, self.fired, self.exclusions, result, reconciled),
        )


def accounts_to_explain(decision: Decision | Allocation) -> tuple[str, ...]:
    """The accounts that are flagged or raised again, and the first of those that wait."""
    chosen = {flag.account_id for flag in (*decision.flags, *decision.waiting[:MOST_EXPLAINED])}
    return tuple(sorted(chosen | {again.flag.account_id for again in decision.raised_again}))


def scored_risks(accounts: pa.Table) -> tuple[str, ...]:
    """The risks that the table has a probability of, ascending."""
    names = (name for name in accounts.column_names if name.startswith(_PROBABILITY))
    return tuple(sorted(name.removeprefix(_PROBABILITY) for name in names))


def _base_rates(rows: AccountTable, policy: Policy) -> dict[str, float]:
    """The mean probability tonight of each risk that the policy does not mention; 0 where no account was scored."""
    rates = {}
    for risk in unlisted_risks(policy.rules, scored_risks(rows.table)):
        probability = rows.numbers(f"{_PROBABILITY}{risk}")
        known = probability[~np.isnan(probability)]
        rates[risk] = float(known.mean()) if len(known) else 0.0
    return rates


def _reconciled(inputs: NightInputs, exclusions: Exclusions, result: Allocation) -> Reconciled:
    raised = frozenset(again.case_id for again in result.raised_again)
    members: dict[str, tuple[str, ...]] = {}
    for row in result.suppressed:
        if row.code is SuppressionCode.GROUP_CASE and row.case_id:
            members[row.case_id] = (*members.get(row.case_id, ()), row.account_id)
    return reconcile_cases(inputs, exclusions.rules, raised, members)


def _contract_ends(inputs: NightInputs) -> dict[str, tuple[str | None, date | None]]:
    """Status and end of the contracts of the accounts with a closed case."""
    status, days = inputs.accounts.texts("contract_status"), inputs.accounts.numbers("leaves_in")
    closed = {case.account_id for case in inputs.queue.cooldowns}
    places = {account: inputs.accounts.place[account] for account in closed & inputs.accounts.place.keys()}
    return {account: (status[place], day_after(inputs.as_of, days[place])) for account, place in places.items()}


def _streaks(detections: Sequence[RiskDetection], queue: QueueState) -> tuple[Streak, ...]:
    """Tonight's streaks, and unchanged those of risks that were neither scored nor are in the policy."""
    known = {found.risk for found in detections}
    others = [streak for streak in queue.streaks if streak.risk not in known]
    return tuple(sorted(others + [streak for found in detections for streak in found.hysteresis.streaks()]))


def _counts(
    inputs: NightInputs,
    fired: Mapping[str, Flags],
    exclusions: Exclusions,
    result: Allocation,
    reconciled: Reconciled,
) -> DecisionCounts:
    certain = {found.kind: int(found.detected.sum()) for found in inputs.detections}
    return DecisionCounts(
        accounts=len(inputs.accounts),
        scored={found.risk: int((~np.isnan(found.probability)).sum()) for found in inputs.risks},
        detected={found.risk: int(found.detected.sum()) for found in inputs.risks},
        triggers={name: int(flags.sum()) for name, flags in fired.items()},
        flagged=len(result.flags),
        raised_again=len(result.raised_again),
        waiting=len(result.waiting),
        held_out=len(result.held_out),
        exempted=len(result.exempted),
        suppressed=len(result.suppressed),
        suppressed_by_code=dict(Counter(suppressed.code.value for suppressed in result.suppressed)),
        cancellations=certain[AlarmKind.CANCELLATION],
        partial_losses=certain[AlarmKind.PARTIAL_LOSS],
        excluded=exclusions.counts(),
        closed=dict(Counter(closure.code.value for closure in reconciled.closures)),
    )
