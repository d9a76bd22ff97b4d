"""What becomes of each account that was noticed, one after the other in the order of work.

An account with an open case is raised again in it when it got worse, and never gets a second one. One that is cooling
down, or not worth its cost, is left alone. The hold-out is drawn before capacity. Whoever is left is routed by skill
and takes one of the squad's places tonight, or waits with a rank.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import isnan
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from serving.contracts import Flag
from serving.policy.decision.candidates import Candidates, Numbers
from serving.policy.decision.detection import Claims, Notice
from serving.policy.decision.holdout import Draw, exempting
from serving.policy.decision.priority import at_stake
from serving.policy.decision.queue_state import Exemption, HeldOut, OpenCase, QueueState, RaisedAgain, Suppressed, Why
from serving.policy.decision.routing import Need, Room, Route, route
from serving.policy.decision.triggers import fired
from serving.policy.definition.policy_file import Policy


@dataclass
class Outcome:
    """What has been decided so far, each list in the order of work."""

    flags: list[Flag] = field(default_factory=list)
    raised_again: list[RaisedAgain] = field(default_factory=list)
    waiting: list[Flag] = field(default_factory=list)
    suppressed: list[Suppressed] = field(default_factory=list)
    held_out: list[HeldOut] = field(default_factory=list)
    exempted: list[Exemption] = field(default_factory=list)


class Claim(NamedTuple):
    """One noticed account: its place among the candidates, for which risk, at what worth, and how severe."""

    place: int
    account_id: str
    notice: Notice
    worth: float
    weight: float
    severity: str
    vip: bool


class Scene(NamedTuple):
    """The night that the claims are settled in: everything the policy may know."""

    notices: Sequence[Notice]
    rows: Candidates
    queue: QueueState
    policy: Policy
    as_of: date


def settle(noticed: Claims, scene: Scene) -> Outcome:
    """Settle every claim in order, and note who was above the threshold for too few nights."""
    settling = _Settling(scene)
    for claim in _weighed(noticed, scene.rows, scene.policy):
        settling.settle(claim)
    for found in scene.notices:
        settling.rising(found)
    return settling.outcome


def _weighed(noticed: Claims, rows: Candidates, policy: Policy) -> list[Claim]:
    """Give each claim its severity, the first row of the matrix that holds, but at least its triggers' own."""
    conditions = dict(policy.conditions.severities)
    if policy.conditions.vip:
        conditions["\0vip"] = policy.conditions.vip  # no severity can have this name
    subset = rows.take(noticed.place)
    subset = Candidates(
        subset.table.append_column("probability", pa.array(noticed.weight)).append_column(
            "at_stake", pa.array(at_stake(subset, policy.rules.priority))
        )
    )
    holds = fired(subset, conditions)
    vips = holds.pop("\0vip", np.zeros(len(noticed), dtype=np.bool_))
    names = [row.name for row in policy.rules.severities]
    claims = []
    for index, (place, found) in enumerate(zip(noticed.place.tolist(), noticed.notices, strict=True)):
        worst = next((rank for rank, name in enumerate(names[:-1]) if holds[name][index]), len(names) - 1)
        asked = (policy.rules.triggers[name].severity for name in found.fired(place))
        ranks = [worst, *(policy.rules.rank_of(severity) for severity in asked if severity)]
        worth, weight = float(noticed.worth[index]), float(noticed.weight[index])
        claims.append(Claim(place, rows.accounts[place], found, worth, weight, names[min(ranks)], bool(vips[index])))
    return claims


