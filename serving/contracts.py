"""What crosses from the night to the queue, and back from the people who work it."""

from dataclasses import dataclass
from datetime import date, datetime

from models.contracts import Change, Reason


@dataclass(frozen=True)
class Flag:
    """An account that the policy hands to a squad tonight, in the order in which it is to be worked.

    ``probabilities`` and ``reasons`` are by risk; ``triggers`` names the policy's triggers that fired; ``at_stake`` is
    the recurring revenue in the source's currency; ``rank`` counts from 1 within the squad's queue. ``severity`` is a
    row of the policy's escalation matrix; ``routed`` says in words why this squad got it. ``reckoned`` is the
    probability that the priority was reckoned with, which an account that a trigger raised without a score has too.
    """

    account_id: str
    as_of: date
    risk: str
    probabilities: dict[str, float]
    priority: float
    squad: str
    rank: int
    at_stake: float
    triggers: tuple[str, ...] = ()
    reasons: dict[str, tuple[Reason, ...]] | None = None
    changes: dict[str, tuple[Change, ...]] | None = None
    severity: str = ""
    routed: str = ""
    reckoned: float = 0.0

    @property
    def probability(self) -> float:
        """The probability of the flag's own risk; ``reckoned`` where it was not scored tonight."""
        return self.probabilities.get(self.risk, self.reckoned)


@dataclass(frozen=True)
class Verdict:
    """What the rescue team found and did, on its way back as a row of the ``outcomes`` table."""

    account_id: str
    risk: str
    action: str
    verdict: str | None
    decided_at: datetime
    holdout: bool = False


@dataclass(frozen=True)
class CameOf:
    """What came, by the data, of the cases that earlier nights opened for one risk.

    A case is ``settled`` when its window of ``horizon`` days after the night (lead included) is over, and it
    ``happened`` when the event came in it; ``lead_days`` is the median from the night to the event. Cases were worked,
    so what was prevented did not happen. ``effect`` says in words how the team's accounts compare with those held out.
    """

    horizon: int
    cases: int
    settled: int
    happened: int
    lead_days: float | None
    effect: str
