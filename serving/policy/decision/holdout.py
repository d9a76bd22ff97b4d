"""The hold-out: accounts that the team does not work, so that the effect of its work can be measured.

Each account gets a number from a salted hash. Nothing is random at night, so the same account is held out every night
of an experiment, and a new salt draws a new hold-out. The accounts of a group (``parent_id``) are drawn together,
because they influence each other. An account keeps the unit and the stratum in which it was first known: one that is
acquired or moves to another segment does not change sides. The share can differ by segment (the stratum). The hold-out
is taken out before capacity applies: otherwise it would differ systematically from the accounts that are worked. An
exempted account is worked anyway; that is recorded, because it biases the measurement.
"""

import hashlib
from collections.abc import Mapping

import numpy as np

from serving.policy.definition.case_rules import Holdout
from serving.policy.definition.unknown_names import UNKNOWN
from serving.policy.detection.account_table import AccountTable, Flags
from serving.policy.state.queue_state import HoldoutUnits


def holdout_number(unit: str, salt: str) -> float:
    """The number of a group or account, uniform in [0, 1): it depends only on the unit and the salt."""
    digest = hashlib.sha256(f"{salt}\0{unit}".encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


class HoldoutAssignment:
    """The hold-out over all accounts: the unit and stratum of each, and whether it is held out before exemptions.

    ``known`` are the units of earlier nights; ``new_units`` are those that this night adds.
    """

    def __init__(self, accounts: AccountTable, rule: Holdout | None, known: HoldoutUnits) -> None:
        self._rule = rule
        strata: dict[str, str] = {}
        for account in sorted(known):
            strata.setdefault(*known[account])
        parents, segments = accounts.texts("parent_id"), accounts.texts("segment")
        self.units: list[tuple[str, str]] = []
        for account, parent, segment in zip(accounts.account_ids, parents, segments, strict=True):
            unit = parent or account
            stratum = strata.setdefault(unit, segment or UNKNOWN)  # of the unit's first account: exactly one
            self.units.append(known.get(account) or (unit, stratum))
        drawn = zip(accounts.account_ids, self.units, strict=True) if rule is not None else ()
        self.new_units = {account: unit for account, unit in drawn if account not in known}

    def is_held_out(self, place: int) -> bool:
        """Whether the account at this place is drawn for the hold-out."""
        if self._rule is None:
            return False
        return holdout_number(self.units[place][0], self._rule.salt) < self.share(place)

    def share(self, place: int) -> float:
        """The probability with which the account at this place is held out; 0 where nobody is."""
        if self._rule is None:
            return 0.0
        return self._rule.by_segment.get(self.units[place][1], self._rule.share)

    @property
    def salt(self) -> str:
        """The salt of the draw: it names the experiment; empty where there is none."""
        return self._rule.salt if self._rule else ""


def first_exemption(exempt: Mapping[str, Flags], place: int) -> str | None:
    """The first exemption, in the policy's order, that holds for the account at this place; None where none does."""
    return next((name for name, holds in exempt.items() if np.bool_(holds[place])), None)
