"""Who is kept from the team so that the team's effect can be measured.

Each account draws a number from a salted hash: no dice are thrown at night, so the same account is held out every
night of an experiment, and a new salt draws anew. A group (``parent_id``) draws as one, because its accounts talk to
each other. The share may differ by segment (the stratum), and the draw comes before capacity: it decides who *would*
be worked, not who is left over. An exempted account is worked in any case, which is logged, because it biases what is
measured.
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from serving.policy.decision.candidates import Candidates, Flags
from serving.policy.definition.policy_schema import Holdout
from serving.policy.definition.unknown_names import UNKNOWN


def draw(unit: str, salt: str) -> float:
    """The unit's number, uniform in [0, 1): the same for ever under one salt."""
    digest = hashlib.sha256(f"{salt}\0{unit}".encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


class Draw:
    """The draw over all candidates: unit and stratum of each, and whether it is held out before exemptions."""

    def __init__(self, candidates: Candidates, rule: Holdout | None) -> None:
        parents = candidates.texts("parent_id")
        self.units = [parent or account for parent, account in zip(parents, candidates.accounts, strict=True)]
        self.strata = _strata(self.units, candidates.texts("segment"))
        self._rule = rule

    def held(self, place: int) -> bool:
        """Is the account at this place drawn for the hold-out?"""
        if self._rule is None:
            return False
        unit = self.units[place]
        share = self._rule.by_segment.get(self.strata[unit], self._rule.share)
        return draw(unit, self._rule.salt) < share


def _strata(units: Sequence[str], segments: Sequence[str | None]) -> dict[str, str]:
    """A unit's stratum: the segment of its first account by id, so that a group has one."""
    strata: dict[str, str] = {}
    for unit, segment in zip(units, segments, strict=True):
        strata.setdefault(unit, segment or UNKNOWN)
    return strata


def exempting(exempt: Mapping[str, Flags], place: int) -> str | None:
    """The first exemption, in the policy's order, that holds for the account; None where none does."""
    return next((name for name, holds in exempt.items() if np.bool_(holds[place])), None)
