"""Whom the policy notices tonight, before anyone asks whether there is room: risk by risk, then one claim a family.

An account is noticed for a risk when it is inside the risk's hysteresis, when a trigger of the risk that raises alone
fires, or when one fires that needs the model beside it and the model agrees. Where two risks share a family, the one
that is worth more speaks for both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from serving.policy.decision.candidates import Candidates, Flags, Numbers, Places
from serving.policy.decision.hysteresis import Standing
from serving.policy.decision.priority import order, priority
from serving.policy.decision.queue_state import QueueState
from serving.policy.definition.policy_file import Policy


@dataclass(frozen=True)
class Notice:
    """One risk over all candidates, each array of their length and in their order.

    ``probability`` is NaN where the account was not scored; ``weight`` is the probability that the priority reckons
    with: an account that a trigger raises alone counts at least as much as one that just entered.
    """

    risk: str
    standing: Standing
    probability: Numbers
    weight: Numbers
    worth: Numbers
    rank_score: Numbers
    wanted: Flags
    alone: Flags
    triggers: Mapping[str, Flags]

    def fired(self, place: int) -> tuple[str, ...]:
        """The triggers that count for the account at this place, in the policy's order."""
        return tuple(name for name, holds in self.triggers.items() if holds[place])

    def calm(self, place: int) -> bool:
        """Was the account scored tonight, and is there nothing about it any more?"""
        return not (np.isnan(self.probability[place]) or self.wanted[place])


@dataclass(frozen=True)
class Claims:
    """Everyone who was noticed, in the order of work: which account (place), for which risk, at what worth."""

    place: Places
    notices: tuple[Notice, ...]
    worth: Numbers
    weight: Numbers

    def __len__(self) -> int:
        return len(self.notices)


def notice(risk: str, candidates: Candidates, queue: QueueState, policy: Policy, fired: Mapping[str, Flags]) -> Notice:
    """Look at every candidate for one risk."""
    rule = policy.rules.risks[risk]
    probability = candidates.numbers(f"probability_{risk}")
    standing = Standing(candidates, risk, (streak for streak in queue.streaks if streak.risk == risk))
    standing.count(probability, rule)
    triggers = {}
    alone = np.zeros(len(candidates), dtype=np.bool_)
    for name, trigger in policy.rules.triggers.items():
        if trigger.risk == risk:
            holds = fired[name] if trigger.at_least is None else fired[name] & (probability >= trigger.at_least)
            triggers[name] = holds
            alone |= holds if trigger.raises == "alone" else False
    weight = np.where(alone, np.fmax(probability, rule.enter), np.nan_to_num(probability))
    wanted = standing.inside | np.logical_or.reduce([alone, *triggers.values()])
    return Notice(
        risk,
        standing,
        probability,
        weight,
        priority(candidates, weight, rule, policy.rules.priority),
        candidates.numbers(f"rank_{risk}"),
        wanted,
        alone,
        triggers,
    )


def claims(notices: Sequence[Notice], candidates: Candidates, policy: Policy) -> Claims:
    """One claim an account and family, in the order of work."""
    spoken = _speakers(notices, policy)
    place = np.concatenate([places for _, places in spoken])
    worth, weight, rank_score = (
        np.concatenate([getattr(found, name)[places] for found, places in spoken])
        for name in ("worth", "weight", "rank_score")
    )
    who = [found for found, places in spoken for _ in range(len(places))]
    ordered = order(worth, weight, rank_score, candidates.numbers("renews_in")[place], place)
    return Claims(place[ordered], tuple(who[index] for index in ordered), worth[ordered], weight[ordered])


def _speakers(notices: Sequence[Notice], policy: Policy) -> list[tuple[Notice, Places]]:
    """Each risk with the places it speaks for: where it is wanted, and worth most within its family."""
    spoken = []
    for found in notices:
        family = [one for one in notices if policy.rules.family(one.risk) == policy.rules.family(found.risk)]
        worths = np.array([np.where(one.wanted, one.worth, -np.inf) for one in family])
        speaks = found.wanted & (worths.argmax(axis=0) == family.index(found))
        spoken.append((found, np.flatnonzero(speaks)))
    return spoken
