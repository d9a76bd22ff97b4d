"""The flag of a candidate: what the night knows of an account that gets a case, is raised again, or waits."""

from math import isnan

from serving.contracts import AlarmKind, Flag, Lane, RoutingReason
from serving.policy.decision.candidates import Candidate, NightInputs
from serving.policy.detection.contract_alarms import day_after
from serving.policy.detection.detection import Detection, RiskDetection


class CandidateFlags:
    """Makes the flags of one night."""

    def __init__(self, inputs: NightInputs) -> None:
        self._risks, self._as_of = inputs.risks, inputs.as_of
        self._shares = inputs.accounts.numbers("partial_loss_share")

    def of(self, candidate: Candidate, squad: str, rank: int, routing: RoutingReason, lane: Lane) -> Flag:
        """The flag of a candidate with a place in a squad or in its queue."""
        place, found = candidate.place, candidate.detection
        probabilities = ((risk.risk, float(risk.probability[place])) for risk in self._risks)
        stake, share = found.revenue.known[place], self._shares[place]
        ends = day_after(self._as_of, found.days[place]) if found.kind is not AlarmKind.RISK else None
        return Flag(
            account_id=candidate.account_id,
            as_of=self._as_of,
            risk=found.risk,
            probabilities={risk: value for risk, value in probabilities if not isnan(value)},
            priority=candidate.priority,
            squad=squad,
            rank=rank,
            at_stake=None if isnan(stake) else float(stake),
            triggers=candidate.triggers,
            severity=candidate.severity,
            routing=routing,
            effective_probability=None if isnan(candidate.effective_probability) else candidate.effective_probability,
            alarms=candidate.alarms,
            lane=lane,
            estimated_revenue=float(found.revenue.estimated[place]) if isnan(stake) else None,
            ends_on=ends,
            loss_share=None if isnan(share) else float(share),
            uplift=_known_uplift(found, place),
        )


def _known_uplift(found: Detection, place: int) -> float | None:
    """By how much a rescue lowers the probability, where the priority was computed with it."""
    if not isinstance(found, RiskDetection) or isnan(found.uplift[place]):
        return None
    return float(found.uplift[place])
