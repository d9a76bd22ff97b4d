"""Alarms from contracts that end: a received cancellation, and the loss of a part of the contracts.

Neither is a probability. The revenue that ends and the day on which it does are known, so the value of a rescue follows
from them and from the share that the policy expects to save. A part that is worth less than its cost, or a smaller
share than the policy's, is no alarm.
"""

from datetime import date, timedelta

import numpy as np

from serving.contracts import AlarmKind
from serving.policy.definition.policy_schema import PolicyFile
from serving.policy.detection.account_table import AccountTable, Flags, Numbers
from serving.policy.detection.detection import Detection
from serving.policy.detection.priority import value_of_ending
from serving.policy.detection.revenue import Revenue
from serving.policy.state.case_status import ContractStatus


def detect_cancellations(accounts: AccountTable, revenue: Revenue, rules: PolicyFile) -> Detection:
    """The accounts that leave: value = revenue that ends × save rate × urgency − cost."""
    rule = rules.cancellations
    leaving = accounts.are("contract_status", ContractStatus.LEAVING)
    ending = accounts.numbers("leaving_arr")
    known = np.where(np.isnan(ending), revenue.known, ending)
    estimated = np.where(np.isnan(known), revenue.estimated, known)
    days = accounts.numbers("leaves_in")
    bands = rule.urgency or rules.priority.urgency
    value = value_of_ending(estimated, days, rule.save_rate, rule.cost, bands, rules.priority)
    return _detection(AlarmKind.CANCELLATION, leaving, value, Revenue(known, estimated), days, rules)


def detect_partial_losses(accounts: AccountTable, revenue: Revenue, rules: PolicyFile) -> Detection:
    """The accounts of which a part ends that is large enough and worth its cost; ``small`` are the other parts."""
    rule = rules.partial_losses
    share, days = accounts.numbers("partial_loss_share"), accounts.numbers("partial_loss_in")
    known = accounts.numbers("partial_loss_arr")
    known = np.where(np.isnan(known), share * revenue.known, known)
    estimated = np.where(np.isnan(known), np.nan_to_num(share) * revenue.estimated, known)
    cost = rules.risks[rules.contract_risk].cost if rule.cost is None else rule.cost
    bands = rules.cancellations.urgency or rules.priority.urgency
    value = value_of_ending(estimated, days, rule.save_rate, cost, bands, rules.priority)
    ending = ~np.isnan(days) & (days >= 0)
    large = ending & (share >= rule.min_share) & (value >= rules.priority.minimum)
    return _detection(AlarmKind.PARTIAL_LOSS, large, value, Revenue(known, estimated), days, rules, ending & ~large)


def _detection(
    kind: AlarmKind,
    holds: Flags,
    value: Numbers,
    revenue: Revenue,
    days: Numbers,
    rules: PolicyFile,
    small: Flags | None = None,
) -> Detection:
    unknown = np.full(len(holds), np.nan)
    return Detection(
        risk=rules.contract_risk,
        kind=kind,
        effective_probability=unknown,
        priority=value,
        rank_score=unknown,
        detected=holds,
        revenue=revenue,
        days=days,
        small=np.zeros(len(holds), dtype=np.bool_) if small is None else small,
    )


def day_after(as_of: date, days: float) -> date | None:
    """The day so many days after the night; None where the number is unknown."""
    return None if np.isnan(days) else as_of + timedelta(days=int(days))
