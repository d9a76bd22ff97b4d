"""Tonight's decision: which accounts get a case and from which squad, which open cases are raised again, which accounts
wait, which are suppressed, and why.

``decide`` is pure: accounts, the state of the queue, the policy and the day in; a decision out. It reads no clock and
uses no random numbers, and the order of the rows does not matter, so deciding a night twice gives the same queue.

An account is first *detected* (hysteresis or trigger, :mod:`serving.policy.decision.detection`) and then *allocated*
(:mod:`serving.policy.decision.allocation`): raised again in its open case, suppressed, held out, assigned to a squad,
or left waiting.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa

from serving.policy.decision.account_table import AccountTable, Flags
from serving.policy.decision.allocation import Allocation, NightInputs, allocate
from serving.policy.decision.detection import RiskDetection, detect_risk, rank_candidates
from serving.policy.decision.queue_state import Decision, DecisionCounts, QueueState, Streak
from serving.policy.decision.triggers import evaluate_conditions
from serving.policy.definition.default_rules import complete_rules, unlisted_risks
from serving.policy.definition.policy_file import Policy, PolicyError

__all__ = ["FirstReasons", "Policy", "PolicyError", "accounts_to_explain", "decide", "decide_with_reasons"]

FirstReasons = Callable[[Sequence[str]], Mapping[tuple[str, str], str | None]]
"""Given accounts, the group of each account's first reason, by (account, risk)."""

_PROBABILITY = "probability_"


def decide(accounts: pa.Table, queue: QueueState, policy: Policy, as_of: date) -> Decision:
    """Decide the night of ``as_of``.

    ``accounts`` has one row per account: ``account_id``, ``parent_id``, ``name``, ``segment``, ``industry``,
    ``region``, ``owner`` (text), ``arr`` (recurring revenue per year), ``renews_in`` (days), for each scored risk
    ``probability_<risk>`` and ``rank_<risk>``, and the features that the policy's conditions name. Optional:
    ``reason_group_<risk>`` (see :func:`decide_with_reasons`) and ``ticket_category`` (of the last ticket), for the
    routing. Only ``account_id`` is required; any other column that is missing is unknown. An account that is not scored
    tonight keeps its streaks. A risk that the policy does not mention gets default rules
    (:mod:`serving.policy.definition.default_rules`).
    """
    rows = AccountTable.of(accounts)
    completed = replace(policy, rules=complete_rules(policy.rules, _base_rates(rows, policy)))
    fired = evaluate_conditions(rows, policy.conditions.triggers)
    detections = [detect_risk(risk, rows, queue, completed, fired) for risk in completed.rules.risks]
    ranked = rank_candidates(detections, rows, completed)
    result = allocate(ranked, NightInputs(detections, rows, queue, completed, as_of))
    return Decision(
        as_of=as_of,
        policy_version=policy.version,
        flags=tuple(result.flags),
        raised_again=tuple(result.raised_again),
        waiting=tuple(result.waiting),
        suppressed=tuple(result.suppressed),
        held_out=tuple(result.held_out),
        exempted=tuple(result.exempted),
        no_longer_at_risk=_no_longer_at_risk(detections, rows, queue, completed),
        streaks=_streaks(detections, queue),
        counts=_counts(detections, fired, result, len(rows)),
    )


def decide_with_reasons(
    accounts: pa.Table, queue: QueueState, policy: Policy, as_of: date, first_reasons: FirstReasons
) -> Decision:
    """Decide the night with the first reasons of the accounts that it may raise, which the routing uses.

    Exact reasons take long to compute. So the night is decided without them, the accounts that it may raise are
    explained, and the night is decided again.
    """
    explained = accounts_to_explain(decide(accounts, queue, policy, as_of))
    return decide(_with_reason_groups(accounts, first_reasons(explained)), queue, policy, as_of)


def accounts_to_explain(decision: Decision, limit: int = 500) -> tuple[str, ...]:
    """The accounts that are flagged or raised again, and the first ``limit`` of those that wait."""
    chosen = {flag.account_id for flag in (*decision.flags, *decision.waiting[:limit])}
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


def _with_reason_groups(accounts: pa.Table, groups: Mapping[tuple[str, str], str | None]) -> pa.Table:
    """Add ``reason_group_<risk>`` for each risk that was explained."""
    ids = accounts["account_id"].to_pylist()
    for risk in sorted({risk for _, risk in groups}):
        column = pa.array([groups.get((account, risk)) for account in ids], pa.string())
        accounts = accounts.append_column(f"reason_group_{risk}", column)
    return accounts


def _no_longer_at_risk(
    detections: Sequence[RiskDetection], rows: AccountTable, queue: QueueState, policy: Policy
) -> tuple[str, ...]:
    """Open cases of accounts that were scored tonight and are not detected for any risk of the case's family."""
    cases = []
    for case in queue.open_cases:
        place = rows.place.get(case.account_id)
        family = policy.rules.family(case.risk)
        members = [found for found in detections if policy.rules.family(found.risk) == family]
        if place is not None and members and all(found.cleared(place) for found in members):
            cases.append(case.case_id)
    return tuple(sorted(cases))


def _streaks(detections: Sequence[RiskDetection], queue: QueueState) -> tuple[Streak, ...]:
    """Tonight's streaks, and unchanged those of risks that were neither scored nor are in the policy."""
    known = {found.risk for found in detections}
    others = [streak for streak in queue.streaks if streak.risk not in known]
    return tuple(sorted(others + [streak for found in detections for streak in found.hysteresis.streaks()]))


def _counts(
    detections: Sequence[RiskDetection], fired: Mapping[str, Flags], result: Allocation, accounts: int
) -> DecisionCounts:
    return DecisionCounts(
        accounts=accounts,
        scored={found.risk: int((~np.isnan(found.probability)).sum()) for found in detections},
        detected={found.risk: int(found.detected.sum()) for found in detections},
        triggers={name: int(flags.sum()) for name, flags in fired.items()},
        flagged=len(result.flags),
        raised_again=len(result.raised_again),
        waiting=len(result.waiting),
        held_out=len(result.held_out),
        exempted=len(result.exempted),
        suppressed=len(result.suppressed),
        suppressed_by_code=dict(Counter(suppressed.code.value for suppressed in result.suppressed)),
    )
