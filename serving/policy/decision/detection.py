"""Which accounts become candidates tonight, before capacity is considered: risk by risk, then one per family.

An account is detected for a risk when it is inside the risk's hysteresis, when a trigger of the risk fires that raises
cases alone, or when a trigger fires that requires a minimum probability and the probability reaches it. Where several
risks share a family, the one with the highest priority becomes the candidate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from serving.policy.decision.account_table import AccountTable, Flags, Numbers, Places
from serving.policy.decision.hysteresis import HysteresisState
from serving.policy.decision.priority import compute_priority, order_of_work
from serving.policy.decision.queue_state import QueueState
from serving.policy.definition.policy_file import Policy


@dataclass(frozen=True)
class RiskDetection:
    """The detection of one risk over all accounts: each array has their length and order.

    ``probability`` is NaN where the account was not scored; ``effective_probability`` is the one that the priority is
    computed with: for an account that a trigger raises alone, at least the threshold ``enter``. ``alone`` marks the
    accounts that a trigger raises without the model. ``triggers`` are the risk's triggers where they count.
    """

    risk: str
    hysteresis: HysteresisState
    probability: Numbers
    effective_probability: Numbers
    priority: Numbers
    rank_score: Numbers
    detected: Flags
    alone: Flags
    triggers: Mapping[str, Flags]

    def triggers_at(self, place: int) -> tuple[str, ...]:
        """The triggers that count for the account at this place, in the policy's order."""
        return tuple(name for name, holds in self.triggers.items() if holds[place])

    def cleared(self, place: int) -> bool:
        """Whether the account at this place was scored tonight and is not detected any more."""
        return not (np.isnan(self.probability[place]) or self.detected[place])


@dataclass(frozen=True)
class RankedCandidates:
    """All candidates in the order of work: the account's place, its detection, priority and effective probability."""

    place: Places
    detections: tuple[RiskDetection, ...]
    priority: Numbers
    effective_probability: Numbers

    def __len__(self) -> int:
        return len(self.detections)


def detect_risk(
    risk: str, accounts: AccountTable, queue: QueueState, policy: Policy, fired: Mapping[str, Flags]
) -> RiskDetection:
    """Detect one risk over all accounts; ``fired`` are the policy's triggers whose condition holds."""
    rule = policy.rules.risks[risk]
    probability = accounts.numbers(f"probability_{risk}")
    hysteresis = HysteresisState(accounts, risk, (streak for streak in queue.streaks if streak.risk == risk))
    hysteresis.count(probability, rule)
    triggers = {}
    alone = np.zeros(len(accounts), dtype=np.bool_)
    for name, trigger in policy.rules.triggers.items():
        if trigger.risk == risk:
            minimum = trigger.min_probability
            triggers[name] = fired[name] if minimum is None else fired[name] & (probability >= minimum)
            if minimum is None:
                alone |= triggers[name]
    effective = np.where(alone, np.fmax(probability, rule.enter), np.nan_to_num(probability))
    return RiskDetection(
        risk,
        hysteresis,
        probability,
        effective,
        compute_priority(accounts, effective, rule, policy.rules.priority),
        accounts.numbers(f"rank_{risk}"),
        np.logical_or.reduce([hysteresis.inside, *triggers.values()]),
        alone,
        triggers,
    )


def rank_candidates(detections: Sequence[RiskDetection], accounts: AccountTable, policy: Policy) -> RankedCandidates:
    """One candidate per account and family, in the order of work."""
    chosen = [(detection, _chosen_places(detection, detections, policy)) for detection in detections]
    place = np.concatenate([places for _, places in chosen])
    priority, effective, rank_score = (
        np.concatenate([getattr(detection, name)[places] for detection, places in chosen])
        for name in ("priority", "effective_probability", "rank_score")
    )
    owners = [detection for detection, places in chosen for _ in range(len(places))]
    ordered = order_of_work(priority, effective, rank_score, accounts.numbers("renews_in")[place], place)
    return RankedCandidates(
        place[ordered], tuple(owners[index] for index in ordered), priority[ordered], effective[ordered]
    )


def _chosen_places(detection: RiskDetection, detections: Sequence[RiskDetection], policy: Policy) -> Places:
    """Where this risk is detected and has the highest priority within its family; the earlier risk wins a tie."""
    family = policy.rules.family(detection.risk)
    members = [other for other in detections if policy.rules.family(other.risk) == family]
    priorities = np.array([np.where(other.detected, other.priority, -np.inf) for other in members])
    best = priorities.argmax(axis=0) == members.index(detection)
    return np.flatnonzero(detection.detected & best)
