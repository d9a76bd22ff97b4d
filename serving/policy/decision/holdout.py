"""The hold-out: accounts that the team does not work, so that the effect of its work can be measured.

Each account gets a number from a salted hash. Nothing is random at night, so the same account is held out every night
of an experiment, and a new salt draws a new hold-out. The accounts of a group (``parent_id``) are drawn together,
because they influence each other. The share can differ by segment (the stratum). The hold-out is taken out before
capacity applies: otherwise it would differ systematically from the accounts that are worked. An exempted account is
worked anyway; that is recorded, because it biases the measurement.
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from serving.policy.decision.account_table import AccountTable, Flags
from serving.policy.definition.policy_schema import Holdout
from serving.policy.definition.unknown_names import UNKNOWN


def holdout_number(unit: str, salt: str) -> float:
    """The number of a group or account, uniform in [0, 1): it depends only on the unit and the salt."""
    digest = hashlib.sha256(f"{salt}\0{unit}".encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


class HoldoutAssignment:
    """The hold-out over all accounts: unit and stratum of each, and whether it is held out before exemptions."""

    def __init__(self, accounts: AccountTable, rule: Holdout | None) -> None:
        parents = accounts.texts("parent_id")
        self.units = [parent or account for parent, account in zip(parents, accounts.account_ids, strict=True)]
        self.strata = _strata(self.units, accounts.texts("segment"))
        self._rule = rule

    def is_held_out(self, place: int) -> bool:
        """Whether the account at this place is drawn for the hold-out."""
        if self._rule is None:
            return False
        unit = self.units[place]
        share = self._rule.by_segment.get(self.strata[unit], self._rule.share)
        return holdout_number(unit, self._rule.salt) < share


def _strata(units: Sequence[str], segments: Sequence[str | None]) -> dict[str, str]:
    """The stratum of each unit: the segment of its first account by id, so that a group has exactly one."""
    strata: dict[str, str] = {}
    for unit, segment in zip(units, segments, strict=True):
        strata.setdefault(unit, segment or UNKNOWN)
    return strata


def first_exemption(exempt: Mapping[str, Flags], place: int) -> str | None:
    """The first exemption, in the policy's order, that holds for the account at this place; None where none does."""
    return next((name for name, holds in exempt.items() if np.bool_(holds[place])), None)
