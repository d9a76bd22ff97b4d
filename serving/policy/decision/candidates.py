"""The candidates of a night with everything that decides about them: their alarms, their severity, and whether they are
VIP accounts.

A severity is the first whose condition holds, but at least that of each trigger, cancellation or partial loss among the
alarms. A condition sees the probability and the revenue of the cause that leads the candidate: a lost part is judged by
its own revenue, and is never a VIP case.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from serving.contracts import Alarm, AlarmKind
from serving.policy.definition.policy_file import Policy
from serving.policy.definition.policy_schema import PolicyFile
from serving.policy.detection.account_table import AccountTable
from serving.policy.detection.detection import Detection, RankedCandidates, RiskDetection, family_members
from serving.policy.detection.priority import revenue_at_stake
from serving.policy.detection.triggers import evaluate_conditions
from serving.policy.state.queue_state import QueueState

_VIP = "\0vip"
"""The key of the VIP condition among those of the severities: no severity can have this name."""


class NightInputs(NamedTuple):
    """Everything that a night's decision reads besides the candidates."""

    detections: Sequence[Detection]
    accounts: AccountTable
    queue: QueueState
    policy: Policy
    as_of: date

    @property
    def risks(self) -> list[RiskDetection]:
        """The detections of the risks."""
        return [detection for detection in self.detections if isinstance(detection, RiskDetection)]


class Candidate(NamedTuple):
    """One candidate: its account, the cause that leads it, its alarms, its priority and its severity."""

    place: int
    account_id: str
    detection: Detection
    alarms: tuple[str, ...]
    priority: float
    effective_probability: float
    severity: str
    vip: bool

    @property
    def kind(self) -> AlarmKind:
        """What leads the candidate."""
        return self.detection.kind

    @property
    def triggers(self) -> tuple[str, ...]:
        """The names of the triggers among the alarms."""
        return trigger_names(self.alarms)


@cache  # few different alarms, many candidates
def trigger_names(alarms: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the triggers among these alarms."""
    parsed = (Alarm.parse(code) for code in alarms)
    return tuple(alarm.name for alarm in parsed if alarm.kind is AlarmKind.TRIGGER)


def complete_candidates(ranked: RankedCandidates, inputs: NightInputs) -> Iterator[Candidate]:
    """The candidates in their order, with alarms, severity and VIP status."""
    accounts, rules = inputs.accounts, inputs.policy.rules
    holds = _conditions(ranked, inputs)
    vips = holds.pop(_VIP, np.zeros(len(ranked), dtype=np.bool_)).tolist()
    names = [row.name for row in rules.severities]
    by_condition = np.argmax([*(holds[name] for name in names[:-1]), np.ones(len(ranked), np.bool_)], axis=0).tolist()
    families = {
        found.risk: family_members(rules.family(found.risk), inputs.detections, rules) for found in inputs.detections
    }
    lowest = len(names) - 1
    least = cache(lambda alarms: min(map(rules.rank_of, _least_severities(alarms, rules)), default=lowest))
    figures = (ranked.priority.tolist(), ranked.effective_probability.tolist(), by_condition, vips)
    for place, detection, priority, effective, rank, vip in zip(
        ranked.place.tolist(), ranked.detections, *figures, strict=True
    ):
        alarms = tuple(code for member in families[detection.risk] for code in member.alarms_at(place))
        yield Candidate(
            place,
            accounts.account_ids[place],
            detection,
            alarms,
            priority,
            effective,
            names[min(rank, least(alarms))],
            vip and detection.kind is not AlarmKind.PARTIAL_LOSS,
        )


def _conditions(ranked: RankedCandidates, inputs: NightInputs) -> dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Where the conditions of the severities and of VIP accounts hold, by candidate."""
    conditions = dict(inputs.policy.conditions.severities)
    if inputs.policy.conditions.vip:
        conditions[_VIP] = inputs.policy.conditions.vip
    places = zip(ranked.place.tolist(), ranked.detections, strict=True)
    estimated = np.array([detection.revenue.estimated[place] for place, detection in places])
    at_stake = pa.array(revenue_at_stake(estimated, inputs.policy.rules.priority), pa.float64())
    probability = pa.array(ranked.effective_probability, pa.float64(), from_pandas=True)
    table = inputs.accounts.take(ranked.place).table
    for name, values in (("probability", probability), ("at_stake", at_stake)):
        table = table.append_column(name, values)
    return evaluate_conditions(AccountTable(table), conditions)


def _least_severities(alarms: Sequence[str], rules: PolicyFile) -> Iterator[str]:
    """The severities below which a case with these alarms cannot be."""
    for code in alarms:
        alarm = Alarm.parse(code)
        severity = {
            AlarmKind.CANCELLATION: rules.cancellations.severity,
            AlarmKind.PARTIAL_LOSS: rules.partial_losses.severity,
            AlarmKind.TRIGGER: rules.triggers[alarm.name].severity if alarm.name in rules.triggers else None,
        }.get(alarm.kind)
        if severity:
            yield severity
