"""Which accounts become candidates tonight, before capacity is considered: cause by cause, then one per family.

An account is detected for a risk when it is inside the risk's hysteresis, when a trigger of the risk fires that raises
cases alone (or does so while no account has a probability of the risk), or when a trigger fires that requires a minimum
probability and the probability reaches it. It is also detected when its contract has a known end
(:mod:`serving.policy.detection.contract_alarms`). Within a family a cancellation leads, else the cause with the highest
priority. All alarms of the family belong to the candidate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from serving.contracts import Alarm, AlarmKind
from serving.policy.definition.policy_file import Policy
from serving.policy.definition.policy_schema import PolicyFile
from serving.policy.detection.account_table import AccountTable, Flags, Numbers, Places
from serving.policy.detection.hysteresis import HysteresisState
from serving.policy.detection.priority import compute_priority, expected_effect, order_of_work
from serving.policy.detection.revenue import Revenue
from serving.policy.state.case_status import ContractStatus
from serving.policy.state.queue_state import QueueState


@dataclass(frozen=True)
class Detection:
    """One cause of cases over all accounts: each array has their length and order.

    ``risk`` names the family that its cases belong to. ``revenue`` is what is at stake, before the cap. ``days`` are
    those to the renewal or to the end. ``effective_probability`` is the one that the priority is computed with, NaN
    where the cause is no probability. ``small`` are accounts with the cause that are not worth a case.
    """

    risk: str
    kind: AlarmKind
    effective_probability: Numbers
    priority: Numbers
    rank_score: Numbers
    detected: Flags
    revenue: Revenue
    days: Numbers
    small: Flags

    def alarms_at(self, place: int) -> tuple[str, ...]:
        """The codes of the alarms that hold for the account at this place."""
        return (self._code,) if self.detected[place] else ()

    @cached_property
    def _code(self) -> str:
        """The code of the cause itself."""
        return Alarm(self.kind).code


@dataclass(frozen=True)
class RiskDetection(Detection):
    """The detection of one risk.

    ``probability`` is NaN where the account was not scored. For an account that a trigger raises alone, the effective
    one is at least the threshold ``enter``. ``triggers`` are the risk's triggers where they count. ``effect`` is by how
    much a rescue is expected to lower the probability, ``uplift`` the part of it that an uplift model says: NaN where
    the priority is computed with probability × save rate.
    """

    hysteresis: HysteresisState
    probability: Numbers
    effect: Numbers
    uplift: Numbers
    triggers: Mapping[str, Flags] = field(default_factory=dict)

    def alarms_at(self, place: int) -> tuple[str, ...]:
        """The risk where the account is inside it, and its triggers."""
        return tuple(code for code, holds in self._codes if holds[place])

    @cached_property
    def _codes(self) -> tuple[tuple[str, Flags], ...]:
        """The code of each alarm, and where it holds."""
        own = (Alarm(AlarmKind.RISK, self.risk).code, self.hysteresis.inside)
        return (own, *((Alarm(AlarmKind.TRIGGER, name).code, holds) for name, holds in self.triggers.items()))

    def cleared(self, place: int) -> bool:
        """Whether the account at this place was scored tonight and is not detected any more."""
        return not (np.isnan(self.probability[place]) or self.detected[place])


@dataclass(frozen=True)
class RankedCandidates:
    """All candidates in the order of work: the account's place, its leading cause, priority and probability."""

    place: Places
    detections: tuple[Detection, ...]
    priority: Numbers
    effective_probability: Numbers

    def __len__(self) -> int:
        return len(self.detections)


def detect_risk(
    risk: str,
    accounts: AccountTable,
    revenue: Revenue,
    queue: QueueState,
    policy: Policy,
    fired: Mapping[str, Flags],
) -> RiskDetection:
    """Detect one risk over all accounts; ``fired`` are the policy's triggers whose condition holds."""
    rule = policy.rules.risks[risk]
    probability = accounts.numbers(f"probability_{risk}")
    hysteresis = HysteresisState(accounts, risk, (streak for streak in queue.streaks if streak.risk == risk))
    hysteresis.count(probability, rule)
    hysteresis.forget(accounts.are("contract_status", ContractStatus.LEFT, ContractStatus.NONE))
    triggers = {}
    alone = np.zeros(len(accounts), dtype=np.bool_)
    has_model = not bool(np.isnan(probability).all())
    for name, trigger in policy.rules.triggers.items():
        if trigger.risk == risk and not (trigger.raises == "without_model" and has_model):
            minimum = trigger.min_probability
            triggers[name] = fired[name] if minimum is None else fired[name] & (probability >= minimum)
            if minimum is None:
                alone |= triggers[name]
    effective = np.where(alone, np.fmax(probability, rule.enter), np.nan_to_num(probability))
    use_uplift = policy.rules.priority.uplift
    uplift = accounts.numbers(f"uplift_{risk}") if use_uplift else np.full(len(accounts), np.nan)
    effect = expected_effect(effective, uplift, rule)
    return RiskDetection(
        risk=risk,
        kind=AlarmKind.RISK,
        effective_probability=effective,
        priority=compute_priority(accounts, revenue, effective, rule, policy.rules.priority, uplift),
        rank_score=accounts.numbers(f"rank_{risk}"),
        detected=np.logical_or.reduce([hysteresis.inside, *triggers.values()]),
        revenue=revenue,
        days=accounts.numbers("renews_in"),
        small=np.zeros(len(accounts), dtype=np.bool_),
        hysteresis=hysteresis,
        probability=probability,
        effect=effect,
        uplift=np.where(np.isnan(uplift), np.nan, effect),
        triggers=triggers,
    )


def rank_candidates(detections: Sequence[Detection], rules: PolicyFile) -> RankedCandidates:
    """One candidate per account and family, in the order of work."""
    chosen = [(detection, _leading_places(detection, detections, rules)) for detection in detections]
    place = np.concatenate([places for _, places in chosen])
    priority, effective, rank_score, days = (
        np.concatenate([getattr(detection, name)[places] for detection, places in chosen])
        for name in ("priority", "effective_probability", "rank_score", "days")
    )
    owners = [detection for detection, places in chosen for _ in range(len(places))]
    ordered = order_of_work(priority, effective, rank_score, days, place)
    return RankedCandidates(
        place[ordered], tuple(owners[index] for index in ordered), priority[ordered], effective[ordered]
    )


def family_members(family: str, detections: Sequence[Detection], rules: PolicyFile) -> list[Detection]:
    """The causes whose cases belong to this family."""
    return [detection for detection in detections if rules.family(detection.risk) == family]


def _leading_places(detection: Detection, detections: Sequence[Detection], rules: PolicyFile) -> Places:
    """Where this cause is detected and leads its family; the earlier one wins a tie."""
    members = family_members(rules.family(detection.risk), detections, rules)
    values = np.array([np.where(other.detected, _leading_value(other), -np.inf) for other in members])
    best = values.argmax(axis=0) == [other is detection for other in members].index(True)
    return np.flatnonzero(detection.detected & best)


def _leading_value(detection: Detection) -> Numbers:
    """What a cause competes with inside its family: a cancellation is a fact, so nothing leads before it."""
    certain = detection.kind is AlarmKind.CANCELLATION
    return np.full(len(detection.priority), np.inf) if certain else detection.priority