class _Settling:
    def __init__(self, scene: Scene) -> None:
        self.notices, self.rows, queue, policy, self.as_of = scene
        self.rules, rows = policy.rules, scene.rows
        self.outcome = Outcome()
        self.room = Room.tonight(self.rules, queue.squad_load())
        self.routes: dict[Need, Route] = {}
        self.ranks: Counter[tuple[str, str]] = Counter()
        self.open = {(case.account_id, self.rules.family(case.risk)): case for case in queue.open_cases}
        self.resting = self._resting(queue)
        self.draw = Draw(rows, self.rules.holdout)
        self.exempt = fired(rows, policy.conditions.exempt)
        self.regions, self.tickets = rows.texts("region"), rows.texts("ticket_category")
        self.reasons = {found.risk: rows.texts(f"reason_group_{found.risk}") for found in scene.notices}
        self.revenue: Numbers = np.nan_to_num(rows.numbers("arr"))

    def _resting(self, queue: QueueState) -> dict[tuple[str, str], date]:
        """The day from which an account and family may have a new case, for those that have to wait."""
        resting: dict[tuple[str, str], date] = {}
        for closed in queue.cooldowns:
            rule = self.rules.risks.get(closed.risk)
            until = closed.closed_on + timedelta(days=rule.cooldown_days if rule else 0)
            key = (closed.account_id, self.rules.family(closed.risk))
            if until > max(self.as_of, resting.get(key, self.as_of)):
                resting[key] = until
        return resting

    def settle(self, claim: Claim) -> None:
        """Decide one claim; the order of the questions is the policy's."""
        key = (claim.account_id, self.rules.family(claim.notice.risk))
        minimum = self.rules.priority.minimum
        if case := self.open.get(key):
            self._again(claim, case)
        elif until := self.resting.get(key):
            self._leave(claim, Why.COOLDOWN, f"until {until.isoformat()}")
        elif minimum is not None and claim.worth < minimum and not claim.notice.alone[claim.place]:
            self._leave(claim, Why.NOT_WORTH_IT, f"priority {claim.worth:.0f}, under {minimum:.0f}")
        elif not self._held(claim):
            self._hand_over(claim)

    def rising(self, found: Notice) -> None:
        """Note the accounts at or above the threshold that have not been there for enough nights."""
        rule = self.rules.risks[found.risk]
        for place in np.flatnonzero((found.standing.above > 0) & ~found.wanted).tolist():
            detail = f"night {found.standing.above[place]} of {rule.enter_nights}"
            self.outcome.suppressed.append(Suppressed(self.rows.accounts[place], found.risk, Why.TOO_NEW, detail))

    def _leave(self, claim: Claim, why: Why, detail: str) -> None:
        self.outcome.suppressed.append(Suppressed(claim.account_id, claim.notice.risk, why, detail))

    def _again(self, claim: Claim, case: OpenCase) -> None:
        scored = float(claim.notice.probability[claim.place])
        now = claim.weight if isnan(scored) else scored
        if self.rules.rank_of(claim.severity) < self.rules.rank_of(case.severity):
            why = f"severity rose from {case.severity} to {claim.severity}"
        elif (
            claim.notice.risk == case.risk
            and round(now - case.probability, 9) >= self.rules.risks[claim.notice.risk].worsen_by
        ):
            why = f"probability rose from {case.probability:.0%} to {now:.0%}"
        else:
            self._leave(claim, Why.OPEN_CASE, case.case_id)
            return
        flag = self._flag(claim, case.squad, 0, "stays with the squad of its case")
        self.outcome.raised_again.append(RaisedAgain(case.case_id, flag, why))

    def _held(self, claim: Claim) -> bool:
        if not self.draw.held(claim.place):
            return False
        if rule := exempting(self.exempt, claim.place):
            self.outcome.exempted.append(Exemption(claim.account_id, claim.notice.risk, rule))
            return False
        unit = self.draw.units[claim.place]
        stratum = self.draw.strata[unit]
        self.outcome.held_out.append(
            HeldOut(claim.account_id, unit, claim.notice.risk, stratum, claim.weight, claim.worth)
        )
        return True

    def _hand_over(self, claim: Claim) -> None:
        risk, place = claim.notice.risk, claim.place
        triggers = claim.notice.fired(place)
        need = Need(risk, self.regions[place], claim.vip, triggers, self.reasons[risk][place], self.tickets[place])
        if need not in self.routes:  # few kinds of need, many accounts
            self.routes[need] = route(need, self.rules)
        squads, why = self.routes[need]
        squad = self.room.take(squads)
        queue, name = (self.outcome.flags, squad) if squad else (self.outcome.waiting, squads[0])
        self.ranks["flags" if squad else "waiting", name] += 1
        queue.append(self._flag(claim, name, self.ranks["flags" if squad else "waiting", name], why))

    def _flag(self, claim: Claim, squad: str, rank: int, routed: str) -> Flag:
        place = claim.place
        known = ((found.risk, float(found.probability[place])) for found in self.notices)
        return Flag(
            account_id=claim.account_id,
            as_of=self.as_of,
            risk=claim.notice.risk,
            probabilities={risk: value for risk, value in known if not isnan(value)},
            priority=claim.worth,
            squad=squad,
            rank=rank,
            at_stake=float(self.revenue[place]),
            triggers=claim.notice.fired(place),
            severity=claim.severity,
            routed=routed,
            reckoned=claim.weight,
        )
