"""Which accounts the effect of the team is measured on: those that a squad had a place for, worked or held out.

Where squads are full, a worked account was near the top of the queue, and a held-out one may have been anywhere. So a
held-out account is compared only where it would have been selected: a squad that can take it still has a place when it
is its turn. That depends on who comes before it and not on its own draw, so the accounts that are enrolled differ by
chance alone, whether they are worked or held out.

A unit (group or account) is enrolled once for each salt, by its first account that is selected, for the risk that leads
it: what happens later may depend on the draw. An account that the policy exempts is enrolled on neither side, and the
known end of a contract never enrols.
"""

from collections.abc import Mapping

from serving.policy.decision.candidates import Candidate, NightInputs
from serving.policy.decision.holdout import HoldoutAssignment, first_exemption
from serving.policy.detection.account_table import Flags
from serving.policy.detection.detection import RiskDetection
from serving.policy.state.queue_state import Enrolment

EVERY_SALT = ""
"""The salt of units that were worked or held out before enrolments were recorded: they are not enrolled any more."""


class EnrolmentList:
    """The enrolments of a night, in the order of work."""

    def __init__(self, inputs: NightInputs, holdout: HoldoutAssignment, exempt: Mapping[str, Flags]) -> None:
        self._rules, self._holdout, self._exempt = inputs.policy.rules, holdout, exempt
        earlier = inputs.queue.enrolled
        self._enrolled = {unit for salt, unit in earlier if salt in (EVERY_SALT, holdout.salt)}
        self.rows: list[Enrolment] = []

    def add(self, candidate: Candidate) -> None:
        """Enrol the unit of a candidate that a squad has a place for, where it can be and is not yet."""
        place, detection = candidate.place, candidate.detection
        share = self._holdout.share(place)
        if share == 0 or not isinstance(detection, RiskDetection):
            return
        unit, stratum = self._holdout.unit(place)
        if unit in self._enrolled:
            return
        if first_exemption(self._exempt, place) is not None:
            return
        self._enrolled.add(unit)
        revenue = min(float(detection.revenue.estimated[place]), self._rules.priority.revenue_cap)
        self.rows.append(
            Enrolment(
                salt=self._holdout.salt,
                unit=unit,
                risk=detection.risk,
                account_id=candidate.account_id,
                stratum=stratum,
                share=share,
                held_out=self._holdout.is_held_out(place),
                probability=candidate.effective_probability,
                revenue=revenue,
                expected_value=float(detection.effect[place]) * revenue,
            )
        )
